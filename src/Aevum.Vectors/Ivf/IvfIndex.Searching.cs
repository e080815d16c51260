// Searching: distances to all centroids, then list after list from the nearest on. As many lists as asked for are looked at, and further ones while fewer
// rows were found than are asked for: a filter, or deletes, never make a search return fewer rows than there are.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Aevum.Core.Errors;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Ivf;

sealed unsafe partial class IvfIndex
{
    // Rows of a flat list that are compared before they are offered.
    const int Batch = 512;

    /// <summary>The rows nearest to a vector, nearest first; among equal distances the lower row first.</summary>
    /// <param name="stored">As the encoder stored it.</param>
    /// <param name="results">Room for K.</param>
    /// <returns>How many were found: K, unless fewer exist in the filter and within the distance.</returns>
    /// <exception cref="AevumException">InvalidArgument; LimitExceeded: the budget has no room for the scratch; Closed.</exception>
    public int Search(ReadOnlySpan<byte> stored, in IvfQuery query, Span<Neighbour> results)
    {
        query.Validate();
        if (stored.Length != Shape.Bytes) Throw.Invalid($"a stored vector of {Shape} has {Shape.Bytes} bytes, not {stored.Length}");
        if (results.Length < query.Limits.K) Throw.Invalid($"there is room for {results.Length} results where {query.Limits.K} are asked for");
        _lock.EnterReadLock();
        try
        {
            ThrowIfClosed();
            using var rented = Rent();
            fixed (byte* vector = stored) return Search(rented.Scratch, vector, query, results);
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    int Search(IvfScratch scratch, byte* stored, in IvfQuery query, Span<Neighbour> results)
    {
        var reranks = _source is not null;
        var candidates = (int)Math.Min(query.CandidatesFor(reranks), Math.Max(Count, 1));
        var found = (int)Math.Min(query.Limits.Found, Math.Max(Count, 1));
        var ask = new Ask(this, scratch, stored, query, candidates, found);
        Rank(ask);
        // Estimates may be too far as well as too near: only exact distances are cut off.
        var top = new TopK(ask.Keys, candidates, reranks ? float.PositiveInfinity : query.Limits.DistanceMax);
        if (_codes is null)
        {
            var visitor = new FlatScan { Index = this, Ask = ask, Top = top };
            DistanceDispatch.RunPrepared<FlatScan, bool>(Shape, ref visitor);
            top = visitor.Top;
        }
        else
        {
            ScanCodes(ask, ref top);
        }
        var keys = top.Sort();
        var count = top.Count;
        if (reranks)
        {
            var exact = new TopK(ask.Exact, found, query.Limits.DistanceMax);
            Rerank.Run(Shape, _source!, ask.Prepared, keys, count, ref exact, default(NoBounds));
            keys = exact.Sort();
            count = exact.Count;
        }
        var returned = Math.Max(0, Math.Min(count - query.Limits.Offset, query.Limits.K));
        for (var i = 0; i < returned; i++) results[i] = DistanceKey.Neighbour(keys[query.Limits.Offset + i]);
        return returned;
    }

    // Lists in the order of their centroids' distances, by the metric.
    void Rank(in Ask ask)
    {
        if (Shape.Metric == Metric.InnerProduct) _centroids.NegativeProducts(ask.Floats, ask.ListDistances);
        else if (Shape.Metric == Metric.L1) _centroids.AbsoluteDistances(ask.Floats, ask.ListDistances);
        else _centroids.Distances(ask.Floats, ask.ListDistances);
        for (var i = 0; i < _lists.Length; i++) ask.Lists[i] = DistanceKey.Of(ask.ListDistances[i], (uint)i);
        new Span<ulong>(ask.Lists, _lists.Length).Sort();
    }

    bool IsDone(in Ask ask, int probed, in TopK top) =>
        probed >= (ask.Query.Probes > 0 ? ask.Query.Probes : Options.Probes) && top.Count >= ask.Found;

    void ScanCodes(in Ask ask, ref TopK top)
    {
        var codes = _codes!;
        var sums = stackalloc ushort[FastScan.BlockCodes];
        var isShared = Shape.Metric == Metric.InnerProduct;
        if (isShared) FastScan.Prepare(codes, ask.Floats, ask.Tables, ask.Entries);
        for (var i = 0; i < _lists.Length && !IsDone(ask, i, top); i++)
        {
            var number = (int)DistanceKey.Row(ask.Lists[i]);
            var list = _lists[number];
            if (list.Count == 0) continue;
            var bias = 0f;
            if (isShared)
            {
                bias = ask.ListDistances[number];
            }
            else
            {
                for (var c = 0; c < Shape.Dimension; c++) ask.Difference[c] = ask.Floats[c] - _centroids.Component(number, c);
                FastScan.Prepare(codes, ask.Difference, ask.Tables, ask.Entries);
            }
            bias += FastScan.Bias(ask.Tables);
            var step = FastScan.Step(ask.Tables);
            for (var first = 0; first < list.Count; first += FastScan.BlockCodes)
            {
                FastScan.Scan(ask.Tables, list.Block(first), EntryBytes, sums);
                var near = Near(sums, bias, step, top.Bound, list.Count - first);
                for (; near != 0; near &= near - 1)
                {
                    var place = BitOperations.TrailingZeroCount(near);
                    var row = list.Rows[first + place];
                    var distance = bias + (step * sums[place]);
                    if (distance <= top.Bound && ask.Query.Filter.Keeps(row)) top.Offer(distance, row);
                }
            }
        }
    }

    // Bit i: sum i may be near enough to be kept. Compared as whole numbers, so that most blocks are turned away as one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Near(ushort* sums, float bias, float step, float bound, int count)
    {
        var most = (bound - bias) / step;
        if (most < 0) return 0;
        var limit = Vector256.Create(most >= ushort.MaxValue ? ushort.MaxValue : (ushort)(most + 1));
        var low = Vector256.LessThanOrEqual(Vector256.Load(sums), limit);
        var high = Vector256.LessThanOrEqual(Vector256.Load(sums + 16), limit);
        var bits = Vector256.ExtractMostSignificantBits(Vector256.Narrow(low, high));
        return count >= FastScan.BlockCodes ? bits : bits & ((1u << count) - 1);
    }

    struct FlatScan : IDistanceVisitor<bool>
    {
        public IvfIndex Index;
        public Ask Ask;
        public TopK Top;

        public bool Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            var (index, stride) = (Index, (nint)Index.EntryBytes);
            for (var i = 0; i < index._lists.Length && !index.IsDone(Ask, i, Top); i++)
            {
                var list = index._lists[DistanceKey.Row(Ask.Lists[i])];
                for (var first = 0; first < list.Count; first += Batch)
                {
                    var count = Math.Min(Batch, list.Count - first);
                    if (Ask.Query.Filter.KeepsAll)
                    {
                        ManyDistances.Consecutive(distance, Ask.Prepared, list.Entries + (first * stride), stride, count, Ask.Distances);
                        for (var j = 0; j < count; j++)
                            if (Ask.Distances[j] <= Top.Bound) Top.Offer(Ask.Distances[j], list.Rows[first + j]);
                        continue;
                    }
                    var kept = 0;
                    for (var j = 0; j < count; j++)
                    {
                        Ask.Places[kept] = (uint)(first + j);
                        kept += Ask.Query.Filter.Keeps(list.Rows[first + j]) ? 1 : 0;
                    }
                    ManyDistances.Gather(distance, Ask.Prepared, list.Entries, stride, index.Shape.Bytes, Ask.Places, kept, Ask.Distances);
                    for (var j = 0; j < kept; j++)
                        if (Ask.Distances[j] <= Top.Bound) Top.Offer(Ask.Distances[j], list.Rows[Ask.Places[j]]);
                }
            }
            return true;
        }
    }

    // What one search works with.
    readonly struct Ask
    {
        public readonly IvfQuery Query;
        public readonly int Found;
        public readonly float* Floats, Difference, ListDistances, Entries, Distances;
        public readonly byte* Prepared, Tables;
        public readonly ulong* Lists, Keys, Exact;
        public readonly uint* Places;

        public Ask(IvfIndex index, IvfScratch scratch, byte* stored, in IvfQuery query, int candidates, int found)
        {
            long floats = index.Shape.Dimension * 4L, centroids = index._centroids.PaddedCount * 4L, lists = index._lists.Length * 8L;
            long prepared = PreparedQuery.Bytes(index.Shape);
            long tables = index._codes is { } codes ? FastScan.TableBytes(codes.CodeBytes) : 0;
            long entries = index._codes is { } c ? c.SubCount * 16L * 4 : 0;
            scratch.Begin((2 * NativeBlock.Room(floats)) + NativeBlock.Room(centroids) + NativeBlock.Room(lists) + NativeBlock.Room(prepared)
                + NativeBlock.Room(tables) + NativeBlock.Room(entries) + (2 * NativeBlock.Room(Batch * 4L))
                + NativeBlock.Room(candidates * 8L) + NativeBlock.Room(found * 8L));
            (Query, Found) = (query, found);
            Floats = (float*)scratch.Take(floats);
            Difference = (float*)scratch.Take(floats);
            ListDistances = (float*)scratch.Take(centroids);
            Lists = (ulong*)scratch.Take(lists);
            Prepared = scratch.Take(prepared);
            Tables = scratch.Take(tables);
            Entries = (float*)scratch.Take(entries);
            Distances = (float*)scratch.Take(Batch * 4L);
            Places = (uint*)scratch.Take(Batch * 4L);
            Keys = (ulong*)scratch.Take(candidates * 8L);
            Exact = (ulong*)scratch.Take(found * 8L);
            VectorFloats.Read(index.Shape, stored, Floats);
            PreparedQuery.Write(index.Shape, stored, Prepared);
        }
    }
}
