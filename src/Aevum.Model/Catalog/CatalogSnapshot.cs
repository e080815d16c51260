// CatalogSnapshot: the whole catalog at one system time, immutable, asked by any number of threads without locks.
//
//   rows  -> snapshot               FromRows: at open, and for any moment of the past (the rows of a view AS OF it)
//   rows of a commit -> snapshot    Apply: what the batch did not touch is shared with the snapshot before
//
// Always true of a snapshot that exists: names and objects agree; an object's parent is there; every id is below its counter; each
// namespace but the system's has its default keyspace and a counter for more. Rows that say otherwise are refused as corruption
// (SnapshotEdit).
//
// Costs: a lookup is a walk down a balanced tree, without allocation (by name twice, as a name leads to an id); Apply copies a path per
// changed row: so n objects made one by one cost n log n, not n squared.
//
// Not here: reading and writing rows (the engine), and which snapshot is the present one (whoever follows the applied stream).

using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Catalog;

public sealed class CatalogSnapshot
{
    /// <summary>No rows at all: a database before its first day (<see cref="CatalogChange.Found"/>).</summary>
    public static CatalogSnapshot Empty { get; } = new(new CatalogState(), SystemTime.None);

    readonly CatalogState _state;

    CatalogSnapshot(CatalogState state, SystemTime version) => (_state, Version) = (state, version);

    /// <summary>The catalog version: the system time of the newest change that is in here.</summary>
    public SystemTime Version { get; }

    internal CatalogState State => _state;

    /// <summary>A snapshot of all the rows there are, in any order.</summary>
    /// <param name="version">The time of the newest change among them, or above it: what the rows were read as of.</param>
    /// <exception cref="CorruptionException">A row is malformed, or rows contradict each other.</exception>
    /// <exception cref="AevumException">UnsupportedFormat: a row of a later program. InvalidArgument: a row above the version.</exception>
    public static CatalogSnapshot FromRows(IEnumerable<CatalogRow> rows, SystemTime version) => Empty.Apply(rows, version);

    /// <summary>The snapshot after a commit.</summary>
    /// <param name="changed">Every row of the catalog that the commit (or several, in order) wrote or deleted. Rows that are in here
    /// already change nothing.</param>
    /// <param name="version">Of the commit; not below <see cref="Version"/>.</param>
    /// <exception cref="CorruptionException">As of <see cref="FromRows"/>.</exception>
    /// <exception cref="AevumException">As of <see cref="FromRows"/>; InvalidArgument also: a version below the present one.</exception>
    public CatalogSnapshot Apply(IEnumerable<CatalogRow> changed, SystemTime version)
    {
        if (version < Version) Throw.Invalid($"the catalog stands at version {Version} and cannot go back to {version}");
        var edit = new SnapshotEdit(_state);
        foreach (var row in changed)
        {
            if (row.Version > version) Throw.Invalid($"a catalog row of version {row.Version} lies above the version {version} of the snapshot");
            edit.Set(row);
        }
        return edit.IsEmpty && version == Version ? this : new CatalogSnapshot(edit.Finish(), version);
    }

    // ------------------------------------------------------------------------------------------------ lookups

    public NamespaceEntry? FindNamespace(uint id) => _state.Namespaces.Find(id);

    public NamespaceEntry? FindNamespace(ReadOnlySpan<char> name) => _state.Namespaces.Find(0, name);

    public KeyspaceEntry? FindKeyspace(KeyspaceId id) => _state.Keyspaces.Find(id.Value);

    public KeyspaceEntry? FindKeyspace(uint namespaceId, ReadOnlySpan<char> name) => _state.Keyspaces.Find(namespaceId, name);

    public PrincipalEntry? FindPrincipal(uint id) => _state.Principals.Find(id);

    public PrincipalEntry? FindPrincipal(ReadOnlySpan<char> name) => _state.Principals.Find(0, name);

    // ------------------------------------------------------------------------------------------------ lists, by id

    /// <summary>Ids of keyspaces of a namespace that were ever given lie below this.</summary>
    public uint NextKeyspaceOf(uint namespaceId) => _state.FindCounter(CatalogCounter.Keyspaces, namespaceId)?.Next ?? 0;

    public int NamespaceCount => _state.Namespaces.Count;

    public int KeyspaceCount => _state.Keyspaces.Count;

    public int PrincipalCount => _state.Principals.Count;

    public IEnumerable<NamespaceEntry> Namespaces => _state.Namespaces.From(0);

    /// <summary>Of all namespaces, by namespace and id.</summary>
    public IEnumerable<KeyspaceEntry> Keyspaces => _state.Keyspaces.From(0);

    public IEnumerable<PrincipalEntry> Principals => _state.Principals.From(0);

    public IEnumerable<KeyspaceEntry> KeyspacesOf(uint namespaceId)
    {
        foreach (var entry in _state.Keyspaces.From(new KeyspaceId(namespaceId, 0).Value))
        {
            if (entry.Id.Namespace != namespaceId) yield break;
            yield return entry;
        }
    }
}

/// <summary>What a snapshot holds.</summary>
sealed record CatalogState
{
    public NamedMap<NamespaceEntry> Namespaces { get; init; } = NamedMap<NamespaceEntry>.Empty;

    public NamedMap<KeyspaceEntry> Keyspaces { get; init; } = NamedMap<KeyspaceEntry>.Empty;

    public NamedMap<PrincipalEntry> Principals { get; init; } = NamedMap<PrincipalEntry>.Empty;

    /// <summary>By <see cref="CounterKey"/>.</summary>
    public PersistentMap<ulong, CounterEntry> Counters { get; init; } = PersistentMap<ulong, CounterEntry>.Empty;

    public CounterEntry? FindCounter(CatalogCounter counter, uint parent = 0) =>
        Counters.TryFind(CounterKey(counter, parent), out var found) ? found : null;

    public static ulong CounterKey(CatalogCounter counter, uint parent) => ((ulong)counter << 32) | parent;
}

/// <param name="Next">The id to give next; <see cref="CatalogKey.IdEnd"/>: none is left.</param>
/// <param name="Version">When the row was written.</param>
readonly record struct CounterEntry(uint Next, SystemTime Version);
