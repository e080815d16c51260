using Aevum.Core.Scheduling;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Tests.Quantization;

/// <summary>Samples to learn from, and the slow way to every answer.</summary>
static unsafe class Codes
{
    /// <summary>Vectors in a few clusters, away from the origin, of unequal spread in each component: what embeddings are like.</summary>
    public static float[][] Clustered(int count, int dimension, SeededRandom random, int clusters = 8, float offset = 1)
    {
        var centres = new float[clusters][];
        for (var c = 0; c < clusters; c++) centres[c] = [.. Enumerable.Range(0, dimension).Select(_ => offset + (float)TestVectors.Normal(random))];
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var centre = centres[random.Next(clusters)];
            return centre.Select((x, i) => x + (0.4f * (float)TestVectors.Normal(random) / (1 + (i % 4)))).ToArray();
        })];
    }

    /// <summary>As VectorFloats gives them: of length 1 under Cosine.</summary>
    public static float[][] InSpace(VectorShape shape, float[][] vectors)
    {
        var stored = new byte[shape.Bytes];
        return [.. vectors.Select(v =>
        {
            VectorEncoder.Encode(shape, v, stored);
            var floats = new float[shape.Dimension];
            fixed (byte* s = stored)
            fixed (float* f = floats) VectorFloats.Read(shape, s, f);
            return floats;
        })];
    }

    public static VectorSample Sample(VectorShape shape, float[][] vectors, SeededRandom random)
    {
        var sample = new VectorSample(shape, Math.Max(1, vectors.Length), random, MemoryBudget.Unlimited());
        foreach (var vector in vectors)
            fixed (float* v = vector) sample.Add(v);
        return sample;
    }

    public static Quantizer Train(VectorShape shape, QuantizationOptions options, float[][] vectors, SeededRandom random)
    {
        using var sample = Sample(shape, vectors, random);
        return Quantizer.Train(options, sample, random);
    }

    public static byte[] Encode(Quantizer quantizer, float[] vector)
    {
        var code = new byte[quantizer.CodeBytes];
        fixed (float* v = vector)
        fixed (byte* c = code) quantizer.Encode(v, c);
        return code;
    }

    public static float[] Decode(Quantizer quantizer, byte[] code)
    {
        var vector = new float[quantizer.Dimension];
        fixed (float* v = vector)
        fixed (byte* c = code) quantizer.Decode(c, v);
        return vector;
    }

    public static byte[] Prepare(Quantizer quantizer, float[] query)
    {
        var prepared = new byte[quantizer.QueryBytes];
        fixed (float* q = query)
        fixed (byte* p = prepared) quantizer.Prepare(q, p);
        return prepared;
    }

    /// <summary>Of each code both ways: one at a time, and four at a time with the code in every place.</summary>
    public static float[] Distances(Quantizer quantizer, float[] query, byte[][] codes)
    {
        var visitor = new Visitor { Query = Prepare(quantizer, query), Codes = codes };
        return quantizer.Run<Visitor, float[]>(ref visitor);
    }

    /// <summary>The metric's distance in double, between vectors as VectorFloats gives them.</summary>
    public static double Exact(Metric metric, float[] a, float[] b)
    {
        double squares = 0, product = 0, sizes = 0;
        for (var i = 0; i < a.Length; i++)
        {
            squares += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
            product += (double)a[i] * b[i];
            sizes += Math.Abs((double)a[i] - b[i]);
        }
        return metric switch
        {
            Metric.L2 => squares,
            Metric.Cosine => squares / 2,
            Metric.InnerProduct => -product,
            _ => sizes,
        };
    }

    struct Visitor : IDistanceVisitor<float[]>
    {
        public byte[] Query;
        public byte[][] Codes;

        public readonly float[] Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            var results = new float[Codes.Length];
            var four = stackalloc float[4];
            // Flush against the end of their arrays: what reads further is caught by luck only; guarded pages catch it in the kernels' own tests.
            fixed (byte* query = Query)
            {
                for (var i = 0; i < Codes.Length; i++)
                {
                    fixed (byte* code = Codes[i], other = Codes[(i + 1) % Codes.Length])
                    {
                        results[i] = distance.One(query, code);
                        distance.Four(query, code, other, code, code, four);
                        Assert.Equal(results[i], four[0], Tolerance(results[i]));
                        Assert.Equal(results[i], four[2], Tolerance(results[i]));
                        Assert.Equal(results[i], four[3], Tolerance(results[i]));
                        distance.Four(query, other, code, other, other, four);
                        Assert.Equal(results[i], four[1], Tolerance(results[i]));
                    }
                }
            }
            return results;
        }

        static float Tolerance(float value) => Math.Max(1e-6f, Math.Abs(value) * 1e-6f);
    }
}
