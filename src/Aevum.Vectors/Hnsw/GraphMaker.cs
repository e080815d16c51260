// GraphMaker: from a shape, and a rotation if there is one, to the graph that is compiled for its kernels.
//
//   no rotation     front = the stored vector; stored against stored, and prepared query against stored (PreparedQuery)
//   a rotation      Float32 under L2 or Cosine: front = the leading elements, rest = the others, squared Euclidean both
//
// Float32 under Cosine is squared Euclidean inside: of vectors of length 1 it is twice the cosine distance, and other than a dot product it can
// only grow from the front to the whole. Scale brings it back.

namespace Aevum.Vectors.Hnsw;

static class GraphMaker
{
    /// <summary>Whether vectors of this shape may be turned without a change of their distances.</summary>
    public static bool CanRotate(VectorShape shape) => shape.Element == ElementType.Float32 && shape.Metric is Metric.L2 or Metric.Cosine;

    /// <summary>The factor from distances inside the graph to those of the metric.</summary>
    public static float Scale(VectorShape shape) => shape is { Element: ElementType.Float32, Metric: Metric.Cosine } ? 0.5f : 1;

    public static VectorStore MakeStore(VectorShape shape, LeadingRotation? rotation, int linksMax, bool keepLengths, MemoryBudget budget)
    {
        var front = rotation is null ? shape.Bytes : rotation.Cut * sizeof(float);
        return new(front, shape.Bytes - front, linksMax, keepLengths, budget);
    }

    public static Graph Make(VectorShape shape, LeadingRotation? rotation, in GraphParts parts)
    {
        if (CanRotate(shape)) shape = new(shape.Element, Metric.L2, shape.Dimension);
        if (rotation is null)
        {
            var whole = new WholeVisitor(shape, parts);
            return DistanceDispatch.Run<WholeVisitor, Graph>(shape, ref whole);
        }
        var leading = new LeadingVisitor(new(shape.Element, Metric.L2, shape.Dimension - rotation.Cut), rotation, parts);
        return DistanceDispatch.Run<LeadingVisitor, Graph>(new(shape.Element, Metric.L2, rotation.Cut), ref leading);
    }

    readonly struct WholeVisitor(VectorShape shape, GraphParts parts) : IDistanceVisitor<Graph>
    {
        public Graph Visit<TDistance>(TDistance distance)
            where TDistance : struct, IDistance
        {
            var query = new WholeQueryVisitor<TDistance>(distance, parts);
            return DistanceDispatch.RunPrepared<WholeQueryVisitor<TDistance>, Graph>(shape, ref query);
        }
    }

    readonly struct WholeQueryVisitor<TStored>(TStored stored, GraphParts parts) : IDistanceVisitor<Graph>
        where TStored : struct, IDistance
    {
        public Graph Visit<TDistance>(TDistance distance)
            where TDistance : struct, IDistance =>
            new Graph<WholeSpace<TStored>, WholeSpace<TDistance>>(parts.Store, parts.Rows, parts.Upper, parts.Entry, null, new(stored), new(distance));
    }

    readonly struct LeadingVisitor(VectorShape rest, LeadingRotation rotation, GraphParts parts) : IDistanceVisitor<Graph>
    {
        public Graph Visit<TDistance>(TDistance distance)
            where TDistance : struct, IDistance
        {
            var both = new RestVisitor<TDistance>(distance, rotation, parts);
            return DistanceDispatch.Run<RestVisitor<TDistance>, Graph>(rest, ref both);
        }
    }

    readonly struct RestVisitor<TLeading>(TLeading leading, LeadingRotation rotation, GraphParts parts) : IDistanceVisitor<Graph>
        where TLeading : struct, IDistance
    {
        public Graph Visit<TDistance>(TDistance distance)
            where TDistance : struct, IDistance
        {
            var space = new LeadingSpace<TLeading, TDistance>(leading, distance);
            return new Graph<LeadingSpace<TLeading, TDistance>, LeadingSpace<TLeading, TDistance>>(
                parts.Store, parts.Rows, parts.Upper, parts.Entry, rotation, space, space);
        }
    }
}

/// <summary>What a graph is made of, however it computes distances.</summary>
readonly record struct GraphParts(VectorStore Store, RowTable Rows, UpperLinks Upper, EntryPoint Entry);
