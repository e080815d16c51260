using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;

namespace Aevum.Model.Tests.Vectors;

public sealed class VectorRowTests
{
    static byte[] Bytes<T>(params T[] components) where T : unmanaged => MemoryMarshal.AsBytes<T>(components).ToArray();

    // docs/formats/vectors.md
    [Fact]
    public void The_sample_of_the_format_page()
    {
        var options = new CollectionOptions(2);
        Assert.Equal("000000010000000161", Convert.ToHexStringLower(KeyLayout.Make(new KeyspaceId(1, 1), "a"u8)));
        var row = VectorRow.Write(new byte[VectorRow.LengthOf(options)], VectorElements.FromFloats(options, [1, -2])).ToArray();
        Assert.Equal("010000803f000000c0", Convert.ToHexStringLower(row));
        Assert.Equal([1, -2], VectorElements.ToFloats(options, VectorRow.Read(row, options)));
    }

    [Fact]
    public void What_is_no_row_is_refused()
    {
        var options = new CollectionOptions(2);
        Assert.Throws<CorruptionException>(() => VectorRow.Read([], options).Length);
        Assert.Throws<CorruptionException>(() => VectorRow.Read(new byte[9], options).Length);
        Assert.Throws<CorruptionException>(() => VectorRow.Read([1, 2, 3], options).Length);
        Assert.Equal(ErrorCode.UnsupportedFormat, Assert.Throws<AevumException>(() => VectorRow.Read([2, 0, 0, 0, 0, 0, 0, 0, 0], options).Length).Code);
    }

    public static TheoryData<VectorElement, VectorMetric, int, byte[], VectorFault> Vectors => new()
    {
        { VectorElement.Float32, VectorMetric.L2, 2, Bytes(1f, 2f), VectorFault.None },
        { VectorElement.Float32, VectorMetric.L2, 2, Bytes(0f, 0f), VectorFault.None },
        { VectorElement.Float32, VectorMetric.Cosine, 2, Bytes(0f, -0f), VectorFault.NoDirection },
        { VectorElement.Float32, VectorMetric.Cosine, 2, Bytes(0f, 1e-45f), VectorFault.None },
        { VectorElement.Float32, VectorMetric.L2, 2, [], VectorFault.Encoding },
        { VectorElement.Float32, VectorMetric.L2, 2, [1, 2, 3, 4, 5], VectorFault.Encoding },
        { VectorElement.Float32, VectorMetric.L2, 2, Bytes(1f, float.NaN), VectorFault.Encoding },
        { VectorElement.Float32, VectorMetric.L2, 2, Bytes(float.NegativeInfinity, 1f), VectorFault.Encoding },
        { VectorElement.Float32, VectorMetric.L2, 2, Bytes(1f, 2f, 3f), VectorFault.Dimension },
        { VectorElement.Float32, VectorMetric.L2, 2, Bytes(1e19f, 1f), VectorFault.Length },
        { VectorElement.Float16, VectorMetric.L2, 2, Bytes((Half)1, Half.NaN), VectorFault.Encoding },
        { VectorElement.Float16, VectorMetric.Cosine, 2, Bytes(Half.NegativeZero, (Half)0), VectorFault.NoDirection },
        { VectorElement.Float16, VectorMetric.L2, 2, Bytes((Half)1), VectorFault.Dimension },
        { VectorElement.Int8, VectorMetric.Cosine, 3, [0, 0, 0], VectorFault.NoDirection },
        { VectorElement.Int8, VectorMetric.L1, 3, [0xFF, 0, 0], VectorFault.None },
        { VectorElement.Int8, VectorMetric.L1, 3, [1, 2], VectorFault.Dimension },
        { VectorElement.Bit, VectorMetric.Hamming, 9, [0xFF, 1], VectorFault.None },
        { VectorElement.Bit, VectorMetric.Hamming, 9, [0xFF, 2], VectorFault.Encoding },
        { VectorElement.Bit, VectorMetric.Jaccard, 9, [0xFF], VectorFault.Dimension },
    };

    [Theory, MemberData(nameof(Vectors))]
    public void Vectors_are_checked(VectorElement element, VectorMetric metric, int dimension, byte[] elements, VectorFault fault)
    {
        var options = new CollectionOptions(dimension) { Element = element, Metric = metric };
        options.Validate();
        Assert.Equal(fault, VectorRow.Check(elements, options, out _));
    }

    [Fact]
    public void Options_that_do_not_go_together_are_refused()
    {
        Assert.Throws<AevumException>(() => new CollectionOptions(0));
        Assert.Throws<AevumException>(() => new CollectionOptions(65_537));
        foreach (var options in new[]
        {
            new CollectionOptions(2) { Element = VectorElement.Bit }, new(2) { Metric = VectorMetric.Hamming }, new(2) { M = 1 }, new(2) { EfSearch = 0 },
            new(2) { EfConstruction = int.MaxValue }, new(2) { Metric = (VectorMetric)9 }, new(2) { Element = (VectorElement)0 },
            new(2) { Element = VectorElement.Int8, Quantization = VectorQuantization.Product },
        })
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(options.Validate).Code);
    }

    [Fact]
    public void A_collection_keeps_what_its_rows_were_written_for()
    {
        var bytes = KeyspaceOptionsCodec.Encode(new KeyspaceOptions { Collection = new CollectionOptions(7) { Metric = VectorMetric.L1, M = 9 } });
        var read = KeyspaceOptionsCodec.Decode(bytes);
        Assert.Equal(new CollectionOptions(7) { Metric = VectorMetric.L1, M = 9 }, read.Collection);
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            var part = bytes[..^cut];
            var failure = Record.Exception(() => KeyspaceOptionsCodec.Decode(part));
            Assert.True(failure is null or AevumException, failure?.ToString());
        }
    }
}
