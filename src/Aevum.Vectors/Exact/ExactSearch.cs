// ExactSearch: the nearest rows by looking at all of them. The oracle of every index, and the scan of what no index covers yet.
//
//   Begin(queries, limits)   -> Scan(rows, filter)*   -> Take(query, results)*          then Begin again
//
// Rows may come in any number of pieces, in any order: what is found does not depend on it. A piece is cut into blocks that stay in the core's
// own cache while every query of the batch passes over them, so a batch reads each row from memory once. A filter turns a block into a list of
// rows, once for all queries.
//
// With a cut (rows and queries rotated so that the leading components hold most of the energy), a row whose leading part alone is too far is
// left there: exact, and on such data most of the work is saved. Only under L2 and Cosine, where a leading part is a lower bound.
//
// Always true: nothing managed is allocated after the first search of a size; all scratch is one native block. One thread at a time.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.Intrinsics;
using Aevum.Core.Errors;

namespace Aevum.Vectors;

sealed unsafe class ExactSearch : IDisposable
{
    /// <summary>Bytes of rows that pass by all queries before the next: about half of a core's second cache.</summary>
    const int BlockBytes = 256 << 10;

    /// <summary>And so many rows at most, which bounds the lists.</summary>
    const int BlockRows = 2048;

    readonly VectorShape _shape;
    readonly MemoryBudget _budget;
    readonly int _cut;
    readonly int _queryStride;
    NativeBlock? _scratch;
    SearchLimits _limits;
    int _queries;
    bool _ended;

    // Within the scratch.
    byte* _prepared;
    TopK* _tops;
    ulong* _keys;
    uint* _rows;
    float* _distances;

    /// <param name="cut">How many components lead (<see cref="SplitDispatch"/>); 0: compare whole vectors.</param>
    public ExactSearch(VectorShape shape, MemoryBudget budget, int cut = 0)
    {
        if (cut != 0 && shape.Metric == Metric.InnerProduct)
            Throw.Invalid("a scan by InnerProduct cannot stop early: the leading components say nothing of the rest");
        _shape = shape;
        _budget = budget;
        _cut = cut;
        _queryStride = (PreparedQuery.Bytes(shape) + 63) & -64;
    }

    /// <summary>Starts a search of its own for each query.</summary>
    /// <param name="queries">Stored vectors (see <see cref="VectorEncoder"/>), one after the other without padding.</param>
    /// <exception cref="AevumException">InvalidArgument, LimitExceeded: as <see cref="SearchLimits.Validate"/>; the queries' bytes are no whole
    /// number of vectors; the budget has no room for what must be kept.</exception>
    public void Begin(ReadOnlySpan<byte> queries, in SearchLimits limits)
    {
        limits.Validate();
        if (queries.Length == 0 || queries.Length % _shape.Bytes != 0)
            Throw.Invalid($"{queries.Length} bytes are no queries of {_shape.Bytes} bytes each");
        _limits = limits;
        _queries = queries.Length / _shape.Bytes;
        _ended = false;
        LayOut();
        for (var i = 0; i < _queries; i++)
        {
            fixed (byte* stored = queries[(i * _shape.Bytes)..]) PreparedQuery.Write(_shape, stored, _prepared + ((nint)i * _queryStride));
            _tops[i] = new TopK(_keys + ((nint)i * _limits.Found), _limits.Found, _limits.DistanceMax);
        }
    }

    /// <summary>Looks at rows. No row may be given twice between <see cref="Begin"/> and <see cref="Take"/>.</summary>
    /// <param name="width">Null: the widest this machine has.</param>
    public void Scan(VectorRows rows, RowFilter filter, KernelWidth? width = null)
    {
        if (_queries == 0 || _ended) Throw.Invalid("no search has begun");
        if (rows.Count == 0) return;
        if (_cut == 0)
        {
            var visitor = new WholeScan { Search = this, Rows = rows, Filter = filter };
            DistanceDispatch.RunPrepared<WholeScan, bool>(_shape, ref visitor, width);
        }
        else
        {
            var visitor = new SplitScan { Search = this, Rows = rows, Filter = filter };
            SplitDispatch.Run<SplitScan, bool>(_shape, _cut, ref visitor, width);
        }
    }

    /// <summary>What one query found, nearest first. Nothing can be scanned after the first of these.</summary>
    /// <param name="query">Its number in the batch.</param>
    /// <param name="results">Room for <see cref="SearchLimits.K"/>.</param>
    /// <returns>How many were found: K wherever so many are there.</returns>
    public int Take(int query, Span<Neighbour> results)
    {
        if ((uint)query >= (uint)_queries) Throw.Invalid($"there is no query {query} among {_queries}");
        if (results.Length < _limits.K) Throw.Invalid($"there is room for {results.Length} results where {_limits.K} were asked for");
        _ended = true;
        var keys = _tops[query].Sort();
        var found = Math.Max(0, _tops[query].Count - _limits.Offset);
        for (var i = 0; i < found; i++) results[i] = DistanceKey.Neighbour(keys[_limits.Offset + i]);
        return found;
    }

    /// <summary>One query over one piece: <see cref="Begin"/>, <see cref="Scan"/>, <see cref="Take"/>.</summary>
    public int Find(ReadOnlySpan<byte> query, in SearchLimits limits, VectorRows rows, RowFilter filter, Span<Neighbour> results)
    {
        Begin(query, limits);
        Scan(rows, filter);
        return Take(0, results);
    }

    public void Dispose()
    {
        _scratch?.Dispose();
        _scratch = null;
        _queries = 0;
    }

    void LayOut()
    {
        long prepared = (long)_queries * _queryStride, tops = ((long)_queries * sizeof(TopK) + 63) & -64,
            keys = ((long)_queries * _limits.Found * sizeof(ulong) + 63) & -64;
        const long rows = BlockRows * sizeof(uint), distances = BlockRows * sizeof(float);
        var needed = prepared + tops + keys + rows + distances;
        if (_scratch is null || _scratch.Bytes < needed)
        {
            _scratch?.Dispose();
            _scratch = null;
            _queries = 0;   // until there is memory, there is no search
            var block = new NativeBlock(needed, _budget);
            _scratch = block;
            _queries = (int)(prepared / _queryStride);
        }
        _prepared = _scratch.Pointer;
        _tops = (TopK*)(_prepared + prepared);
        _keys = (ulong*)((byte*)_tops + tops);
        _rows = (uint*)((byte*)_keys + keys);
        _distances = (float*)((byte*)_rows + rows);
    }

    // The rows of a block that count, as numbers within the piece. Returns how many.
    int List(VectorRows rows, RowFilter filter, int start, int end)
    {
        var listed = 0;
        var last = Math.Min((long)rows.FirstRow + end, filter.Rows);
        for (var row = (long)rows.FirstRow + start; row < last;)
        {
            var word = filter.Words[row >> 6] >> (int)(row & 63);
            var covered = Math.Min(64 - (row & 63), last - row);
            if (covered < 64) word &= (1UL << (int)covered) - 1;
            for (; word != 0; word &= word - 1) _rows[listed++] = (uint)(row - rows.FirstRow + BitOperations.TrailingZeroCount(word));
            row += covered;
        }
        return listed;
    }

    static int RowsInBlock(VectorRows rows) => (int)Math.Clamp(BlockBytes / rows.Stride, 16, BlockRows);

    // Offers distances of rows: those named by the list, or (listed null) those from a number on.
    static void Offer(ref TopK top, float* distances, uint* listed, uint first, int count)
    {
        var i = 0;
        for (; i <= count - 8; i += 8)
        {
            // Once the heap is full, few rows get in; eight are turned away by one comparison.
            if (!Vector256.LessThanOrEqualAny(Vector256.Load(distances + i), Vector256.Create(top.Bound))) continue;
            for (var j = i; j < i + 8; j++)
                if (distances[j] <= top.Bound) top.Offer(distances[j], first + (listed == null ? (uint)j : listed[j]));
        }
        for (; i < count; i++)
            if (distances[i] <= top.Bound) top.Offer(distances[i], first + (listed == null ? (uint)i : listed[i]));
    }

    struct WholeScan : IDistanceVisitor<bool>
    {
        public ExactSearch Search;
        public VectorRows Rows;
        public RowFilter Filter;

        public readonly bool Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            var s = Search;
            var step = RowsInBlock(Rows);
            for (var start = 0; start < Rows.Count; start += step)
            {
                var end = Math.Min(Rows.Count, start + step);
                var listed = Filter.KeepsAll ? end - start : s.List(Rows, Filter, start, end);
                for (var q = 0; q < s._queries && listed > 0; q++)
                {
                    var query = s._prepared + ((nint)q * s._queryStride);
                    if (listed == end - start)
                    {
                        ManyDistances.Consecutive(distance, query, Rows.First + (Rows.Stride * start), Rows.Stride, listed, s._distances);
                        Offer(ref s._tops[q], s._distances, null, Rows.FirstRow + (uint)start, listed);
                    }
                    else
                    {
                        ManyDistances.Gather(distance, query, Rows.First, Rows.Stride, s._shape.Bytes, s._rows, listed, s._distances);
                        Offer(ref s._tops[q], s._distances, s._rows, Rows.FirstRow, listed);
                    }
                }
            }
            return true;
        }
    }

    struct SplitScan : ISplitVisitor<bool>
    {
        public ExactSearch Search;
        public VectorRows Rows;
        public RowFilter Filter;

        public readonly bool Visit<TDistance>(TDistance distance) where TDistance : struct, ISplitDistance
        {
            var s = Search;
            var step = RowsInBlock(Rows);
            for (var start = 0; start < Rows.Count; start += step)
            {
                var end = Math.Min(Rows.Count, start + step);
                var listed = Filter.KeepsAll ? end - start : s.List(Rows, Filter, start, end);
                if (Filter.KeepsAll)
                    for (var i = 0; i < listed; i++) s._rows[i] = (uint)(start + i);
                for (var q = 0; q < s._queries; q++) Pass(s, distance, s._prepared + ((nint)q * s._queryStride), ref s._tops[q], listed);
            }
            return true;
        }

        readonly void Pass<TDistance>(ExactSearch s, TDistance distance, byte* query, ref TopK top, int listed) where TDistance : struct, ISplitDistance
        {
            var leading = s._distances;
            var at = 0;
            for (; at <= listed - 4; at += 4)
            {
                distance.LeadingFour(query, Row(s, at), Row(s, at + 1), Row(s, at + 2), Row(s, at + 3), leading);
                if (!Vector128.LessThanOrEqualAny(Vector128.Load(leading), Vector128.Create(top.Bound))) continue;
                for (var j = 0; j < 4; j++) Finish(s, distance, query, ref top, at + j, leading[j]);
            }
            for (; at < listed; at++) Finish(s, distance, query, ref top, at, distance.Leading(query, Row(s, at)));
        }

        readonly void Finish<TDistance>(ExactSearch s, TDistance distance, byte* query, ref TopK top, int at, float leading)
            where TDistance : struct, ISplitDistance
        {
            if (leading > top.Bound) return;
            var whole = leading + distance.Rest(query, Row(s, at));
            Debug.Assert(whole >= leading, "a part below zero would make the early exit wrong");
            if (whole <= top.Bound) top.Offer(whole, Rows.FirstRow + s._rows[at]);
        }

        readonly byte* Row(ExactSearch s, int at) => Rows.First + (Rows.Stride * (nint)s._rows[at]);
    }
}
