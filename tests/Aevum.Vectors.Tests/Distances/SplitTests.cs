using Aevum.Core.Scheduling;
using static Aevum.Vectors.Tests.Elements.VectorShapeTests;

namespace Aevum.Vectors.Tests.Distances;

public sealed unsafe class SplitTests
{
    [Theory]
    [InlineData(Metric.L2)]
    [InlineData(Metric.Cosine)]
    [InlineData(Metric.InnerProduct)]
    public void Both_parts_together_are_the_distance_and_the_first_is_no_more(Metric metric)
    {
        var random = new SeededRandom(3);
        foreach (var dimension in (int[])[32, 33, 47, 48, 100, 128])
            foreach (var cut in Enumerable.Range(1, (dimension / 16) - 1).Select(i => i * 16))
                foreach (var width in (KernelWidth[])[KernelWidth.Bits128, KernelWidth.Bits256, KernelWidth.Bits512])
                {
                    var shape = new VectorShape(ElementType.Float32, metric, dimension);
                    byte[] a = TestVectors.Stored(shape, random), b = TestVectors.Stored(shape, random);
                    fixed (byte* query = a, vector = b)
                    {
                        var visitor = new Parts { Query = query, Vector = vector };
                        var (leading, fourth, rest) = SplitDispatch.Run<Parts, (float, float, float)>(shape, cut, ref visitor, width);
                        var whole = Kernels.One(shape, query, vector, KernelWidth.Scalar, false);
                        Assert.Equal(leading, fourth);
                        Assert.Equal(whole, leading + rest, 1e-4f * (1 + Math.Abs(whole)));
                        if (metric != Metric.InnerProduct) Assert.True(leading >= 0 && rest >= 0 && leading <= leading + rest);
                        else Assert.True(SplitBound.InnerProduct(leading, Length(a, cut), Length(b, cut), dimension) <= leading + rest);
                    }
                }
    }

    // The bound is as tight as it can be here, so nothing but the room for rounding keeps it below.
    [Fact]
    public void The_bound_of_a_product_holds_where_the_remainders_are_parallel()
    {
        var random = new SeededRandom(4);
        var shape = new VectorShape(ElementType.Float32, Metric.InnerProduct, 1024);
        for (var round = 0; round < 200; round++)
        {
            var stored = TestVectors.Stored(shape, random);
            fixed (byte* query = stored)
            {
                var visitor = new Parts { Query = query, Vector = query };
                var (leading, _, rest) = SplitDispatch.Run<Parts, (float, float, float)>(shape, 32, ref visitor);
                Assert.True(SplitBound.InnerProduct(leading, Length(stored, 32), Length(stored, 32), 1024) <= leading + rest);
            }
        }
    }

    [Fact]
    public void What_cannot_be_cut_is_refused()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 64);
        foreach (var cut in (int[])[0, 8, 40, 64, -16])
            Assert.Contains($"cannot be cut at {cut}", Refused(() => Run(shape, cut)), StringComparison.Ordinal);
        Assert.Contains("no kernel in two parts", Refused(() => Run(new VectorShape(ElementType.Float32, Metric.L1, 64), 32)), StringComparison.Ordinal);
        Assert.Contains("no kernel in two parts", Refused(() => Run(new VectorShape(ElementType.Int8, Metric.L2, 64), 32)), StringComparison.Ordinal);

        static void Run(VectorShape shape, int cut)
        {
            var visitor = default(Parts);
            SplitDispatch.Run<Parts, (float, float, float)>(shape, cut, ref visitor);
        }
    }

    static float Length(byte[] stored, int cut) =>
        MathF.Sqrt((float)System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(stored)[cut..].ToArray().Sum(c => (double)c * c));

    struct Parts : ISplitVisitor<(float, float, float)>
    {
        public byte* Query;
        public byte* Vector;

        public readonly (float, float, float) Visit<TDistance>(TDistance distance) where TDistance : struct, ISplitDistance
        {
            var four = stackalloc float[4];
            distance.LeadingFour(Query, Vector, Vector, Vector, Vector, four);
            return (distance.Leading(Query, Vector), four[3], distance.Rest(Query, Vector));
        }
    }
}
