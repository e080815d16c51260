// ExactRows: the nearest rows of a collection by looking at every row of the store in a view: the answer where no index can give one (EXACT, a moment that
// no index covers, an index that is being built), and what indexes are measured against.
//
// Rows are gathered in native pieces, in the order of keys; each piece is searched by Aevum.Vectors' exact search, and what it brings is kept with its
// keys. What is kept bounds what the next piece may bring, so keys are copied for few rows. Among equal distances the lower key comes first.
//
// Rows that are no vectors of the collection (copied in by hand) are passed over, as the index does.

using Aevum.Core.Errors;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;
using Aevum.Vectors;

namespace Aevum.Engine.Indexes;

sealed unsafe class ExactRows : IDisposable
{
    const int PieceRows = 1024;

    readonly CollectionOptions _options;
    readonly VectorShape _shape;
    readonly ExactSearch _search;
    readonly NativeBlock _piece;
    readonly byte[] _query;
    readonly byte[]?[] _keys = new byte[PieceRows][];
    readonly int _wanted;
    readonly List<(float Distance, byte[] Key)> _found = [];
    Neighbour[] _neighbours = [];
    float _bound;
    int _count;

    ExactRows(CollectionOptions options, VectorShape shape, in VectorQuestion question, MemoryBudget budget)
    {
        _options = options;
        _shape = shape;
        _wanted = question.K + question.Offset;
        _bound = question.DistanceMax is { } shown ? shape.FromShown(shown) : float.PositiveInfinity;
        _query = new byte[shape.Bytes];
        VectorEncoder.EncodeElements(shape, question.Elements.Span, _query);
        _search = new ExactSearch(shape, budget);
        _piece = new NativeBlock((long)PieceRows * shape.Stride, budget);
    }

    /// <summary>Searches the rows of a keyspace.</summary>
    /// <exception cref="HistoryUnavailableException">The view lies below the history floor.</exception>
    public static List<VectorAnswer> Search(
        IShardRouter router, KeyspaceId keyspace, CollectionOptions options, ReadView view, in VectorQuestion question)
    {
        question.Validate();
        if (question.K == 0) return [];
        var (start, end) = KeyLayout.RangeOf(keyspace);
        using var rows = new ExactRows(options, CollectionShapes.ShapeOf(options), question, MemoryBudget.Unlimited());
        foreach (var (shard, partStart, partEnd) in router.ShardsOf(start, end))
        {
            using var cursor = shard.OpenCursor(partStart, partEnd, view);
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) rows.Add(cursor.Key, cursor.Value);
        }
        return rows.Finish(question.Offset);
    }

    void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (!IndexedRow.TryRead(value, _options, out var elements)) return;
        VectorEncoder.EncodeElements(_shape, elements, new Span<byte>(_piece.Pointer + ((nint)_count * _shape.Stride), _shape.Bytes));
        ref var room = ref _keys[_count];
        var user = KeyLayout.UserKeyOf(key);
        if (room?.Length == user.Length) user.CopyTo(room);
        else room = user.ToArray();
        if (++_count == PieceRows) SearchPiece();
    }

    void SearchPiece()
    {
        if (_count == 0) return;
        var wanted = Math.Min(_wanted, _count);
        if (_neighbours.Length < wanted) _neighbours = new Neighbour[wanted];
        var found = _search.Find(_query, new SearchLimits(wanted, 0, _bound), new VectorRows(_piece.Pointer, _shape.Stride, 0, _count), default, _neighbours);
        for (var i = 0; i < found; i++)
        {
            ref var key = ref _keys[(int)_neighbours[i].Row];
            _found.Add((_neighbours[i].Distance, key!));
            key = null;
        }
        _count = 0;
        if (_found.Count >= _wanted + Math.Max(PieceRows, _wanted)) Cut();
    }

    // What lies behind the last one wanted goes.
    void Cut()
    {
        _found.Sort(static (x, y) => x.Distance != y.Distance ? x.Distance.CompareTo(y.Distance) : x.Key.AsSpan().SequenceCompareTo(y.Key));
        if (_found.Count > _wanted) _found.RemoveRange(_wanted, _found.Count - _wanted);
        if (_found.Count == _wanted) _bound = Math.Min(_bound, _found[^1].Distance);
    }

    List<VectorAnswer> Finish(int offset)
    {
        SearchPiece();
        Cut();
        return [.. _found.Skip(offset).Select(f => new VectorAnswer(f.Key, _shape.ToShown(f.Distance)))];
    }

    public void Dispose()
    {
        _search.Dispose();
        _piece.Dispose();
    }
}

/// <summary>Rows as indexes take them.</summary>
static class IndexedRow
{
    /// <returns>False: the value is no vector of the collection.</returns>
    public static bool TryRead(ReadOnlySpan<byte> value, CollectionOptions options, out ReadOnlySpan<byte> elements)
    {
        elements = default;
        if (value.Length != VectorRow.LengthOf(options) || value[0] != VectorRow.LayoutVersion) return false;
        elements = value[VectorRow.HeaderBytes..];
        return VectorRow.Check(elements, options, out _) == VectorFault.None;
    }
}
