// Searching: from the top layer down to the lowest by single steps, there with ef candidates, all by estimates; then the best of them exactly.
//
//   a filter    few rows match: all of them are estimated, and the best compared exactly. Else the walk keeps more candidates, by what the filter will take
//               away, and those that do not match are dropped before the rerank
//
// Where a walk brings fewer rows than asked for, it is made wider, and in the end all rows are estimated: fewer than K come back only where fewer exist.

using System.Buffers;
using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Coded;

public sealed unsafe partial class CodedGraph
{
    const int RerankMin = 20;

    /// <summary>The ids nearest to a vector by exact distance among the candidates, nearest first.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <param name="results">Room for K, or for as many as there are.</param>
    /// <returns>How many were found.</returns>
    /// <exception cref="AevumException">InvalidArgument; LimitExceeded: the budget has no room for the scratch; Closed.</exception>
    public int Search(ReadOnlySpan<float> vector, in CodedQuery query, Span<VectorMatch> results)
    {
        query.Validate();
        var stored = ArrayPool<byte>.Shared.Rent(Shape.Bytes);
        try
        {
            VectorEncoder.Encode(Shape, vector, stored.AsSpan(0, Shape.Bytes));
            return SearchEncoded(stored, query, query.Filter, results);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    /// <summary>The same for what the encoder made of a vector, among the rows that are seen.</summary>
    /// <param name="sight">In place of the query's filter.</param>
    internal int SearchEncoded(ReadOnlySpan<byte> encoded, in CodedQuery query, CodedSight sight, Span<VectorMatch> results)
    {
        query.Validate();
        var scratch = _readers.Enter();
        try
        {
            var exactAt = NativeBlock.Room(Shape.Stride);
            var preparedAt = exactAt + NativeBlock.Room(PreparedQuery.Bytes(Shape));
            var floatsAt = preparedAt + NativeBlock.Room(Quantizer.QueryBytes);
            scratch.EnsureQuery(floatsAt + NativeBlock.Room(Shape.Dimension * sizeof(float)));
            // The query as stored, as exact kernels want it, as the codes' distance wants it, as floats.
            byte* stored = scratch.Query, exact = stored + exactAt, prepared = stored + preparedAt;
            var floats = (float*)(stored + floatsAt);
            encoded[..Shape.Bytes].CopyTo(new(stored, Shape.Bytes));
            VectorFloats.Read(Shape, stored, floats);
            PreparedQuery.Write(Shape, stored, exact);
            Quantizer.Prepare(floats, prepared);
            var wanted = (int)Math.Min((long)query.K + query.Offset, Count);
            if (results.Length < Math.Min(query.K, Count)) Throw.Invalid($"there is room for {results.Length} results where {query.K} are asked for");
            if (wanted <= query.Offset || sight.Filter is { Count: 0 }) return 0;
            var codes = new CodedAsk(scratch, prepared, Count, Quantizer.CodeBytes, _linksMax, wanted, query.Patience);
            var visitor = new SearchVisitor { Graph = this, Ask = new(codes, exact, query, sight) };
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

    int RerankOf(in Ask ask, int candidates)
    {
        var asked = ask.Query.RerankCount > 0 ? ask.Query.RerankCount : Math.Max(RerankMin, Math.Ceiling(_rerankFactor * ask.Wanted));
        return (int)Math.Min(candidates, Math.Max(asked, ask.Wanted));
    }

    int Search<TDistance, TLinks>(TDistance distance, TLinks links, in Ask ask)
        where TDistance : struct, IDistance
        where TLinks : struct, ICodedLinks
    {
        var (sight, codes) = (ask.Sight, ask.Codes);
        if (ask.Query.Exact) return RerankCandidates(ask, CodedSearch.Scan(distance, links, codes, sight, Count), isAll: true);
        var ef = Math.Max(ask.Query.Ef == 0 ? CodedSearch.DefaultEf : ask.Query.Ef, ask.Wanted);
        var matching = sight.Matching(Count);
        for (var width = sight.WidthFor(ef, Count); CodedSearch.PaysToWalk(width, matching); width *= CodedSearch.Widening)
        {
            ask.Scratch.BeginWalk(Count);
            var (row, estimate) = Descend(distance, links, ask);
            var keys = CodedSearch.Walk(distance, links, codes, row, estimate, (int)width);
            var found = RerankCandidates(ask, CodedSearch.Collect(ask.Scratch.Keys, keys, sight, ef));
            if (found >= 0) return found;
            if (keys < width) break;   // all that can be reached was
        }
        return RerankCandidates(ask, CodedSearch.Scan(distance, links, codes, sight, Math.Max(ef, ask.Wanted)), isAll: true);
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

    readonly struct Ask(in CodedAsk codes, byte* exact, CodedQuery query, CodedSight sight)
    {
        public readonly CodedAsk Codes = codes;
        public readonly byte* Exact = exact;
        public readonly CodedQuery Query = query;
        public readonly CodedSight Sight = sight;

        public SearchScratch Scratch => Codes.Scratch;

        public byte* Prepared => Codes.Prepared;

        public int Wanted => Codes.Wanted;
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
}
