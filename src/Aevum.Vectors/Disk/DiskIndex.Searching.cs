// Searching: from the top layer down by single steps, on the lowest with ef candidates, all by estimates in memory; then the pages of the best (DiskRerank).
//
//   a filter    the walk keeps more candidates, by what the filter will take away, and those that do not match are dropped before anything is read; where
//               few rows match, all of them are estimated instead
//
// Where a walk brings fewer rows than asked for, it is made wider, and in the end all rows are estimated: fewer than K come back only where fewer exist.

using System.Numerics;
using Aevum.Core.Errors;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Disk;

public sealed unsafe partial class DiskIndex
{
    const int DefaultEf = 64;

    // A scan of codes meets its rows in order: a row costs about a fifth of what a step of a walk to it does, of which there are some 17 a candidate.
    const double ScannedRow = 0.2;
    const double StepsPerCandidate = 17;

    /// <summary>The ids nearest to a vector by exact distance among the rows read, nearest first.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <param name="results">Room for K, or for as many as there are.</param>
    /// <returns>How many were found.</returns>
    /// <exception cref="AevumException">InvalidArgument; LimitExceeded: the budget has no room for the scratch; Closed; InputOutput; Corruption: a page
    /// is not as it was written.</exception>
    public int Search(ReadOnlySpan<float> vector, in DiskQuery query, Span<VectorMatch> results) => Search(vector, query, results, out _);

    /// <param name="cost">What was read.</param>
    /// <inheritdoc cref="Search(ReadOnlySpan{float}, in DiskQuery, Span{VectorMatch})"/>
    public int Search(ReadOnlySpan<float> vector, in DiskQuery query, Span<VectorMatch> results, out DiskCost cost)
    {
        query.Validate();
        cost = default;
        var scratch = _readers.Enter();
        try
        {
            var exactAt = Room(Shape.Stride);
            var preparedAt = exactAt + Room(PreparedQuery.Bytes(Shape));
            var floatsAt = preparedAt + Room(_quantizer.QueryBytes);
            var linksAt = floatsAt + Room(Shape.Dimension * sizeof(float));
            var pagesAt = linksAt + Room((LinkLists.LinksMax + 4) * sizeof(uint));
            scratch.EnsureQuery(pagesAt + ((long)DiskRerank.BatchMax * PageBytes));
            // The query as stored, as exact kernels want it, as the codes' distance wants it, as floats; then links as they are read; then pages.
            byte* stored = scratch.Query, exact = stored + exactAt, prepared = stored + preparedAt;
            var floats = (float*)(stored + floatsAt);
            VectorEncoder.Encode(Shape, vector, new Span<byte>(stored, Shape.Bytes));
            VectorFloats.Read(Shape, stored, floats);
            PreparedQuery.Write(Shape, stored, exact);
            _quantizer.Prepare(floats, prepared);
            var wanted = (int)Math.Min((long)query.K + query.Offset, Count);
            if (results.Length < Math.Min(query.K, Count)) Throw.Invalid($"there is room for {results.Length} results where {query.K} are asked for");
            if (wanted <= query.Offset || query.Filter is { Count: 0 }) return 0;
            var ask = new DiskAsk(scratch, exact, prepared, (uint*)(stored + linksAt), stored + pagesAt, query, wanted);
            var visitor = new SearchVisitor { Index = this, Ask = ask };
            var candidates = _quantizer.Run<SearchVisitor, int>(ref visitor);
            return new DiskRerank(_file, _format, ask, candidates).Run(results, out cost);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    static int Room(int bytes) => (bytes + 63) & -64;

    // Returns how many candidates there are, as ascending DistanceKeys of estimates in the scratch: at least as many as wanted wherever so many exist.
    int Candidates<TDistance>(TDistance distance, in DiskAsk ask) where TDistance : struct, IDistance
    {
        var links = new PackedSteps(_codes, _quantizer.CodeBytes, _links, ask.Links);
        var filter = ask.Query.Filter;
        var share = filter is null ? 1 : Math.Min(1, filter.Count / (double)Count);
        var matching = filter is null ? Count : Math.Min(filter.Count, Count);
        var ef = Math.Max(ask.Query.Ef == 0 ? DefaultEf : ask.Query.Ef, ask.Wanted);
        // A filter that keeps a share leaves that share of the candidates; a half more, because matches are not spread evenly.
        var wide = filter is null ? ef : Math.Ceiling(ef * Math.Max(1, 1.5 / share));
        while (wide <= HnswOptions.EfMax && wide * StepsPerCandidate <= matching * ScannedRow)
        {
            var keys = Walk(distance, links, ask, (int)wide);
            var candidates = Collect(ask.Scratch.Keys, keys, filter, ef);
            if (candidates >= Math.Min(ask.Wanted, matching)) return candidates;
            if (keys < wide) break;   // all that can be reached was
            wide *= 4;
        }
        return Scan(distance, links, ask, Math.Max(ef, ask.Wanted));
    }

    int Walk<TDistance>(TDistance distance, PackedSteps links, in DiskAsk ask, int ef) where TDistance : struct, IDistance
    {
        var scratch = ask.Scratch;
        scratch.BeginWalk(Count);
        var (row, estimate) = Descend(distance, links, ask);
        scratch.EnsureKeys(ef);
        scratch.Visited[row] = scratch.Mark;
        if (ef <= Graph.SortedPoolMax)
        {
            var sorted = new SortedPool(scratch.Keys, ef, ask.Wanted);
            sorted.Offer(estimate, row);
            CodedWalk.Run(distance, links, _quantizer.CodeBytes, ask.Prepared, ref sorted, scratch, _format.LinksMax, ask.Query.Patience);
            return sorted.Count;
        }
        var heaps = new HeapPool(scratch.Keys, scratch, ef);
        heaps.Offer(estimate, row);
        CodedWalk.Run(distance, links, _quantizer.CodeBytes, ask.Prepared, ref heaps, scratch, _format.LinksMax, ask.Query.Patience);
        heaps.Sort();
        return heaps.Count;
    }

    // Places of the upper layers lead to each other; place 0 reaches the highest layer.
    (uint Row, float Distance) Descend<TDistance>(TDistance distance, PackedSteps links, in DiskAsk ask) where TDistance : struct, IDistance
    {
        var scratch = ask.Scratch;
        scratch.EnsureNeighbours(_format.UpperLinksMax);
        if (_layers.Length == 0) return (_format.Entry, distance.One(ask.Prepared, links.Code(_format.Entry)));
        var ids = scratch.Ids;
        var codes = scratch.Fronts;
        var distances = scratch.Distances;
        var nearest = new NearestPlace(0, distance.One(ask.Prepared, links.Code(_upperRows[0])));
        for (var layer = _layers.Length - 1; layer >= 0; layer--)
        {
            uint from;
            do
            {
                from = nearest.Place;
                var list = _layers[layer] + (from * (nuint)(uint)_format.UpperLinksMax);
                var count = 0;
                for (; count < _format.UpperLinksMax && list[count] != VectorStore.End; count++)
                {
                    ids[count] = list[count];
                    codes[count] = links.Code(_upperRows[list[count]]);
                    Hnsw.Walk.Prefetch(codes[count], _quantizer.CodeBytes);
                }
                if (count > 0) CodedWalk.Compute(distance, ask.Prepared, ref nearest, ids, codes, distances, count);
            }
            while (nearest.Place != from);
        }
        return (_upperRows[nearest.Place], nearest.Bound);
    }

    // Turns a walk's keys into keys of rows that match, in place.
    static int Collect(ulong* keys, int count, PreparedFilter? filter, int most)
    {
        var kept = 0;
        for (var i = 0; i < count && kept < most; i++)
        {
            var row = PoolKey.Row(keys[i]);
            if (filter is not null && !filter.Contains(row)) continue;
            keys[kept++] = (keys[i] & 0xFFFFFFFF_00000000) | row;
        }
        return kept;
    }

    // The best by estimate among all rows, or all rows of the filter, as ascending keys.
    int Scan<TDistance>(TDistance distance, PackedSteps links, in DiskAsk ask, int most) where TDistance : struct, IDistance
    {
        var scratch = ask.Scratch;
        var filter = ask.Query.Filter;
        scratch.EnsureNeighbours(64);
        scratch.EnsureKeys(most);
        var top = new TopK(scratch.Keys, most, float.PositiveInfinity);
        var pool = new ScanPool(&top);
        var ids = scratch.Ids;
        var codes = scratch.Fronts;
        for (var start = 0u; start < Count; start += 64)
        {
            var word = filter is null ? ulong.MaxValue : start / 64 < filter.WordCount ? filter.Words[start / 64] : 0;
            if (Count - start < 64) word &= (1UL << (int)(Count - start)) - 1;
            var count = 0;
            for (; word != 0; word &= word - 1)
            {
                var row = start + (uint)BitOperations.TrailingZeroCount(word);
                ids[count] = row;
                codes[count++] = links.Code(row);
            }
            if (count > 0) CodedWalk.Compute(distance, ask.Prepared, ref pool, ids, codes, scratch.Distances, count);
        }
        top.Sort();
        return top.Count;
    }

    struct SearchVisitor : IDistanceVisitor<int>
    {
        public DiskIndex Index;
        public DiskAsk Ask;

        public readonly int Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance => Index.Candidates(distance, Ask);
    }

    // A pool of one.
    struct NearestPlace(uint place, float distance) : IPool
    {
        public uint Place = place;

        public float Bound { get; private set; } = distance;

        public readonly int Improvements => 0;

        public readonly bool TryTake(out uint row, out uint following) => throw new System.Diagnostics.UnreachableException();

        public void Offer(float distance, uint row) => (Bound, Place) = (distance, row);
    }

    // A scan offers as a walk does, and takes nothing.
    readonly struct ScanPool(TopK* top) : IPool
    {
        public float Bound => top->Bound;

        public int Improvements => 0;

        public bool TryTake(out uint row, out uint following) => throw new System.Diagnostics.UnreachableException();

        public void Offer(float distance, uint row) => top->Offer(distance, row);
    }
}

/// <summary>One search, and where its pieces lie.</summary>
/// <param name="exact">The query for the shape's own distance.</param>
/// <param name="prepared">The query for the codes' distance.</param>
/// <param name="links">Room for a list of links.</param>
/// <param name="pages">Room for a batch of pages.</param>
/// <param name="wanted">How many rows, those to be passed over included; at most as many as there are.</param>
readonly unsafe struct DiskAsk(SearchScratch scratch, byte* exact, byte* prepared, uint* links, byte* pages, DiskQuery query, int wanted)
{
    public readonly SearchScratch Scratch = scratch;
    public readonly byte* Exact = exact;
    public readonly byte* Prepared = prepared;
    public readonly uint* Links = links;
    public readonly byte* Pages = pages;
    public readonly DiskQuery Query = query;
    public readonly int Wanted = wanted;
}
