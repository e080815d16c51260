namespace Aevum;

/// <summary>What a transaction may see of others.</summary>
public enum Isolation
{
    /// <summary>Each read sees what is committed when it is asked; keys that are to be written are locked first.</summary>
    ReadCommitted = 0,

    /// <summary>All reads see one moment; of two that write the same key the first to commit wins (snapshot isolation).</summary>
    RepeatableRead = 1,

    /// <summary>As if transactions came one after the other: nothing that was read, keys and ranges, may have changed until the commit.</summary>
    Serializable = 2,
}
