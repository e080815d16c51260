using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Tests.Quantization;

public sealed unsafe class QuantizerTests
{
    public static TheoryData<ElementType, Metric, int> Shapes()
    {
        var data = new TheoryData<ElementType, Metric, int>();
        foreach (var metric in (Metric[])[Metric.L2, Metric.Cosine, Metric.InnerProduct, Metric.L1])
            foreach (var dimension in (int[])[1, 7, 16, 33, 64, 100])
                data.Add(ElementType.Float32, metric, dimension);
        data.Add(ElementType.Float16, Metric.Cosine, 24);
        data.Add(ElementType.Float16, Metric.L2, 24);
        return data;
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Scalar_codes_give_the_distance_to_what_they_decode_to(ElementType element, Metric metric, int dimension)
    {
        var (shape, vectors, random) = Make(element, metric, dimension);
        using var quantizer = (ScalarQuantizer)Codes.Train(shape, new(QuantizationKind.Scalar), vectors, random);
        var codes = vectors.Select(v => Codes.Encode(quantizer, v)).ToArray();
        foreach (var query in vectors.Take(10))
        {
            var estimates = Codes.Distances(quantizer, query, codes);
            for (var i = 0; i < codes.Length; i++)
            {
                var decoded = Codes.Decode(quantizer, codes[i]);
                var exact = Codes.Exact(metric, query, decoded);
                // The query is rounded to steps too: by half a step a component at most.
                var rounding = quantizer.Step / 2 * Math.Sqrt(dimension);
                var allowed = metric switch
                {
                    Metric.L1 => dimension * quantizer.Step / 2,
                    Metric.InnerProduct => 1e-3 * dimension,
                    _ => (2 * Math.Sqrt(Codes.Exact(Metric.L2, query, decoded)) * rounding) + (rounding * rounding),
                };
                Assert.Equal(exact, estimates[i], allowed + 1e-4);
            }
        }
        Assert.True(quantizer.TrainingError <= dimension * quantizer.Step * quantizer.Step, "an error of more than a step a component");
    }

    [Theory]
    [InlineData(16), InlineData(48), InlineData(64), InlineData(112), InlineData(65_536)]
    public void Scalar_kernels_of_every_width_are_exact(int bytes)
    {
        var random = new SeededRandom((ulong)bytes);
        var query = new byte[(bytes * 2) + 8];
        // What a query may hold at this size, and no less: the greatest sums that must fit.
        var most = (int)Math.Min(511, Math.Floor(Math.Sqrt(uint.MaxValue / (double)bytes)) - 127);
        var product = (int)Math.Min(short.MaxValue, int.MaxValue / (127L * bytes));
        for (var round = 0; round < 4; round++)
        {
            var code = new byte[bytes];
            random.Fill(code);
            for (var i = 0; i < bytes; i++) if (code[i] == 128) code[i] = 129;
            if (round == 3) Array.Fill(code, (byte)129);   // -127
            MemoryMarshal.Write(query.AsSpan(bytes * 2), 0f);
            MemoryMarshal.Write(query.AsSpan((bytes * 2) + 4), 1f);
            var words = MemoryMarshal.Cast<byte, short>(query.AsSpan(0, bytes * 2));
            for (var i = 0; i < bytes; i++) words[i] = (short)(round == 3 ? most : random.Next(-most, most + 1));
            long squares = 0, sizes = 0, products = 0;
            for (var i = 0; i < bytes; i++)
            {
                squares += (long)(words[i] - (sbyte)code[i]) * (words[i] - (sbyte)code[i]);
                sizes += Math.Abs(words[i] - (sbyte)code[i]);
            }
            Same<CodeSquare>(query, code, squares);
            Same<CodeAbsolute>(query, code, sizes);
            for (var i = 0; i < bytes; i++) words[i] = (short)(round == 3 ? product : random.Next(-product, product + 1));
            for (var i = 0; i < bytes; i++) products += words[i] * (long)(sbyte)code[i];
            Same<CodeProduct>(query, code, products);
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Product_codes_give_the_distance_to_what_they_decode_to(ElementType element, Metric metric, int dimension)
    {
        var (shape, vectors, random) = Make(element, metric, dimension);
        foreach (var centroids in (int[])[256, 16])
        {
            foreach (var parts in (int[])[1, 5, 32])
            {
                using var quantizer = (ProductQuantizer)Codes.Train(shape, new(QuantizationKind.Product, parts, centroids, 4), vectors, random);
                Assert.Equal(Math.Min(parts, dimension), quantizer.SubCount);
                var codes = vectors.Take(40).Select(v => Codes.Encode(quantizer, v)).ToArray();
                foreach (var query in vectors.TakeLast(4))
                {
                    var estimates = Codes.Distances(quantizer, query, codes);
                    for (var i = 0; i < codes.Length; i++)
                    {
                        var exact = Codes.Exact(metric, query, Codes.Decode(quantizer, codes[i]));
                        Assert.Equal(exact, estimates[i], 2e-3 * (1 + Math.Abs(exact)));
                    }
                }
            }
        }
    }

    [Fact]
    public void A_product_code_names_the_nearest_centroid_of_each_part()
    {
        var (shape, vectors, random) = Make(ElementType.Float32, Metric.L2, 11);
        using var quantizer = (ProductQuantizer)Codes.Train(shape, new(QuantizationKind.Product, 4, 16, 3), vectors, random);
        var code = Codes.Encode(quantizer, vectors[0]);
        int[] starts = [0, 3, 6, 9, 11];   // 11 = 3 + 3 + 3 + 2
        for (var part = 0; part < 4; part++)
        {
            var mine = vectors[0][starts[part]..starts[part + 1]];
            var all = Enumerable.Range(0, 16).Select(c =>
            {
                var other = new byte[2];
                other[part / 2] = (byte)(c << (4 * (part % 2)));
                return Codes.Exact(Metric.L2, mine, Codes.Decode(quantizer, other)[starts[part]..starts[part + 1]]);
            }).ToArray();
            var named = (code[part / 2] >> (4 * (part % 2))) & 15;
            Assert.Equal(all.Min(), all[named], 1e-5);
        }
    }

    [Theory]
    [InlineData(Metric.L2), InlineData(Metric.Cosine), InlineData(Metric.InnerProduct)]
    public void Turned_product_codes_give_the_distance_to_what_they_decode_to(Metric metric)
    {
        using var turned = (ProductQuantizer)Turned(metric);
        Assert.NotNull(turned.Turn);
        Assert.Equal(Enumerable.Range(0, 64), turned.Turn.Order.ToArray().Order());
        var vectors = Codes.InSpace(turned.Shape, Leading(400, metric));
        var codes = vectors.Take(40).Select(v => Codes.Encode(turned, v)).ToArray();
        foreach (var query in vectors.TakeLast(4))
        {
            var estimates = Codes.Distances(turned, query, codes);
            for (var i = 0; i < codes.Length; i++)
            {
                var exact = Codes.Exact(metric, query, Codes.Decode(turned, codes[i]));
                Assert.Equal(exact, estimates[i], 2e-3 * (1 + Math.Abs(exact)));
            }
        }
        // It is worth it: the same parts and centroids without the turn lose more.
        using var plain = Codes.Train(turned.Shape, new(QuantizationKind.Product, 8, 16, 4, Turns: false), vectors, new(5));
        Assert.Null(((ProductQuantizer)plain).Turn);
        Assert.True(turned.TrainingError < plain.TrainingError * 0.8, $"{turned.TrainingError} turned, {plain.TrainingError} plain");
    }

    [Fact]
    public void Axes_that_are_none_are_seen()
    {
        Assert.True(ProductTurn.AreOrthonormal([1, 0, 0, 0, 0.6f, 0.8f], 3));
        Assert.False(ProductTurn.AreOrthonormal([1, 0, 0, 0.6f, 0, 0.8f], 3));
        Assert.False(ProductTurn.AreOrthonormal([1, 0, 0, 0, 0.6f, 0.9f], 3));
        Assert.False(ProductTurn.AreOrthonormal([float.NaN, 0, 0], 3));
    }

    /// <summary>Codes of vectors with a few leading directions, which are therefore turned.</summary>
    internal static Quantizer Turned(Metric metric)
    {
        var shape = new VectorShape(ElementType.Float32, metric, 64);
        return Codes.Train(shape, new(QuantizationKind.Product, 8, 16, 4), Codes.InSpace(shape, Leading(400, metric)), new(5));
    }

    // Twelve directions across all components, each less strong than the one before, and a little of everything.
    static float[][] Leading(int count, Metric metric)
    {
        var random = new SeededRandom((ulong)metric);
        var directions = Enumerable.Range(0, 12).Select(_ => Enumerable.Range(0, 64).Select(_ => TestVectors.Normal(random)).ToArray()).ToArray();
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var vector = Enumerable.Range(0, 64).Select(_ => 1 + (0.02 * TestVectors.Normal(random))).ToArray();
            for (var d = 0; d < directions.Length; d++)
            {
                var weight = TestVectors.Normal(random) * Math.Pow(0.7, d);
                for (var i = 0; i < vector.Length; i++) vector[i] += weight * directions[d][i];
            }
            return Array.ConvertAll(vector, x => (float)x);
        })];
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(7), InlineData(32), InlineData(300)]
    public void A_fast_scan_sums_what_the_tables_say(int parts)
    {
        var (shape, vectors, random) = Make(ElementType.Float32, Metric.L2, 300);
        using var quantizer = (ProductQuantizer)Codes.Train(shape, new(QuantizationKind.Product, parts, 16, 2), vectors, random);
        FastScan.Require(quantizer);
        var bytes = quantizer.CodeBytes;
        var codes = vectors.Take(32).Select(v => Codes.Encode(quantizer, v)).ToArray();
        var (block, tables, table, sums) = (new byte[bytes * 32], new byte[FastScan.TableBytes(bytes)], new float[parts * 16], new ushort[32]);
        fixed (byte* b = block, t = tables)
        fixed (float* scratch = table, query = vectors[^1])
        fixed (ushort* s = sums)
        {
            for (var i = 0; i < 32; i++)
                fixed (byte* c = codes[i]) FastScan.Write(b, i, c, bytes);
            FastScan.Prepare(quantizer, query, t, scratch);
            FastScan.Scan(t, b, bytes, s);
            var other = new ushort[32];
            fixed (ushort* o = other)
                for (var half = 0; half < 32; half += 16) FastScan.ScanHalf(t + 8, b + half, bytes, o + half);
            Assert.Equal(sums, other);
            for (var i = 0; i < 32; i++)
            {
                var sum = Enumerable.Range(0, parts).Sum(p => tables[8 + (16 * p) + ((codes[i][p / 2] >> (4 * (p % 2))) & 15)]);
                Assert.Equal(sum, sums[i]);
                var exact = Codes.Exact(Metric.L2, vectors[^1], Codes.Decode(quantizer, codes[i]));
                Assert.Equal(exact, FastScan.Bias(t) + (FastScan.Step(t) * sums[i]), (FastScan.Step(t) * parts / 2) + (1e-4 * exact));
                var back = new byte[bytes];
                fixed (byte* r = back) FastScan.Read(b, i, r, bytes);
                Assert.Equal(codes[i], back);
            }
        }
    }

    [Theory]
    [InlineData(1), InlineData(64), InlineData(100), InlineData(130), InlineData(384)]
    public void A_rotation_keeps_lengths_and_goes_back(int dimension)
    {
        var random = new SeededRandom(11);
        var rotation = new HadamardRotation(dimension, HadamardRotation.RandomSigns(dimension, random));
        var vector = Codes.Clustered(1, dimension, random)[0];
        var turned = new float[rotation.Padded];
        fixed (float* v = vector, t = turned)
        {
            rotation.Turn(v, t);
            var length = vector.Sum(x => (double)x * x);
            Assert.Equal(length, turned.Sum(x => (double)x * x), length * 1e-4);
            // One component is spread over all of them.
            var single = new float[dimension];
            single[0] = 1;
            var spread = new float[rotation.Padded];
            fixed (float* s = single, o = spread) rotation.Turn(s, o);
            Assert.True(spread.Max(Math.Abs) < 6 / MathF.Sqrt(rotation.Padded), "not mixed");
            rotation.TurnBack(t);
            for (var i = 0; i < dimension; i++) Assert.Equal(vector[i], turned[i], 1e-4);
        }
    }

    [Theory]
    [InlineData(Metric.L2, 128), InlineData(Metric.Cosine, 100), InlineData(Metric.InnerProduct, 192)]
    public void Binary_codes_estimate_without_bias_and_within_their_bound(Metric metric, int dimension)
    {
        var (shape, vectors, _) = Make(ElementType.Float32, metric, dimension);
        double sum = 0, bounds = 0;
        int within = 0, all = 0;
        for (ulong seed = 1; seed <= 12; seed++)
        {
            var random = new SeededRandom(seed);
            using var quantizer = (BinaryQuantizer)Codes.Train(shape, new(QuantizationKind.Binary), vectors, random);
            var codes = vectors.Take(40).Select(v => Codes.Encode(quantizer, v)).ToArray();
            foreach (var query in vectors.TakeLast(6))
            {
                var prepared = Codes.Prepare(quantizer, query);
                var estimates = Codes.Distances(quantizer, query, codes);
                for (var i = 0; i < codes.Length; i++)
                {
                    float margin;
                    fixed (byte* p = prepared, c = codes[i]) margin = quantizer.Margin(p, c);
                    var error = estimates[i] - Codes.Exact(metric, query, vectors[i]);
                    sum += error;
                    bounds += margin;
                    within += Math.Abs(error) <= margin ? 1 : 0;
                    all++;
                }
            }
        }
        // The bound covers 1.9 standard deviations: 94 % of a normal distribution. The mean error is a small part of what one error may be.
        Assert.True(within > 0.9 * all, $"{within} of {all} within the bound");
        Assert.True(Math.Abs(sum / all) < 0.1 * (bounds / all), $"mean error {sum / all}, mean bound {bounds / all}");
    }

    [Theory]
    [InlineData(65), InlineData(128)]
    public void Binary_kernels_are_sums_over_signs(int dimension)
    {
        // A query whose components are levels already: no rounding is left, and the estimate is the paper's formula.
        var (shape, vectors, random) = Make(ElementType.Float32, Metric.InnerProduct, dimension);
        using var quantizer = (BinaryQuantizer)Codes.Train(shape, new(QuantizationKind.Binary), vectors, random);
        var signBytes = quantizer.CodeBytes - 8;
        var padded = signBytes * 8;
        var levels = Enumerable.Range(0, padded).Select(_ => random.Next(16)).ToArray();
        var prepared = new byte[quantizer.QueryBytes];
        for (var i = 0; i < padded; i++)
            for (var plane = 0; plane < 4; plane++) prepared[(plane * signBytes) + (i / 8)] |= (byte)((levels[i] >> plane & 1) << (i % 8));
        var (least, step) = (-3f, 0.5f);
        MemoryMarshal.Write(prepared.AsSpan(4 * signBytes), new BinaryQuantizer.Tail
        {
            LengthWeight = 1, ProductWeight = -2, Constant = 5, PerBit = 2 * least, PerLevel = 2 * step, MinusSum = -levels.Sum(l => least + (step * l)),
        });
        foreach (var vector in vectors.Take(20))
        {
            var code = Codes.Encode(quantizer, vector);
            var product = Enumerable.Range(0, padded).Sum(i => ((code[i / 8] >> (i % 8) & 1) != 0 ? 1 : -1) * (least + (step * levels[i])));
            var (length, factor) = (BitConverter.ToSingle(code, signBytes), BitConverter.ToSingle(code, signBytes + 4));
            fixed (byte* p = prepared, c = code)
                Assert.Equal(5 + (length * length) - (2 * factor * product), new BinaryCodeDistance(signBytes).One(p, c), 1e-2);
        }
    }

    [Fact]
    public void Vectors_all_alike_have_codes_too()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 9);
        var vectors = Enumerable.Repeat(Enumerable.Repeat(3f, 9).ToArray(), 30).ToArray();
        foreach (var kind in Enum.GetValues<QuantizationKind>())
        {
            using var quantizer = Codes.Train(shape, new(kind), vectors, new(1));
            var code = Codes.Encode(quantizer, vectors[0]);
            Assert.Equal(vectors[0], Codes.Decode(quantizer, code));
            Assert.Equal(0f, Codes.Distances(quantizer, vectors[0], [code])[0], 1e-6);
            Assert.All(Codes.Distances(quantizer, [.. Enumerable.Repeat(4f, 9)], [code]), d => Assert.True(float.IsFinite(d)));
        }
    }

    [Fact]
    public void What_cannot_be_coded_is_refused()
    {
        Invalid(() => VectorFloats.Require(new(ElementType.Bit, Metric.Hamming, 8)));
        var shape = new VectorShape(ElementType.Float32, Metric.L1, 8);
        var vectors = Codes.Clustered(20, 8, new(1));
        Invalid(() => Codes.Train(shape, new(QuantizationKind.Binary), vectors, new(1)));
        Invalid(() => Codes.Train(shape, new(QuantizationKind.Product, 0), vectors, new(1)));
        Invalid(() => Codes.Train(shape, new(QuantizationKind.Product, 4, 17), vectors, new(1)));
        Invalid(() => Codes.Train(shape, new(QuantizationKind.Product, 4), [], new(1)));
        Invalid(() => FastScan.Require(Codes.Train(shape, new(QuantizationKind.Product, 4), vectors, new(1))));
    }

    static void Same<TTerm>(byte[] query, byte[] code, long expected) where TTerm : struct, ICodeTerm
    {
        var four = stackalloc float[4];
        foreach (var width in (KernelWidth?[])[null, KernelWidth.Bits256])
        {
            var distance = new ScalarCodeDistance<TTerm>(code.Length, width);
            fixed (byte* q = query, c = code)
            {
                Assert.Equal((float)expected, distance.One(q, c));
                distance.Four(q, c, c, c, c, four);
                for (var i = 0; i < 4; i++) Assert.Equal((float)expected, four[i]);
            }
        }
    }

    static void Invalid(Action action) => Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(action).Code);

    static (VectorShape Shape, float[][] Vectors, SeededRandom Random) Make(ElementType element, Metric metric, int dimension)
    {
        var random = new SeededRandom((ulong)dimension);
        var shape = new VectorShape(element, metric, dimension);
        return (shape, Codes.InSpace(shape, Codes.Clustered(150, dimension, random)), random);
    }
}
