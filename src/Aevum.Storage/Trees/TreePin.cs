namespace Aevum.Storage.Trees;

/// <summary>The tables of a tree as they were at one moment: their files stay until this is disposed, whatever flushes and compactions do.</summary>
public sealed class TreePin : IDisposable
{
    readonly LiveVersion _version;
    readonly TableStore _store;
    int _disposed;

    internal TreePin(Versions.ManifestState state, LiveVersion version, TableStore store)
    {
        Image = new TreeImage(state);
        _version = version;
        _store = store;
    }

    /// <summary>What the manifest said.</summary>
    public TreeImage Image { get; }

    /// <summary>Every effect up to this position is in the tables, no later one is.</summary>
    public ulong AppliedPosition => Image.AppliedPosition;

    public string PathOf(ulong table) => _store.PathOf(table);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _version.Release();
    }
}
