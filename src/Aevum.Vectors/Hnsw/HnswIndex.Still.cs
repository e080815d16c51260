// Reading a graph as a whole, to make another form of it: no writer is inside meanwhile, every deleted row is swept first. Searches go on.

namespace Aevum.Vectors.Hnsw;

public sealed unsafe partial class HnswIndex
{
    /// <summary>Runs <paramref name="read"/> while nothing changes. No link leads from a live row to one that is not.</summary>
    internal TResult WhileStill<TResult>(Func<StillGraph, TResult> read)
    {
        _upkeep.EnterWriteLock();
        try
        {
            ThrowIfClosed();
            if (_isSweeping) SweepStep(long.MaxValue);
            BeginSweep();
            if (_isSweeping) SweepStep(long.MaxValue);
            return read(new(_graph, _rows, (uint)_highRow));
        }
        finally
        {
            _upkeep.ExitWriteLock();
        }
    }
}

/// <summary>A graph that nobody changes at the moment.</summary>
/// <param name="RowEnd">All rows are below it.</param>
/// <param name="Noted">Null: nobody writes. Else rows are those of the snapshot, and links may change while they are read: whoever copies them leaves out
/// what does not lead to one of these rows.</param>
readonly unsafe record struct StillGraph(Graph Graph, RowTable Rows, uint RowEnd, HnswSnapshot? Noted = null)
{
    public int LinksMax => Graph.Store.LinksMax;

    public int UpperLinksMax => Graph.Upper.LinksMax;

    public bool IsLive(uint row) => Noted is null ? Rows.State(row) == RowTable.Live : Noted.IsLive(row);

    public ulong Id(uint row) => Rows.Id(row);

    public int Level(uint row) => Rows.Level(row);

    /// <summary>The links of a row on a layer, from the lowest, 0, up to its level.</summary>
    public ReadOnlySpan<uint> Links(uint row, int layer)
    {
        var links = layer == 0 ? Graph.Store.Links(row) : Graph.Upper.Links(Rows.Upper(row), layer);
        var all = new ReadOnlySpan<uint>(links, layer == 0 ? LinksMax : UpperLinksMax);
        var end = all.IndexOf(VectorStore.End);
        return end < 0 ? all : all[..end];
    }

    /// <summary>The vector of a row as the encoder stored it, turned back if the graph turns vectors.</summary>
    public void Read(uint row, byte* stored)
    {
        Graph.Read(row, stored);
        Graph.Rotation?.ApplyInverse((float*)stored, (float*)stored);
    }
}
