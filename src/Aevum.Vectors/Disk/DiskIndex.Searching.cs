// Searching: from the top layer down by single steps, on the lowest with ef candidates, all by estimates in memory; then the pages of the best (DiskRerank).
//
//   a filter    the walk keeps more candidates, by what the filter will take away, and those that do not match are dropped before anything is read; where
//               few rows match, all of them are estimated instead
//
// Where a walk brings fewer rows than asked for, it is made wider, and in the end all rows are estimated: fewer than K come back only where fewer exist.

using Aevum.Core.Errors;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Disk;

public sealed unsafe partial class DiskIndex
{
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
            var exactAt = NativeBlock.Room(Shape.Stride);
            var preparedAt = exactAt + NativeBlock.Room(PreparedQuery.Bytes(Shape));
            var floatsAt = preparedAt + NativeBlock.Room(_quantizer.QueryBytes);
            var linksAt = floatsAt + NativeBlock.Room(Shape.Dimension * sizeof(float));
            var pagesAt = linksAt + NativeBlock.Room((LinkLists.LinksMax + 4) * sizeof(uint));
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
            var codes = new CodedAsk(scratch, prepared, Count, _quantizer.CodeBytes, _format.LinksMax, wanted, query.Patience);
            var ask = new DiskAsk(codes, exact, (uint*)(stored + linksAt), stored + pagesAt, query);
            var visitor = new SearchVisitor { Index = this, Ask = ask };
            var candidates = _quantizer.Run<SearchVisitor, int>(ref visitor);
            return new DiskRerank(_file, _format, ask, candidates).Run(results, out cost);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    // Returns how many candidates there are, as ascending DistanceKeys of estimates in the scratch: at least as many as wanted wherever so many exist.
    int Candidates<TDistance>(TDistance distance, in DiskAsk ask) where TDistance : struct, IDistance
    {
        var links = new PackedSteps(_codes, _quantizer.CodeBytes, _links, ask.Links);
        var codes = ask.Codes;
        CodedSight sight = ask.Query.Filter;
        var ef = Math.Max(ask.Query.Ef == 0 ? CodedSearch.DefaultEf : ask.Query.Ef, ask.Wanted);
        var matching = sight.Matching(Count);
        for (var width = sight.WidthFor(ef, Count); CodedSearch.PaysToWalk(width, matching); width *= CodedSearch.Widening)
        {
            ask.Scratch.BeginWalk(Count);
            var (row, estimate) = Descend(distance, links, ask);
            var keys = CodedSearch.Walk(distance, links, codes, row, estimate, (int)width);
            var candidates = CodedSearch.Collect(ask.Scratch.Keys, keys, sight, ef);
            if (candidates >= Math.Min(ask.Wanted, matching)) return candidates;
            if (keys < width) break;   // all that can be reached was
        }
        return CodedSearch.Scan(distance, links, codes, sight, Math.Max(ef, ask.Wanted));
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
        var nearest = new NearestRow(0, distance.One(ask.Prepared, links.Code(_upperRows[0])));
        for (var layer = _layers.Length - 1; layer >= 0; layer--)
        {
            uint from;
            do
            {
                from = nearest.Row;
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
            while (nearest.Row != from);
        }
        return (_upperRows[nearest.Row], nearest.Bound);
    }

    struct SearchVisitor : IDistanceVisitor<int>
    {
        public DiskIndex Index;
        public DiskAsk Ask;

        public readonly int Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance => Index.Candidates(distance, Ask);
    }
}

/// <summary>One search, and where its pieces lie.</summary>
/// <param name="codes">What is walked.</param>
/// <param name="exact">The query for the shape's own distance.</param>
/// <param name="links">Room for a list of links.</param>
/// <param name="pages">Room for a batch of pages.</param>
readonly unsafe struct DiskAsk(in CodedAsk codes, byte* exact, uint* links, byte* pages, DiskQuery query)
{
    public readonly CodedAsk Codes = codes;
    public readonly byte* Exact = exact;
    public readonly uint* Links = links;
    public readonly byte* Pages = pages;
    public readonly DiskQuery Query = query;

    public SearchScratch Scratch => Codes.Scratch;

    public byte* Prepared => Codes.Prepared;

    public int Wanted => Codes.Wanted;
}
