// BinaryQuantizer: a bit a component, and two numbers that correct for it (RaBitQ: Gao and Long, SIGMOD 2024).
//
// The vector, less the mean of all, is turned by a random rotation; of each turned component only the sign is kept. With o the turned vector of
// length f, D its components and s its signs, the code knows o's direction up to <o, s> / (f sqrt D) = g, near 0.8 whatever the vector. For any turned
// query q,
//      <o, q>  is estimated by  (f / (g sqrt D)) <s, q>          unbiased over rotations (their theorem 3.2)
//      and its error is below   f |q| sqrt((1 - g^2) / g^2) e / sqrt(D - 1)   for all but a share of exp(-e^2 / 2) of them; e = 1.9 as they advise
//
//   code       D / 8 bytes of signs, then f f32, f / (g sqrt D) f32              D: the dimension rounded up to a multiple of 64
//   prepared   four planes of D / 8 bytes: bit j of the query's components in 4 bits, rounded up or down by a fixed dither; then seven f32 (Tail)
//   estimate   L2: f^2 + |q|^2 - 2 <o, q>,   Cosine: half of that,   InnerProduct: -(centre.q) - <o, q> with a query that is not centred
//
// <s, q> over planes is and, count bits, shift, add. L1 has no such estimate and is refused.
// Where we differ: a Hadamard rotation instead of a dense one; the dither is fixed by position, so that a query always gives the same answer.

using System.Numerics;
using System.Runtime.CompilerServices;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Quantization;

sealed unsafe class BinaryQuantizer : Quantizer
{
    /// <summary>How many standard deviations, roughly, the error bound covers (epsilon 0 in the paper).</summary>
    const float Confidence = 1.9f;

    const int Planes = 4;
    const int Levels = 15;

    readonly float[] _centre;
    readonly HadamardRotation _rotation;

    public BinaryQuantizer(VectorShape shape, float[] centre, ulong[] signs) : base(shape)
    {
        if (shape.Metric == Metric.L1) Throw.Invalid("codes of one bit estimate no L1 distance; use scalar or product codes");
        _centre = centre;
        _rotation = new(shape.Dimension, signs);
    }

    public override QuantizationKind Kind => QuantizationKind.Binary;

    public ReadOnlySpan<float> Centre => _centre;

    public ReadOnlySpan<ulong> Signs => _rotation.Signs;

    int SignBytes => _rotation.Padded / 8;

    public override int CodeBytes => SignBytes + (2 * sizeof(float));

    public override int QueryBytes => (Planes * SignBytes) + sizeof(Tail);

    public static BinaryQuantizer Train(VectorSample sample, SeededRandom random)
    {
        var centre = new float[sample.Dimension];
        for (var i = 0; i < centre.Length; i++)
        {
            var sum = 0.0;
            for (var p = 0; p < sample.Count; p++) sum += sample[p][i];
            centre[i] = (float)(sum / Math.Max(sample.Count, 1));
        }
        return new(sample.Shape, centre, HadamardRotation.RandomSigns(sample.Dimension, random));
    }

    public override void Encode(float* vector, byte* code)
    {
        using var scratch = new Scratch(_rotation.Padded, stackalloc float[Scratch.OnStack]);
        var turned = scratch.Pointer;
        for (var i = 0; i < Dimension; i++) turned[i] = vector[i] - _centre[i];
        _rotation.Turn(turned, turned);
        double squares = 0, sizes = 0;
        new Span<byte>(code, CodeBytes).Clear();
        for (var i = 0; i < _rotation.Padded; i++)
        {
            squares += (double)turned[i] * turned[i];
            sizes += Math.Abs(turned[i]);
            if (turned[i] > 0) code[i >> 3] |= (byte)(1 << (i & 7));
        }
        // f / (g sqrt D) with g = sizes / (f sqrt D); a vector that is the mean itself has neither.
        Unsafe.WriteUnaligned(code + SignBytes, (float)Math.Sqrt(squares));
        Unsafe.WriteUnaligned(code + SignBytes + sizeof(float), sizes > 0 ? (float)(squares / sizes) : 0);
    }

    public override void Decode(byte* code, float* vector)
    {
        using var scratch = new Scratch(_rotation.Padded, stackalloc float[Scratch.OnStack]);
        var turned = scratch.Pointer;
        // The point on the line of signs that is nearest in the mean: f g / sqrt D along each axis.
        var length = Unsafe.ReadUnaligned<float>(code + SignBytes);
        var factor = Unsafe.ReadUnaligned<float>(code + SignBytes + sizeof(float));
        var size = factor > 0 ? length * length / (factor * _rotation.Padded) : 0;
        for (var i = 0; i < _rotation.Padded; i++) turned[i] = (code[i >> 3] >> (i & 7) & 1) != 0 ? size : -size;
        _rotation.TurnBack(turned);
        for (var i = 0; i < Dimension; i++) vector[i] = turned[i] + _centre[i];
    }

    public override void Prepare(float* query, byte* prepared)
    {
        using var scratch = new Scratch(_rotation.Padded, stackalloc float[Scratch.OnStack]);
        var turned = scratch.Pointer;
        var byProduct = Shape.Metric == Metric.InnerProduct;
        double squares = 0, product = 0, sum = 0;
        for (var i = 0; i < Dimension; i++)
        {
            turned[i] = byProduct ? query[i] : query[i] - _centre[i];
            squares += (double)turned[i] * turned[i];
            product += (double)query[i] * _centre[i];
        }
        _rotation.Turn(turned, turned);
        float least = float.PositiveInfinity, most = float.NegativeInfinity;
        for (var i = 0; i < _rotation.Padded; i++)
        {
            sum += turned[i];
            least = Math.Min(least, turned[i]);
            most = Math.Max(most, turned[i]);
        }
        var step = Math.Max((most - least) / Levels, 1e-30f);
        new Span<byte>(prepared, Planes * SignBytes).Clear();
        for (var i = 0; i < _rotation.Padded; i++)
        {
            var level = Math.Clamp((int)MathF.Floor(((turned[i] - least) / step) + Dither(i)), 0, Levels);
            for (var plane = 0; plane < Planes; plane++)
                prepared[(plane * SignBytes) + (i >> 3)] |= (byte)((level >> plane & 1) << (i & 7));
        }
        // The sum with signs s is 2 (sum where s = +1) - (sum of all); where s = +1, q is least + step * level.
        Unsafe.WriteUnaligned(prepared + (Planes * SignBytes), new Tail
        {
            LengthWeight = byProduct ? 0 : Shape.Metric == Metric.Cosine ? 0.5f : 1,
            ProductWeight = byProduct ? -1 : Shape.Metric == Metric.Cosine ? -1 : -2,
            Constant = (float)(byProduct ? -product : Shape.Metric == Metric.Cosine ? squares / 2 : squares),
            PerBit = 2 * least,
            PerLevel = 2 * step,
            MinusSum = (float)-sum,
            Length = (float)Math.Sqrt(squares),
        });
    }

    public override float Margin(byte* prepared, byte* code)
    {
        var tail = Unsafe.ReadUnaligned<Tail>(prepared + (Planes * SignBytes));
        var length = Unsafe.ReadUnaligned<float>(code + SignBytes);
        var factor = Unsafe.ReadUnaligned<float>(code + SignBytes + sizeof(float));
        if (factor <= 0) return 0;
        // g = f / (factor sqrt D)
        var cosine = Math.Min(1, length / ((double)factor * Math.Sqrt(_rotation.Padded)));
        var spread = Math.Sqrt(1 - (cosine * cosine)) / cosine / Math.Sqrt(Math.Max(1, _rotation.Padded - 1));
        return (float)(Math.Abs(tail.ProductWeight) * length * tail.Length * spread * Confidence);
    }

    public override TResult Run<TVisitor, TResult>(ref TVisitor visitor) => visitor.Visit(new BinaryCodeDistance(SignBytes));

    // The golden ratio's multiples are spread evenly over [0, 1) and know nothing of the data.
    static float Dither(int index) => (uint)(index * 2654435769u) * (1f / (1L << 32));

    /// <summary>What stands behind the planes.</summary>
    internal struct Tail
    {
        public float LengthWeight, ProductWeight, Constant, PerBit, PerLevel, MinusSum, Length;
    }

    // Room for the turned vector: on the stack where it is small.
    ref struct Scratch : IDisposable
    {
        public const int OnStack = 2048;

        readonly NativeBlock? _block;
        public float* Pointer;

        public Scratch(int count, Span<float> onStack)
        {
            if (count > OnStack) _block = new NativeBlock((long)count * sizeof(float), MemoryBudget.Unlimited());
            Pointer = _block is null ? (float*)Unsafe.AsPointer(ref onStack[0]) : (float*)_block.Pointer;
        }

        public readonly void Dispose() => _block?.Dispose();
    }
}

/// <param name="signBytes">A multiple of 8.</param>
readonly unsafe struct BinaryCodeDistance(int signBytes) : IDistance
{
    readonly int _signBytes = signBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float One(byte* query, byte* code)
    {
        int bits = 0, first = 0, second = 0, third = 0, fourth = 0;
        for (nint i = 0; i < _signBytes; i += sizeof(ulong))
        {
            var signs = Unsafe.ReadUnaligned<ulong>(code + i);
            bits += BitOperations.PopCount(signs);
            first += BitOperations.PopCount(signs & Unsafe.ReadUnaligned<ulong>(query + i));
            second += BitOperations.PopCount(signs & Unsafe.ReadUnaligned<ulong>(query + _signBytes + i));
            third += BitOperations.PopCount(signs & Unsafe.ReadUnaligned<ulong>(query + (2 * (nint)_signBytes) + i));
            fourth += BitOperations.PopCount(signs & Unsafe.ReadUnaligned<ulong>(query + (3 * (nint)_signBytes) + i));
        }
        ref readonly var tail = ref Unsafe.AsRef<BinaryQuantizer.Tail>(query + (4 * (nint)_signBytes));
        var length = Unsafe.ReadUnaligned<float>(code + _signBytes);
        var factor = Unsafe.ReadUnaligned<float>(code + _signBytes + sizeof(float));
        var product = (tail.PerBit * bits) + (tail.PerLevel * (first + (2 * second) + (4 * third) + (8 * fourth))) + tail.MinusSum;
        return tail.Constant + (tail.LengthWeight * length * length) + (tail.ProductWeight * factor * product);
    }

    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        results[0] = One(query, a);
        results[1] = One(query, b);
        results[2] = One(query, c);
        results[3] = One(query, d);
    }
}
