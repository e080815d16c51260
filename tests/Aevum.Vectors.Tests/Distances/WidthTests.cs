// Every kernel of every width, in both forms of the query, against the plain loop, over every length from one component on. Vectors stand right
// before an unreadable page, and again right after one, so that a read outside ends the run.

using Aevum.Core.Scheduling;
using Aevum.Core.Tests.Bytes;
using Aevum.Vectors.Tests.Elements;

namespace Aevum.Vectors.Tests.Distances;

public sealed unsafe class WidthTests
{
    public static TheoryData<ElementType, Metric, int> All
    {
        get
        {
            var all = new TheoryData<ElementType, Metric, int>();
            foreach (var (element, metric) in VectorShapeTests.Supported)
                foreach (var width in KernelWidths.All.Where(w => w != KernelWidth.Scalar)) all.Add(element, metric, (int)width);
            return all;
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Every_length_agrees_with_the_plain_loop(ElementType element, Metric metric, int width)
    {
        // Bits fill a register eight times as late.
        var lengths = element == ElementType.Bit ? Enumerable.Range(1, 90).Concat(Enumerable.Range(1, 200).Select(i => i * 8)) : Enumerable.Range(1, 140);
        var random = new SeededRandom((ulong)element * 10 + (ulong)metric);
        foreach (var length in lengths) Check(new VectorShape(element, metric, length), (KernelWidth)width, random);
    }

    static void Check(VectorShape shape, KernelWidth width, SeededRandom random)
    {
        var stored = TestVectors.Stored(shape, random);
        var prepared = new byte[PreparedQuery.Bytes(shape)];
        PreparedQuery.Write(shape, stored, prepared);
        var others = Enumerable.Range(0, 4).Select(_ => TestVectors.Stored(shape, random)).ToArray();
        foreach (var form in (bool[])[false, true])
        {
            var (before, after) = Guarded(form ? prepared : stored, others, (query, vectors) =>
            {
                var four = Kernels.Four(shape, query, vectors, width, form);
                for (var i = 0; i < 4; i++)
                {
                    var expected = Kernels.One(shape, query, vectors[i], KernelWidth.Scalar, form);
                    var one = Kernels.One(shape, query, vectors[i], width, form);
                    // To the bit: a result does not depend on which others it was computed with.
                    Assert.Equal(BitConverter.SingleToInt32Bits(one), BitConverter.SingleToInt32Bits(four[i]));
                    if (shape.Element is ElementType.Bit || (shape.Element == ElementType.Int8 && shape.Metric != Metric.Cosine))
                        Assert.Equal(expected, one);
                    else
                        Assert.True(Math.Abs(expected - one) <= Tolerance(shape, stored, others[i]), $"{shape} at {width}: {one} where {expected} is right");
                }
                return four;
            });
            Assert.Equal(before, after);
        }
    }

    // Rounding of a sum is bounded by its terms' sizes and by how many are added one after the other, here at most length / 8 + 8.
    static double Tolerance(VectorShape shape, byte[] a, byte[] b)
    {
        float[] x = new float[shape.Dimension], y = new float[shape.Dimension];
        VectorEncoder.Decode(shape, a, x);
        VectorEncoder.Decode(shape, b, y);
        var size = shape.Metric switch
        {
            Metric.L2 => x.Zip(y, (p, q) => ((double)p - q) * ((double)p - q)).Sum(),
            Metric.L1 => x.Zip(y, (p, q) => Math.Abs((double)p - q)).Sum(),
            Metric.InnerProduct => x.Zip(y, (p, q) => Math.Abs((double)p * q)).Sum(),
            _ => 2,
        };
        return size * ((shape.Dimension / 8) + 8) * Math.Pow(2, -24);
    }

    static (float[] Before, float[] After) Guarded(byte[] query, byte[][] vectors, Func run)
    {
        using GuardedMemory q = new(query.Length), a = new(vectors[0].Length), b = new(vectors[0].Length), c = new(vectors[0].Length),
            d = new(vectors[0].Length);
        GuardedMemory[] pages = [a, b, c, d];
        float[]? first = null, second = null;
        foreach (var atEnd in (bool[])[true, false])
        {
            var pointers = new byte*[4];
            for (var i = 0; i < 4; i++) pointers[i] = Place(pages[i], vectors[i], atEnd);
            var result = run(Place(q, query, atEnd), pointers);
            if (atEnd) first = result;
            else second = result;
        }
        return (first!, second!);
    }

    static byte* Place(GuardedMemory memory, byte[] bytes, bool atEnd)
    {
        var place = atEnd ? memory.AtEnd(bytes.Length) : memory.AtStart(bytes.Length);
        bytes.CopyTo(place);
        fixed (byte* p = place) return p;   // not managed memory: it does not move
    }

    unsafe delegate float[] Func(byte* query, byte*[] vectors);

    [Theory]
    [InlineData(0)]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Whole_numbers_stay_exact_where_they_are_largest(int width)
    {
        var shape = new VectorShape(ElementType.Int8, Metric.L2, VectorShape.DimensionMax);
        float[] low = new float[shape.Dimension], high = new float[shape.Dimension];
        Array.Fill(low, -128);
        Array.Fill(high, 127);
        Assert.Equal(65_536f * 65_025f, Kernels.One(shape, low, high, (KernelWidth)width));
        Assert.Equal(65_536f * 65_025f, Kernels.One(shape, low, high, (KernelWidth)width, prepared: true));
        var product = new VectorShape(ElementType.Int8, Metric.InnerProduct, VectorShape.DimensionMax);
        Assert.Equal(-(65_536f * 16_384f), Kernels.One(product, low, low, (KernelWidth)width));
        Assert.Equal(65_536f * 16_256f, Kernels.One(product, low, high, (KernelWidth)width));
    }

    [Fact]
    public void Every_finite_half_is_widened_exactly()
    {
        var halves = stackalloc ushort[16];
        var floats = stackalloc float[16];
        for (var first = 0; first < 65_536; first += 16)
        {
            for (var i = 0; i < 16; i++) halves[i] = Half.IsFinite(BitConverter.UInt16BitsToHalf((ushort)(first + i))) ? (ushort)(first + i) : (ushort)0;
            for (var width = 4; width <= 16; width *= 2)
            {
                for (var i = 0; i < 16; i += width)
                {
                    if (width == 4) System.Runtime.Intrinsics.Vector128.Store(FloatLanes128.LoadHalves(halves + i), floats + i);
                    if (width == 8) System.Runtime.Intrinsics.Vector256.Store(FloatLanes256.LoadHalves(halves + i), floats + i);
                    if (width == 16) System.Runtime.Intrinsics.Vector512.Store(FloatLanes512.LoadHalves(halves + i), floats + i);
                }
                for (var i = 0; i < 16; i++)
                    Assert.Equal(BitConverter.SingleToInt32Bits((float)BitConverter.UInt16BitsToHalf(halves[i])), BitConverter.SingleToInt32Bits(floats[i]));
            }
        }
    }

    [Fact]
    public void The_best_width_of_this_machine_is_one_it_has() => Assert.Contains(KernelWidths.Best, KernelWidths.All);
}
