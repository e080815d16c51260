using Aevum.Model.Catalog;
using Aevum.Vectors;

namespace Aevum.Engine.Indexes;

/// <summary>What the catalog says of a collection, in the words of Aevum.Vectors. Numbers of elements and metrics are the same there.</summary>
static class CollectionShapes
{
    public static VectorShape ShapeOf(CollectionOptions options) => new((ElementType)options.Element, (Metric)options.Metric, options.Dimension);
}
