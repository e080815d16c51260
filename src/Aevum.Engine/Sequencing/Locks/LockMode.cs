namespace Aevum.Engine.Sequencing.Locks;

/// <summary>What a lock lets others do meanwhile.</summary>
public enum LockMode
{
    /// <summary>Others may hold the key Shared too: nobody changes it, anybody may read it for update decisions.</summary>
    Shared = 0,

    /// <summary>Nobody else holds the key.</summary>
    Exclusive = 1,
}
