using Aevum.Core.Errors;

namespace Aevum.Vectors.Tests.Elements;

public sealed class VectorShapeTests
{
    public static IEnumerable<(ElementType Element, Metric Metric)> Supported =>
        from element in Enum.GetValues<ElementType>()
        from metric in Enum.GetValues<Metric>()
        where VectorShape.Supports(element, metric)
        select (element, metric);

    [Fact]
    public void Numbers_have_four_metrics_and_bits_two()
    {
        foreach (var element in (ElementType[])[ElementType.Float32, ElementType.Float16, ElementType.Int8])
            Assert.Equal([Metric.L2, Metric.Cosine, Metric.InnerProduct, Metric.L1], Supported.Where(s => s.Element == element).Select(s => s.Metric));
        Assert.Equal([Metric.Hamming, Metric.Jaccard], Supported.Where(s => s.Element == ElementType.Bit).Select(s => s.Metric));
    }

    [Theory]
    [InlineData(ElementType.Bit, Metric.Cosine, "Hamming or Jaccard")]
    [InlineData(ElementType.Float32, Metric.Hamming, "which counts bits")]
    [InlineData(ElementType.Int8, Metric.Jaccard, "which counts bits")]
    [InlineData((ElementType)9, Metric.L2, "no element type 9")]
    [InlineData(ElementType.Float32, (Metric)0, "no metric 0")]
    public void What_does_not_go_together_is_refused(ElementType element, Metric metric, string because) =>
        Assert.Contains(because, Refused(() => _ = new VectorShape(element, metric, 8)), StringComparison.Ordinal);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(VectorShape.DimensionMax + 1)]
    public void A_dimension_out_of_range_is_refused(int dimension) =>
        Assert.Contains("1 to 65536", Refused(() => _ = new VectorShape(ElementType.Float32, Metric.L2, dimension)), StringComparison.Ordinal);

    [Theory]
    [InlineData(ElementType.Float32, Metric.Cosine, 100, 400, 400, 448)]
    [InlineData(ElementType.Float16, Metric.L2, 100, 200, 200, 256)]
    [InlineData(ElementType.Float16, Metric.Cosine, 100, 200, 204, 256)]
    [InlineData(ElementType.Int8, Metric.Cosine, 128, 128, 132, 192)]
    [InlineData(ElementType.Int8, Metric.InnerProduct, 128, 128, 128, 128)]
    [InlineData(ElementType.Bit, Metric.Hamming, 9, 2, 2, 64)]
    public void Bytes_follow_from_the_shape(ElementType element, Metric metric, int dimension, int elementBytes, int bytes, int stride)
    {
        var shape = new VectorShape(element, metric, dimension);
        Assert.Equal((elementBytes, bytes, stride), (shape.ElementBytes, shape.Bytes, shape.Stride));
        Assert.Equal(bytes != elementBytes, shape.CarriesInverseLength);
    }

    [Fact]
    public void A_squared_distance_is_shown_as_its_root()
    {
        Assert.Equal(3f, new VectorShape(ElementType.Float32, Metric.L2, 1).ToShown(9));
        Assert.Equal(9f, new VectorShape(ElementType.Float32, Metric.L2, 1).FromShown(3));
        Assert.Equal(9f, new VectorShape(ElementType.Float32, Metric.L1, 1).ToShown(9));
        Assert.Equal(0f, new VectorShape(ElementType.Float32, Metric.Cosine, 1).ToShown(-1e-7f));
        Assert.Equal(-9f, new VectorShape(ElementType.Float32, Metric.InnerProduct, 1).ToShown(-9));
    }

    internal static string Refused(Action action)
    {
        var error = Assert.Throws<AevumException>(action);
        Assert.Equal(ErrorCode.InvalidArgument, error.Code);
        return error.Message;
    }
}
