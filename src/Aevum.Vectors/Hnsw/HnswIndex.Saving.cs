// Saving and opening, as far as it needs the insides of an index; bytes and files are the segment's (Segments/GraphImage).

namespace Aevum.Vectors.Hnsw;

public sealed unsafe partial class HnswIndex
{
    IDisposable? _image;

    /// <summary>Bytes of a mapped file that rows, links and vectors lie in.</summary>
    internal long MappedBytes => _graph.Store.AdoptedBytes + _rows.AdoptedBytes + _upper.AdoptedBytes + (_lifetimes?.AdoptedBytes ?? 0);

    /// <summary>The index as it is now; to be disposed, and soon: deleted rows are not used anew before.</summary>
    internal HnswSnapshot Snapshot()
    {
        _upkeep.EnterWriteLock();
        try
        {
            ThrowIfClosed();
            lock (_gate) return new(_graph, _lifetimes, _ids, _readers, new(_highRow, _count, _rowsTaken, _learnAfter, _entry.Packed), _budget);
        }
        finally
        {
            _upkeep.ExitWriteLock();
        }
    }

    /// <summary>Begins an empty index with tables that lie in an image, all checked.</summary>
    /// <param name="image">Disposed with the index; also if this throws.</param>
    internal void Adopt(in HnswTables tables, HnswFacts facts, IDisposable image)
    {
        _image = image;
        var graph = tables.Rotation is null ? _graph : MakeGraph(tables.Rotation);
        if (graph != _graph)
        {
            _graph.Dispose();
            _graph = graph;
        }
        _rows.Adopt(tables.Facts, tables.Levels, facts.Rows);
        graph.Store.Adopt(tables.Records, tables.Rests, facts.Rows);
        _upper.Adopt(tables.Upper, tables.UpperBlocks);
        _lifetimes?.Adopt(tables.From, tables.To, facts.Rows, tables.GreatestFrom);
        if (tables.Places.Length > 0) _ids.Load(tables.Places, (int)facts.Count);
        _highRow = facts.Rows;
        _count = facts.Count;
        _rowsTaken = facts.RowsTaken;
        _learnAfter = GraphMaker.CanRotate(Shape) && Options.RotateAfterRows > 0 ? Math.Max(facts.LearnAfter, 1) : long.MaxValue;
        _entry.Packed = facts.Entry;
        if (facts.Count < facts.Rows) NoteOthers(facts.Rows);
    }

    void NoteOthers(long rows)
    {
        for (var row = 0u; row < rows; row++)
        {
            var state = _rows.State(row);
            if (state == RowTable.Free) _free.Push(row);
            else if (state != RowTable.Live) _dead.Add(row);
        }
    }
}

/// <summary>Where the tables of an index are, with rows as in the index's own tables.</summary>
readonly unsafe ref struct HnswTables
{
    public byte* Records { get; init; }

    public byte* Rests { get; init; }

    public byte* Facts { get; init; }

    public byte* Levels { get; init; }

    public byte* Upper { get; init; }

    public uint UpperBlocks { get; init; }

    public byte* From { get; init; }

    public byte* To { get; init; }

    /// <summary>No row's time from is greater.</summary>
    public ulong GreatestFrom { get; init; }

    public ReadOnlySpan<uint> Places { get; init; }

    public LeadingRotation? Rotation { get; init; }
}
