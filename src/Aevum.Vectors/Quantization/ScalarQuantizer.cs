// ScalarQuantizer: a byte a component. From each component its mean is taken; one step, the same for all components, then makes whole numbers of -127
// to 127 of what is left. The step is such that all but one in 10,000 components keep their size; what lies beyond is cut.
//
//   code       component i: round((x[i] - centre[i]) / step), -127 to 127; zeros up to a multiple of 16 bytes
//   prepared   int16 each, padded with zeros as the code is; then constant f32, factor f32
//   estimate   constant + factor * sum of whole numbers (exact in 32 bits)
//
//   L2, Cosine     the query in the same steps, but not cut at 127: sum of squared differences
//   L1             the same, sum of absolute differences
//   InnerProduct   -q.x = -q.centre - step * q.k: the query in steps of its own, as fine as the sum allows; sum of products
//
// One step for all, because then no component needs a weight in the sum. The mean matters: where it holds most of the length (as in text embeddings)
// the codes would otherwise spend their bits on it.

using System.Runtime.InteropServices;

namespace Aevum.Vectors.Quantization;

sealed unsafe class ScalarQuantizer : Quantizer
{
    const int Most = 127;
    const int SampledComponentsMax = 1 << 21;

    readonly float[] _centre;
    readonly float _inverseStep;

    public ScalarQuantizer(VectorShape shape, float[] centre, float step) : base(shape)
    {
        _centre = centre;
        Step = step;
        _inverseStep = 1 / step;
    }

    public override QuantizationKind Kind => QuantizationKind.Scalar;

    public float Step { get; }

    public ReadOnlySpan<float> Centre => _centre;

    public override int CodeBytes => (Dimension + 15) & -16;

    public override int QueryBytes => (CodeBytes * sizeof(short)) + (2 * sizeof(float));

    public static ScalarQuantizer Train(VectorSample sample, QuantizationOptions options)
    {
        var dimension = sample.Dimension;
        var centre = new float[dimension];
        var sums = new double[dimension];
        for (var p = 0; p < sample.Count; p++)
            for (var i = 0; i < dimension; i++) sums[i] += sample[p][i];
        for (var i = 0; i < dimension; i++) centre[i] = (float)(sums[i] / Math.Max(sample.Count, 1));

        var every = (int)Math.Max(1, ((long)sample.Count * dimension / SampledComponentsMax) + 1);
        var sizes = new List<float>();
        for (var p = 0; p < sample.Count; p += every)
            for (var i = 0; i < dimension; i++) sizes.Add(Math.Abs(sample[p][i] - centre[i]));
        sizes.Sort();
        var largest = sizes.Count == 0 ? 0 : sizes[(int)Math.Clamp(Math.Ceiling(options.Quantile * sizes.Count) - 1, 0, sizes.Count - 1)];
        // Vectors that are all alike have no spread; any step codes them.
        return new(sample.Shape, centre, largest > float.MinValue && largest / Most >= 1e-30f ? largest / Most : 1e-30f);
    }

    public override void Encode(float* vector, byte* code)
    {
        var target = (sbyte*)code;
        for (var i = 0; i < Dimension; i++) target[i] = (sbyte)Math.Clamp(MathF.Round((vector[i] - _centre[i]) * _inverseStep), -Most, Most);
        new Span<byte>(code + Dimension, CodeBytes - Dimension).Clear();
    }

    public override void Decode(byte* code, float* vector)
    {
        for (var i = 0; i < Dimension; i++) vector[i] = _centre[i] + (Step * (sbyte)code[i]);
    }

    public override void Prepare(float* query, byte* prepared)
    {
        var target = (short*)prepared;
        float constant = 0, factor;
        if (Shape.Metric == Metric.InnerProduct)
        {
            var most = 0f;
            var product = 0.0;
            for (var i = 0; i < Dimension; i++)
            {
                most = Math.Max(most, Math.Abs(query[i]));
                product += (double)query[i] * _centre[i];
            }
            // The sum of products must fit in 32 bits.
            var limit = (float)Math.Min(short.MaxValue, int.MaxValue / ((long)Most * CodeBytes));
            var queryStep = most > 1e-30f ? most / limit : 1e-30f;
            for (var i = 0; i < Dimension; i++) target[i] = (short)Math.Clamp(MathF.Round(query[i] / queryStep), -limit, limit);
            constant = (float)-product;
            factor = -queryStep * Step;
        }
        else
        {
            // The sum of squares must fit in 32 bits without a sign: never less than 127, since 65,536 * 254^2 fits.
            var limit = (float)Math.Min(511, Math.Floor(Math.Sqrt(uint.MaxValue / (double)CodeBytes)) - Most);
            for (var i = 0; i < Dimension; i++) target[i] = (short)Math.Clamp(MathF.Round((query[i] - _centre[i]) * _inverseStep), -limit, limit);
            factor = Shape.Metric switch
            {
                Metric.L1 => Step,
                Metric.Cosine => Step * Step / 2,
                _ => Step * Step,
            };
        }
        new Span<short>(target + Dimension, CodeBytes - Dimension).Clear();
        var tail = (float*)(prepared + (CodeBytes * sizeof(short)));
        MemoryMarshal.Write(new Span<byte>(tail, sizeof(float)), constant);
        MemoryMarshal.Write(new Span<byte>(tail + 1, sizeof(float)), factor);
    }

    public override TResult Run<TVisitor, TResult>(ref TVisitor visitor) => Shape.Metric switch
    {
        Metric.InnerProduct => visitor.Visit(new ScalarCodeDistance<CodeProduct>(CodeBytes)),
        Metric.L1 => visitor.Visit(new ScalarCodeDistance<CodeAbsolute>(CodeBytes)),
        _ => visitor.Visit(new ScalarCodeDistance<CodeSquare>(CodeBytes)),
    };
}
