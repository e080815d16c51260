// Searching: from the top layer down to the lowest by single steps, there with ef candidates, all by estimates; then the best of them exactly.
//
//   a filter    few rows match: all of them are estimated, and the best compared exactly. Else the walk keeps more candidates, by what the filter will take
//               away, and those that do not match are dropped before the rerank
//
// Where a walk brings fewer rows than asked for, it is made wider, and in the end all rows are estimated: fewer than K come back only where fewer exist.

using System.Numerics;
using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Coded;

public sealed unsafe partial class CodedGraph
{
    const int DefaultEf = 64;
    const int RerankMin = 20;

    // A scan of codes meets its rows in order: a row costs about a fifth of what a step of a walk to it does, of which there are some 17 a candidate.
    const double ScannedRow = 0.2;
    const double StepsPerCandidate = 17;

    /// <summary>The ids nearest to a vector by exact distance among the candidates, nearest first.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <param name="results">Room for K, or for as many as there are.</param>
    /// <returns>How many were found.</returns>
    /// <exception cref="AevumException">InvalidArgument; LimitExceeded: the budget has no room for the scratch; Closed.</exception>
    public int Search(ReadOnlySpan<float> vector, in CodedQuery query, Span<VectorMatch> results)
    {
        query.Validate();
        var scratch = _readers.Enter();
        try
        {
            var exactAt = Room(Shape.Stride);
            var preparedAt = exactAt + Room(PreparedQuery.Bytes(Shape));
            var floatsAt = preparedAt + Room(Quantizer.QueryBytes);
            scratch.EnsureQuery(floatsAt + Room(Shape.Dimension * sizeof(float)));
            // The query as stored, as exact kernels want it, as the codes' distance wants it, as floats.
            byte* stored = scratch.Query, exact = stored + exactAt, prepared = stored + preparedAt;
            var floats = (float*)(stored + floatsAt);
            VectorEncoder.Encode(Shape, vector, new Span<byte>(stored, Shape.Bytes));
            VectorFloats.Read(Shape, stored, floats);
            PreparedQuery.Write(Shape, stored, exact);
            Quantizer.Prepare(floats, prepared);
            var wanted = (int)Math.Min((long)query.K + query.Offset, Count);
            if (results.Length < Math.Min(query.K, Count)) Throw.Invalid($"there is room for {results.Length} results where {query.K} are asked for");
            if (wanted <= query.Offset || query.Filter is { Count: 0 }) return 0;
            var visitor = new SearchVisitor { Graph = this, Ask = new(scratch, exact, prepared, query, wanted) };
            var found = Quantizer.Run<SearchVisitor, int>(ref visitor);
            for (var i = 0; i < found && i < query.K; i++)
            {
                var key = scratch.More[query.Offset + i];
                results[i] = new(_ids[DistanceKey.Row(key)], DistanceKey.Distance(key), DistanceKey.Row(key));
            }
            return Math.Min(found, query.K);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    static int Room(int bytes) => (bytes + 63) & -64;

    static int EfOf(in Ask ask) => Math.Max(ask.Query.Ef == 0 ? DefaultEf : ask.Query.Ef, ask.Wanted);

    int RerankOf(in Ask ask, int candidates)
    {
        var asked = ask.Query.RerankCount > 0 ? ask.Query.RerankCount : Math.Max(RerankMin, Math.Ceiling(_rerankFactor * ask.Wanted));
        return (int)Math.Min(candidates, Math.Max(asked, ask.Wanted));
    }

    int Search<TDistance, TLinks>(TDistance distance, TLinks links, in Ask ask)
        where TDistance : struct, IDistance
        where TLinks : struct, ICodedLinks
    {
        var filter = ask.Query.Filter;
        var share = filter is null ? 1 : Math.Min(1, filter.Count / (double)Count);
        var matching = filter is null ? Count : Math.Min(filter.Count, Count);
        var ef = EfOf(ask);
        // A filter that keeps a share leaves that share of the candidates; a half more, because matches are not spread evenly.
        var wide = filter is null ? ef : Math.Ceiling(ef * Math.Max(1, 1.5 / share));
        while (wide <= HnswOptions.EfMax && wide * StepsPerCandidate <= matching * ScannedRow)
        {
            var keys = Walk(distance, links, ask, (int)wide);
            var candidates = Collect(ask, keys, filter, ef);
            var found = RerankCandidates(ask, candidates);
            if (found >= 0) return found;
            if (keys < wide) break;   // all that can be reached was
            wide *= 4;
        }
        return RerankCandidates(ask, Scan(distance, links, ask, Math.Max(ef, ask.Wanted)), isAll: true);
    }

    int Walk<TDistance, TLinks>(TDistance distance, TLinks links, in Ask ask, int ef)
        where TDistance : struct, IDistance
        where TLinks : struct, ICodedLinks
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
            CodedWalk.Run(distance, links, Quantizer.CodeBytes, ask.Prepared, ref sorted, scratch, _linksMax, ask.Query.Patience);
            return sorted.Count;
        }
        var heaps = new HeapPool(scratch.Keys, scratch, ef);
        heaps.Offer(estimate, row);
        CodedWalk.Run(distance, links, Quantizer.CodeBytes, ask.Prepared, ref heaps, scratch, _linksMax, ask.Query.Patience);
        heaps.Sort();
        return heaps.Count;
    }

    // Row 0 reaches the highest layer.
    (uint Row, float Distance) Descend<TDistance, TLinks>(TDistance distance, TLinks links, in Ask ask)
        where TDistance : struct, IDistance
        where TLinks : struct, ICodedLinks
    {
        var scratch = ask.Scratch;
        scratch.EnsureNeighbours(_upperLinksMax);
        var ids = scratch.Ids;
        var codes = scratch.Fronts;
        var distances = scratch.Distances;
        var nearest = new NearestRow(0, distance.One(ask.Prepared, links.Code(0)));
        for (var layer = _layers.Length; layer > 0; layer--)
        {
            uint from;
            do
            {
                from = nearest.Row;
                var list = _layers[layer - 1] + (from * (nuint)(uint)_upperLinksMax);
                var count = 0;
                for (; count < _upperLinksMax && list[count] != VectorStore.End; count++)
                {
                    ids[count] = list[count];
                    codes[count] = links.Code(list[count]);
                    Hnsw.Walk.Prefetch(codes[count], Quantizer.CodeBytes);
                }
                if (count > 0) CodedWalk.Compute(distance, ask.Prepared, ref nearest, ids, codes, distances, count);
            }
            while (nearest.Row != from);
        }
        return (nearest.Row, nearest.Bound);
    }

    // Turns the walk's keys into keys of rows that match, in place.
    static int Collect(in Ask ask, int keys, PreparedFilter? filter, int most)
    {
        var key = ask.Scratch.Keys;
        var count = 0;
        for (var i = 0; i < keys && count < most; i++)
        {
            var row = PoolKey.Row(key[i]);
            if (filter is not null && !filter.Contains(row)) continue;
            key[count++] = (key[i] & 0xFFFFFFFF_00000000) | row;
        }
        return count;
    }

    /// <returns>How many results there are behind the offset, their keys in the scratch's second block; -1: too few, and more may exist.</returns>
    int RerankCandidates(in Ask ask, int candidates, bool isAll = false)
    {
        var scratch = ask.Scratch;
        scratch.GrowMore(0, ask.Wanted);
        var top = new TopK(scratch.More, ask.Wanted, ask.Query.DistanceMax);
        var count = isAll ? candidates : RerankOf(ask, candidates);
        var read = Rerank.Run(Shape, _source, ask.Exact, scratch.Keys, count, ref top, new CodeBounds(this, ask.Prepared));
        // Too few candidates were left by the filter, or too many had no vector any more.
        if (!isAll && read < ask.Wanted) return -1;
        top.Sort();
        return Math.Max(0, top.Count - ask.Query.Offset);
    }

    // The best by estimate among all rows, or all rows of the filter, as ascending keys.
    int Scan<TDistance, TLinks>(TDistance distance, TLinks links, in Ask ask, int most)
        where TDistance : struct, IDistance
        where TLinks : struct, ICodedLinks
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
                Hnsw.Walk.Prefetch(links.Code(row), Quantizer.CodeBytes);
            }
            if (count > 0) CodedWalk.Compute(distance, ask.Prepared, ref pool, ids, codes, scratch.Distances, count);
        }
        top.Sort();
        return top.Count;
    }

    readonly struct Ask(SearchScratch scratch, byte* exact, byte* prepared, CodedQuery query, int wanted)
    {
        public readonly SearchScratch Scratch = scratch;
        public readonly byte* Exact = exact;
        public readonly byte* Prepared = prepared;
        public readonly CodedQuery Query = query;
        public readonly int Wanted = wanted;
    }

    struct SearchVisitor : IDistanceVisitor<int>
    {
        public CodedGraph Graph;
        public Ask Ask;

        public readonly int Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            var (g, offset) = (Graph, (Graph.Quantizer.CodeBytes + 3) & -4);
            return g.Layout == CodedLayout.Records
                ? g.Search(distance, new RecordLinks(g._codes, g._stride, offset, g._linksMax), Ask)
                : g.Search(distance, new PackedLinks(g._codes, g._stride, offset, g._linksBeside, g._ends, g._links), Ask);
        }
    }

    readonly struct CodeBounds(CodedGraph graph, byte* prepared) : IRerankBounds
    {
        public float LeastOf(ulong key)
        {
            if (graph.Quantizer.Kind != QuantizationKind.Binary) return float.NegativeInfinity;
            return DistanceKey.Distance(key) - graph.Quantizer.Margin(prepared, graph.Code(DistanceKey.Row(key)));
        }
    }

    // A pool of one.
    struct NearestRow(uint row, float distance) : IPool
    {
        public uint Row = row;

        public float Bound { get; private set; } = distance;

        public readonly int Improvements => 0;

        public readonly bool TryTake(out uint row, out uint following) => throw new System.Diagnostics.UnreachableException();

        public void Offer(float distance, uint row) => (Bound, Row) = (distance, row);
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
