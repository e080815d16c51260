using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Tests.Quantization;

public sealed unsafe class CodebookTests
{
    static readonly VectorShape Shape = new(ElementType.Float32, Metric.L2, 10);

    public static TheoryData<int> Kinds => [0, 1, 2, 3, 4];

    static Quantizer Make(int kind) => kind == 4 ? QuantizerTests.Turned(Metric.L2) : Codes.Train(Shape, kind switch
    {
        0 => new(QuantizationKind.Scalar),
        1 => new(QuantizationKind.Product, 3, 256, 2),
        2 => new(QuantizationKind.Product, 3, 16, 2),
        _ => new(QuantizationKind.Binary),
    }, Codes.Clustered(60, 10, new(5)), new(6));

    [Theory, MemberData(nameof(Kinds))]
    public void What_was_written_is_read(int kind)
    {
        using var quantizer = Make(kind);
        var bytes = CodebookFormat.ToBytes(quantizer);
        using var read = CodebookFormat.FromBytes(bytes);
        Assert.Equal(bytes, CodebookFormat.ToBytes(read));
        Assert.Equal((quantizer.Kind, quantizer.Shape, quantizer.TrainedOn), (read.Kind, read.Shape, read.TrainedOn));
        var vector = Codes.Clustered(1, quantizer.Dimension, new(8))[0];
        var code = Codes.Encode(quantizer, vector);
        Assert.Equal(code, Codes.Encode(read, vector));
        Assert.Equal(Codes.Distances(quantizer, vector, [code]), Codes.Distances(read, vector, [code]));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Every_damaged_byte_and_every_cut_is_found(int kind)
    {
        using var quantizer = Make(kind);
        var bytes = CodebookFormat.ToBytes(quantizer);
        for (var i = 0; i < bytes.Length; i += i < 100 ? 1 : 37)
        {
            var damaged = bytes.ToArray();
            damaged[i] ^= (byte)(1 << (i % 8));
            Assert.ThrowsAny<AevumException>(() => CodebookFormat.FromBytes(damaged));
            Assert.ThrowsAny<AevumException>(() => CodebookFormat.FromBytes(bytes.AsSpan(0, i)));
        }
    }

    [Theory, Seeds(20)]
    public void Any_bytes_under_a_right_checksum_are_a_codebook_or_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var quantizer = Make((int)(seed % 5));
        var original = CodebookFormat.ToBytes(quantizer);
        for (var round = 0; round < 100; round++)
        {
            var bytes = original.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                bytes[random.OneIn(2) ? random.Next(bytes.Length - 4) : random.Next(4, 64)] = (byte)random.Next(256);
            if (random.OneIn(4)) bytes = bytes[..random.Next(52, bytes.Length)];
            if (random.OneIn(2)) BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), bytes.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - 4), Crc32C.Compute(bytes.AsSpan(0, bytes.Length - 4)));
            try
            {
                using var read = CodebookFormat.FromBytes(bytes);
                Assert.Equal(bytes, CodebookFormat.ToBytes(read));
                Codes.Encode(read, new float[read.Dimension]);
            }
            catch (AevumException e)
            {
                Assert.True(e.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, e.ToString());
            }
        }
    }

    [Theory]
    [InlineData("scalar", 0), InlineData("product-8", 1), InlineData("product-4", 2), InlineData("binary", 3), InlineData("product-turned", 4)]
    public void The_fixtures_are_read_and_written_alike(string name, int kind)
    {
        var file = Path.Combine(TestFolders.Project, "testdata", "codebook", $"v2-{name}.codebook");
        var bytes = File.ReadAllBytes(file);
        using var read = CodebookFormat.FromBytes(bytes);
        Assert.Equal(bytes, CodebookFormat.ToBytes(read));
        using var made = Make(kind);
        Assert.Equal((made.Kind, made.Shape, made.TrainedOn, made.CodeBytes), (read.Kind, read.Shape, read.TrainedOn, read.CodeBytes));
        // Learnt numbers may differ in their last bits between machines.
        var vector = Codes.Clustered(1, made.Dimension, new(8))[0];
        Assert.Equal(Codes.Decode(made, Codes.Encode(made, vector)).Zip(vector, (a, b) => (a - b) * (a - b)).Sum(),
            Codes.Decode(read, Codes.Encode(read, vector)).Zip(vector, (a, b) => (a - b) * (a - b)).Sum(), 1e-3);
    }

    [Fact]
    public void A_codebook_is_learnt_late_and_learnt_again_when_the_data_drifts()
    {
        var random = new SeededRandom(3);
        using var keeper = new CodebookKeeper(Shape, new(QuantizationKind.Product, 5, 16, 5), new(400, 400, 2, 100, 1.5), random, MemoryBudget.Unlimited());
        var before = Codes.Clustered(1_000, 10, random, clusters: 4);
        for (var i = 0; i < 399; i++) Show(keeper, before[i]);
        Assert.False(keeper.IsTrainingDue);
        Show(keeper, before[399]);
        Assert.True(keeper.IsTrainingDue);
        using var first = keeper.Train();
        Assert.Equal((1, first), (keeper.Generation, keeper.Current));
        Assert.False(keeper.IsTrainingDue);

        // More of the same: nothing to learn.
        for (var i = 400; i < 1_000; i++) Show(keeper, before[i]);
        Assert.InRange(keeper.RecentError, first.TrainingError * 0.7, first.TrainingError * 1.5);
        Assert.False(keeper.IsRetrainingDue);

        // Other clusters elsewhere: the error rises, and falls once they are learnt.
        var after = Codes.Clustered(1_000, 10, random, clusters: 4, offset: 9);
        for (var i = 0; i < 600; i++) Show(keeper, after[i]);
        Assert.True(keeper.IsRetrainingDue);
        using var second = keeper.Train();
        for (var i = 600; i < 1_000; i++) Show(keeper, after[i]);
        Assert.False(keeper.IsRetrainingDue);
        Assert.True(keeper.RecentError < after.Average(v => first.ErrorOf(v)) / 3, "not learnt");
    }

    [Fact]
    public void A_sample_is_fair()
    {
        var counts = new int[20];
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 1);
        for (ulong seed = 1; seed <= 600; seed++)
        {
            using var sample = new VectorSample(shape, 5, new(seed), MemoryBudget.Unlimited());
            for (var i = 0; i < 20; i++)
            {
                float value = i;
                sample.Add(&value);
            }
            Assert.Equal((5, 20), (sample.Count, (int)sample.Shown));
            for (var i = 0; i < 5; i++) counts[(int)sample[i][0]]++;
        }
        Assert.All(counts, c => Assert.InRange(c, 100, 200));   // 150 each; a standard deviation is 11
    }

    static void Show(CodebookKeeper keeper, float[] vector)
    {
        var stored = new byte[Shape.Bytes];
        VectorEncoder.Encode(Shape, vector, stored);
        fixed (byte* s = stored) keeper.Show(s);
    }
}

static unsafe class QuantizerCalls
{
    public static double ErrorOf(this Quantizer quantizer, float[] vector)
    {
        fixed (float* v = vector) return quantizer.ErrorOf(v);
    }
}
