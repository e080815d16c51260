// HnswSnapshot: an index as it was at one moment, to be written to a file while searches and writes go on.
//
//   taken     the state of every row is copied, a byte each, and the table of ids, while writers wait (milliseconds for a million rows); and the snapshot
//             counts as a reader: rows that were there then are not used anew, and a store that is replaced is not freed, before it is disposed
//   written   vectors, ids and times of those rows do not change any more. Their links may, as for any search; each link is some row, and is left out
//             where that row was not there at the moment
//
// Rows that were deleted but still linked are written as dead: walks over the reopened graph pass them, and its sweeps get rid of them.
//
// Always true: the ids and vectors are exactly those of the moment; the links are a graph over those rows, of the moment or a little later.

namespace Aevum.Vectors.Hnsw;

sealed unsafe class HnswSnapshot : IDisposable
{
    readonly Readers _readers;
    readonly SearchScratch _scratch;
    readonly NativeBlock _states;
    readonly uint[] _places;
    bool _disposed;

    /// <summary>Under the locks of the index (<see cref="HnswIndex.Snapshot"/>).</summary>
    public HnswSnapshot(Graph graph, LifetimeTable? lifetimes, RowIds ids, Readers readers, HnswFacts facts, MemoryBudget budget)
    {
        (Graph, Lifetimes, Facts, _readers) = (graph, lifetimes, facts, readers);
        _states = new(Math.Max(1, facts.Rows), budget);
        try
        {
            var rows = graph.Rows;
            for (var row = 0L; row < facts.Rows; row++)
                _states.Pointer[row] = rows.State((uint)row) switch { RowTable.Live => Live, >= RowTable.FirstDeath => Dead, _ => None };
            _places = ids.Places.ToArray();
            _scratch = readers.Enter();
        }
        catch
        {
            _states.Dispose();
            throw;
        }
    }

    const byte None = 0, Live = 1, Dead = 2;

    public Graph Graph { get; }

    public LifetimeTable? Lifetimes { get; }

    public HnswFacts Facts { get; }

    public ReadOnlySpan<uint> Places => _places;

    /// <summary>Whether the row had a vector: it lived, or was dead and still linked.</summary>
    public bool IsThere(uint row) => row < Facts.Rows && _states.Pointer[row] != None;

    public bool IsLive(uint row) => row < Facts.Rows && _states.Pointer[row] == Live;

    /// <summary>Copies links that lead to rows that were there, and fills up with <see cref="VectorStore.End"/>.</summary>
    /// <param name="layer">Above the lowest only rows that reach it are led to.</param>
    public void CopyLinks(uint* links, Span<uint> target, int layer)
    {
        var count = 0;
        for (var i = 0; i < target.Length; i++)
        {
            var link = Volatile.Read(ref links[i]);
            if (link == VectorStore.End) break;
            if (IsThere(link) && Graph.Rows.Level(link) >= layer) target[count++] = link;
        }
        target[count..].Fill(VectorStore.End);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _readers.Leave(_scratch);
        _states.Dispose();
    }
}

/// <summary>What an index knows beside its tables.</summary>
/// <param name="Rows">All rows are below it.</param>
/// <param name="Count">Live rows.</param>
/// <param name="RowsTaken">How many rows were ever begun, from which levels are drawn.</param>
/// <param name="LearnAfter">Rows at which a rotation is looked for again.</param>
/// <param name="Entry">Level and row where walks begin, packed; -1: none.</param>
readonly record struct HnswFacts(long Rows, long Count, ulong RowsTaken, long LearnAfter, long Entry);
