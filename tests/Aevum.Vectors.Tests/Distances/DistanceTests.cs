namespace Aevum.Vectors.Tests.Distances;

public sealed unsafe class DistanceTests
{
    // Worked out by hand.
    [Theory]
    [InlineData(ElementType.Float32, Metric.L2, 17f)]
    [InlineData(ElementType.Float16, Metric.L2, 17f)]
    [InlineData(ElementType.Int8, Metric.L2, 17f)]
    [InlineData(ElementType.Float32, Metric.L1, 5f)]
    [InlineData(ElementType.Int8, Metric.L1, 5f)]
    [InlineData(ElementType.Float32, Metric.InnerProduct, -24f)]
    [InlineData(ElementType.Float16, Metric.InnerProduct, -24f)]
    [InlineData(ElementType.Float32, Metric.Cosine, 0.04f)]
    [InlineData(ElementType.Float16, Metric.Cosine, 0.04f)]
    [InlineData(ElementType.Int8, Metric.Cosine, 0.04f)]
    public void Numbers(ElementType element, Metric metric, float expected)
    {
        float[] a = metric is Metric.L2 or Metric.L1 ? [1, 2] : [3, 4], b = metric is Metric.L2 or Metric.L1 ? [2, -2] : [4, 3];
        Assert.Equal(expected, Kernels.One(new VectorShape(element, metric, 2), a, b), 1e-6f);
    }

    [Fact]
    public void Bits()
    {
        float[] a = [1, 1, 0, 0, 0, 0, 0, 0, 1, 0], b = [1, 0, 1, 0, 0, 0, 0, 0, 1, 0];
        Assert.Equal(2, Kernels.One(new VectorShape(ElementType.Bit, Metric.Hamming, 10), a, b));
        Assert.Equal(0.5f, Kernels.One(new VectorShape(ElementType.Bit, Metric.Jaccard, 10), a, b));
        Assert.Equal(0, Kernels.One(new VectorShape(ElementType.Bit, Metric.Jaccard, 10), new float[10], new float[10]));
    }
}
