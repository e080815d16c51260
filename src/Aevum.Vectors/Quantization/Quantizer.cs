// Quantizer: a trained way to let a short code stand for a vector, and to tell from a query how far the vector of a code probably is.
//
//   stored vector ─> VectorFloats ─> Encode ─> code (CodeBytes)              once per vector
//   stored query  ─> VectorFloats ─> Prepare ─> prepared (QueryBytes)        once per search
//   prepared, code ─> IDistance ─> an estimate of the distance of the shape's metric, smaller is nearer
//
// The estimate has the scale of the exact distance, so that both may be compared; who wants to be sure of the order computes the exact distance
// of the best (Rerank). Distances come as a struct handed to a visitor, as those of stored vectors do (DistanceDispatch), so a graph walks over
// codes with the very loop that walks over vectors.
//
// Always true: a quantizer never changes; any number of threads may use it. Nothing here allocates per call.
// To add a kind: a value of QuantizationKind, a class, its bytes in CodebookFormat and on the format page, tests against its own Decode.

using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Quantization;

/// <summary>Written into files; values never change their meaning.</summary>
public enum QuantizationKind : byte
{
    /// <summary>A byte a component.</summary>
    Scalar = 1,

    /// <summary>A centroid for each part of the vector.</summary>
    Product = 2,

    /// <summary>A bit a component, after a rotation.</summary>
    Binary = 3,
}

abstract unsafe class Quantizer : IDisposable
{
    protected Quantizer(VectorShape shape)
    {
        VectorFloats.Require(shape);
        Shape = shape;
    }

    public abstract QuantizationKind Kind { get; }

    public VectorShape Shape { get; }

    public int Dimension => Shape.Dimension;

    /// <summary>Bytes of a code.</summary>
    public abstract int CodeBytes { get; }

    /// <summary>Bytes of a prepared query.</summary>
    public abstract int QueryBytes { get; }

    /// <summary>Mean squared distance between vectors and what their codes decode to, over what it was trained on.</summary>
    public double TrainingError { get; internal set; }

    /// <summary>How many vectors it was trained on.</summary>
    public long TrainedOn { get; internal set; }

    /// <param name="vector">As <see cref="VectorFloats"/> gives it.</param>
    public abstract void Encode(float* vector, byte* code);

    /// <summary>What the code stands for, as nearly as it can tell.</summary>
    public abstract void Decode(byte* code, float* vector);

    /// <param name="query">As <see cref="VectorFloats"/> gives it.</param>
    public abstract void Prepare(float* query, byte* prepared);

    /// <summary>Runs <paramref name="visitor"/> with the distance between a prepared query and codes.</summary>
    public abstract TResult Run<TVisitor, TResult>(ref TVisitor visitor) where TVisitor : struct, IDistanceVisitor<TResult>;

    /// <summary>By how much the estimate may be above the exact distance: the exact one lies below estimate - margin only in rare cases.</summary>
    /// <returns>Infinity where nothing is known.</returns>
    public virtual float Margin(byte* prepared, byte* code) => float.PositiveInfinity;

    /// <summary>Squared distance between a vector and what its code decodes to.</summary>
    public double ErrorOf(float* vector)
    {
        var scratch = stackalloc byte[CodeBytes <= 4096 ? CodeBytes : 0];
        var decoded = stackalloc float[Dimension <= 4096 ? Dimension : 0];
        if (CodeBytes > 4096 || Dimension > 4096)
        {
            using var block = new NativeBlock(CodeBytes + ((long)Dimension * sizeof(float)), MemoryBudget.Unlimited());
            return ErrorOf(vector, block.Pointer + ((long)Dimension * sizeof(float)), (float*)block.Pointer);
        }
        return ErrorOf(vector, scratch, decoded);
    }

    double ErrorOf(float* vector, byte* code, float* decoded)
    {
        Encode(vector, code);
        Decode(code, decoded);
        var sum = 0.0;
        for (var i = 0; i < Dimension; i++) sum += ((double)vector[i] - decoded[i]) * ((double)vector[i] - decoded[i]);
        return sum;
    }

    /// <summary>Whether it makes codes of the kind and size that are asked for.</summary>
    public virtual bool IsOf(QuantizationOptions options) => Kind == options.Kind;

    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Trains a quantizer on a sample.</summary>
    public static Quantizer Train(QuantizationOptions options, VectorSample sample, SeededRandom random)
    {
        Quantizer quantizer = options.Kind switch
        {
            QuantizationKind.Scalar => ScalarQuantizer.Train(sample, options),
            QuantizationKind.Product => ProductQuantizer.Train(sample, options, random),
            _ => BinaryQuantizer.Train(sample, random),
        };
        var measured = Math.Min(sample.Count, 4096);
        var error = 0.0;
        for (var i = 0; i < measured; i++) error += quantizer.ErrorOf(sample[(int)((long)i * sample.Count / measured)]);
        quantizer.TrainingError = measured == 0 ? 0 : error / measured;
        quantizer.TrainedOn = sample.Count;
        return quantizer;
    }
}

/// <param name="Kind">Which kind.</param>
/// <param name="SubCount">num_sub, product only: how many parts a vector is cut into, a centroid each. More: better and larger codes.</param>
/// <param name="CentroidCount">num_centroids, product only: 256 (a byte a part) or 16 (half a byte, for scans of lists).</param>
/// <param name="RoundsMax">max_iter, product only: rounds of k-means at most.</param>
/// <param name="Turns">Product only: turn vectors to their principal axes and deal these out to parts, where that lowers the error. Costs a query a
/// matrix of a few dozen rows.</param>
/// <param name="Quantile">Scalar only: this share of components keeps its size, those beyond are cut.</param>
public sealed record QuantizationOptions(
    QuantizationKind Kind, int SubCount = 32, int CentroidCount = 256, int RoundsMax = 20, bool Turns = true, double Quantile = 0.9999);
