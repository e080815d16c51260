using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using static Aevum.Vectors.Tests.Elements.VectorShapeTests;

namespace Aevum.Vectors.Tests.Elements;

public sealed class VectorEncoderTests
{
    static byte[] Encode(ElementType element, Metric metric, params float[] vector)
    {
        var shape = new VectorShape(element, metric, vector.Length);
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, vector, stored);
        return stored;
    }

    [Theory]
    [InlineData(ElementType.Float32)]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.Int8)]
    public void What_is_not_finite_is_refused_and_nothing_is_written(ElementType element)
    {
        foreach (var bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            foreach (var at in (int[])[0, 3, 6])
            {
                var vector = new float[7];
                vector[at] = bad;
                var stored = new byte[64];
                var message = Refused(() => VectorEncoder.Encode(new VectorShape(element, Metric.L2, 7), vector, stored));
                Assert.Contains($"component {at} ", message, StringComparison.Ordinal);
                Assert.All(stored, b => Assert.Equal(0, b));
            }
    }

    [Fact]
    public void Opposite_infinities_are_found_too() =>
        Assert.Contains("component 1 ", Refused(() => Encode(ElementType.Float32, Metric.L2, 1, float.PositiveInfinity, float.NegativeInfinity)),
            StringComparison.Ordinal);

    [Fact]
    public void Elements_that_are_not_finite_are_refused()
    {
        var shape = new VectorShape(ElementType.Float16, Metric.L2, 2);
        var halves = MemoryMarshal.AsBytes((Half[])[(Half)1, Half.NaN]).ToArray();
        Assert.Contains("component 1 ", Refused(() => VectorEncoder.EncodeElements(shape, halves, new byte[4])), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_dimension_is_refused()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 3);
        Assert.Contains("4 components where 3", Refused(() => VectorEncoder.Encode(shape, new float[4], new byte[12])), StringComparison.Ordinal);
        Assert.Contains("11 bytes where 12", Refused(() => VectorEncoder.EncodeElements(shape, new byte[11], new byte[12])), StringComparison.Ordinal);
        Assert.Contains("room for 11", Refused(() => VectorEncoder.Encode(shape, new float[3], new byte[11])), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ElementType.Float32)]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.Int8)]
    public void No_direction_no_cosine(ElementType element)
    {
        Assert.Contains("no direction", Refused(() => Encode(element, Metric.Cosine, 0, 0, 0)), StringComparison.Ordinal);
        Encode(element, Metric.L2, 0, 0, 0);
        var shape = new VectorShape(element, Metric.Cosine, 3);
        Assert.Contains("no direction",
            Refused(() => VectorEncoder.EncodeElements(shape, new byte[shape.ElementBytes], new byte[64])), StringComparison.Ordinal);
    }

    // A half below the smallest becomes zero, and then there is no direction left.
    [Fact]
    public void What_rounds_to_zero_is_zero() =>
        Assert.Contains("no direction", Refused(() => Encode(ElementType.Float16, Metric.Cosine, 1e-9f, 0)), StringComparison.Ordinal);

    [Fact]
    public void A_vector_so_long_that_distances_overflow_is_refused()
    {
        Assert.Contains("above the limit", Refused(() => Encode(ElementType.Float32, Metric.L2, 1e19f, 0)), StringComparison.Ordinal);
        Encode(ElementType.Float32, Metric.L2, 9e18f, 0);
        Assert.Contains("65504", Refused(() => Encode(ElementType.Float16, Metric.L2, 70_000, 0)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(-129)]
    [InlineData(0.5f)]
    public void Int8_takes_whole_numbers_that_fit(float component) =>
        Assert.Contains("no whole number", Refused(() => Encode(ElementType.Int8, Metric.L2, 1, component)), StringComparison.Ordinal);

    [Fact]
    public void Bits_are_zero_or_one_and_nothing_follows_the_last()
    {
        Assert.Equal([0b0000_0101, 0b1], Encode(ElementType.Bit, Metric.Hamming, 1, 0, 1, 0, 0, 0, 0, 0, 1));
        Assert.Contains("a bit, 0 or 1", Refused(() => Encode(ElementType.Bit, Metric.Hamming, 1, 2)), StringComparison.Ordinal);
        var shape = new VectorShape(ElementType.Bit, Metric.Hamming, 9);
        Assert.Contains("after the last", Refused(() => VectorEncoder.EncodeElements(shape, [0xFF, 0b10], new byte[2])), StringComparison.Ordinal);
        VectorEncoder.EncodeElements(shape, [0xFF, 0b1], new byte[2]);
    }

    [Fact]
    public void Floats_under_cosine_get_length_one()
    {
        var stored = MemoryMarshal.Cast<byte, float>(Encode(ElementType.Float32, Metric.Cosine, 3, -4)).ToArray();
        Assert.Equal([0.6f, -0.8f], stored);
        // Lengths that would leave a float's range when squared.
        Assert.Equal([0.6f, -0.8f], MemoryMarshal.Cast<byte, float>(Encode(ElementType.Float32, Metric.Cosine, 3e-30f, -4e-30f)).ToArray());
    }

    [Fact]
    public void What_was_stored_can_be_read_again()
    {
        var random = new SeededRandom(1);
        foreach (var (element, metric) in Supported)
            foreach (var dimension in (int[])[1, 7, 8, 9, 33])
            {
                var shape = new VectorShape(element, metric, dimension);
                var vector = TestVectors.Random(shape, random);
                byte[] first = new byte[shape.Bytes], second = new byte[shape.Bytes];
                VectorEncoder.Encode(shape, vector, first);
                var read = new float[dimension];
                VectorEncoder.Decode(shape, first, read);
                if (element != ElementType.Float32 || metric != Metric.Cosine) Assert.Equal(vector, read);
                VectorEncoder.EncodeElements(shape, first.AsSpan(0, shape.ElementBytes), second);
                if (element != ElementType.Float32 || metric != Metric.Cosine) Assert.Equal(first, second);
            }
    }

    // Whatever the encoder lets through, no kernel makes infinity or NaN of it; the rest it refuses with a code.
    [Theory, Seeds(20)]
    public unsafe void Any_bytes_are_refused_or_give_finite_distances(ulong seed)
    {
        var random = new SeededRandom(seed);
        foreach (var (element, metric) in Supported)
        {
            var shape = new VectorShape(element, metric, random.Next(1, 40));
            List<byte[]> accepted = [];
            for (var i = 0; i < 12; i++)
            {
                var bytes = new byte[shape.ElementBytes];
                random.Fill(bytes);
                if (element == ElementType.Float32 && !random.OneIn(4)) Temper(bytes, random);
                var stored = new byte[shape.Bytes];
                try
                {
                    VectorEncoder.EncodeElements(shape, bytes, stored);
                    accepted.Add(stored);
                }
                catch (AevumException refused)
                {
                    Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
                }
            }
            foreach (var a in accepted)
                foreach (var b in accepted)
                    fixed (byte* query = a, vector = b)
                        foreach (var width in KernelWidths.All)
                            Assert.True(float.IsFinite(Distances.Kernels.One(shape, query, vector, width, false)), $"{shape} at {width}");
        }
    }

    // Any exponent up to the greatest that a component may have: single components near the limit, and tiny ones beside them.
    static void Temper(byte[] bytes, SeededRandom random)
    {
        var floats = MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
        for (var i = 0; i < floats.Length; i++)
            floats[i] = (float)(Math.CopySign(Math.Pow(10, (random.NextDouble() * 58) - 40), random.NextDouble() - 0.5) * (random.OneIn(5) ? 0 : 1));
        if (random.OneIn(2)) floats[random.Next(floats.Length)] = random.OneIn(2) ? 9e18f : -9e18f;
    }
}
