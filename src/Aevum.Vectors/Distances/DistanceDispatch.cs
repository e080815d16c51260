// DistanceDispatch: from a shape to the kernel that compares its vectors on this machine. The one place that knows all kernels.
//
// The kernel is handed to a visitor as a struct type, so that whatever loops the visitor runs are compiled for it alone. Four questions, each
// answered in one method: width (which a short vector narrows), element type, form of the query, metric.
//
// To add a metric: a term (IFloatTerm, IIntTerm), its line in Float and Int8, and its formula in ScalarDistance.

using System.Runtime.Intrinsics;
using Aevum.Core.Errors;

namespace Aevum.Vectors;

static class DistanceDispatch
{
    /// <summary>Runs <paramref name="visitor"/> with the kernel for two stored vectors.</summary>
    /// <param name="width">Null: the widest this machine has.</param>
    public static TResult Run<TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, KernelWidth? width = null)
        where TVisitor : struct, IDistanceVisitor<TResult> => Choose<TVisitor, TResult>(shape, ref visitor, false, width ?? KernelWidths.Best);

    /// <summary>Runs <paramref name="visitor"/> with the kernel for a prepared query (<see cref="PreparedQuery"/>) and stored vectors.</summary>
    /// <param name="width">Null: the widest this machine has.</param>
    public static TResult RunPrepared<TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, KernelWidth? width = null)
        where TVisitor : struct, IDistanceVisitor<TResult> => Choose<TVisitor, TResult>(shape, ref visitor, true, width ?? KernelWidths.Best);

    static TResult Choose<TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, bool prepared, KernelWidth width)
        where TVisitor : struct, IDistanceVisitor<TResult>
    {
        var storedTail = shape.CarriesInverseLength ? shape.ElementBytes : 0;
        var queryTail = !shape.CarriesInverseLength ? 0 : prepared ? PreparedQuery.TailOffset(shape) : storedTail;
        var tails = new Tails(queryTail, storedTail);
        return shape.Element switch
        {
            ElementType.Float32 => Float<Float32Source, Float32Source, ScalarFloat32, ScalarFloat32, TVisitor, TResult>(shape, ref visitor, width, tails),
            ElementType.Float16 when prepared =>
                Float<Float32Source, Float16Source, ScalarFloat32, ScalarFloat16, TVisitor, TResult>(shape, ref visitor, width, tails),
            ElementType.Float16 => Float<Float16Source, Float16Source, ScalarFloat16, ScalarFloat16, TVisitor, TResult>(shape, ref visitor, width, tails),
            ElementType.Int8 when prepared => Int8<Int16Source, ScalarInt16, TVisitor, TResult>(shape, ref visitor, width, tails),
            ElementType.Int8 => Int8<Int8Source, ScalarInt8, TVisitor, TResult>(shape, ref visitor, width, tails),
            _ => Bits<TVisitor, TResult>(shape, ref visitor, width),
        };
    }

    static TResult Float<TQuery, TStored, TScalarQuery, TScalarStored, TVisitor, TResult>(
        VectorShape shape, ref TVisitor visitor, KernelWidth width, Tails tails)
        where TQuery : struct, IFloatSource
        where TStored : struct, IFloatSource
        where TScalarQuery : struct, IScalarElement
        where TScalarStored : struct, IScalarElement
        where TVisitor : struct, IDistanceVisitor<TResult>
    {
        if (width >= KernelWidth.Bits512 && shape.Dimension >= FloatLanes512.Count)
            return FloatTerm<FloatLanes512, Vector512<float>, TQuery, TStored, TVisitor, TResult>(shape, ref visitor, tails);
        if (width >= KernelWidth.Bits256 && shape.Dimension >= FloatLanes256.Count)
            return FloatTerm<FloatLanes256, Vector256<float>, TQuery, TStored, TVisitor, TResult>(shape, ref visitor, tails);
        if (width >= KernelWidth.Bits128 && shape.Dimension >= FloatLanes128.Count)
            return FloatTerm<FloatLanes128, Vector128<float>, TQuery, TStored, TVisitor, TResult>(shape, ref visitor, tails);
        return visitor.Visit(new ScalarNumbers<TScalarQuery, TScalarStored>(shape.Metric, shape.Dimension, tails.Query, tails.Stored));
    }

    static TResult FloatTerm<TLanes, TVector, TQuery, TStored, TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, Tails tails)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct
        where TQuery : struct, IFloatSource
        where TStored : struct, IFloatSource
        where TVisitor : struct, IDistanceVisitor<TResult> => shape.Metric switch
        {
            Metric.L2 => visitor.Visit(new FloatDistance<TLanes, TVector, TQuery, TStored, SquaredDifference>(shape.Dimension, 0, 0)),
            Metric.L1 => visitor.Visit(new FloatDistance<TLanes, TVector, TQuery, TStored, AbsoluteDifference>(shape.Dimension, 0, 0)),
            Metric.InnerProduct => visitor.Visit(new FloatDistance<TLanes, TVector, TQuery, TStored, NegativeProduct>(shape.Dimension, 0, 0)),
            Metric.Cosine =>
                visitor.Visit(new FloatDistance<TLanes, TVector, TQuery, TStored, OneMinusProduct>(shape.Dimension, tails.Query, tails.Stored)),
            _ => NoKernel<TResult>(shape),
        };

    static TResult Int8<TQuery, TScalarQuery, TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, KernelWidth width, Tails tails)
        where TQuery : struct, IIntSource
        where TScalarQuery : struct, IScalarElement
        where TVisitor : struct, IDistanceVisitor<TResult>
    {
        if (width >= KernelWidth.Bits512 && shape.Dimension >= IntLanes512.Count)
            return Int8Term<IntLanes512, Vector512<short>, Vector512<int>, TQuery, TVisitor, TResult>(shape, ref visitor, tails);
        if (width >= KernelWidth.Bits256 && shape.Dimension >= IntLanes256.Count)
            return Int8Term<IntLanes256, Vector256<short>, Vector256<int>, TQuery, TVisitor, TResult>(shape, ref visitor, tails);
        if (width >= KernelWidth.Bits128 && shape.Dimension >= IntLanes128.Count)
            return Int8Term<IntLanes128, Vector128<short>, Vector128<int>, TQuery, TVisitor, TResult>(shape, ref visitor, tails);
        return visitor.Visit(new ScalarNumbers<TScalarQuery, ScalarInt8>(shape.Metric, shape.Dimension, tails.Query, tails.Stored));
    }

    static TResult Int8Term<TLanes, TShort, TInt, TQuery, TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, Tails tails)
        where TLanes : struct, IIntLanes<TShort, TInt>
        where TShort : struct
        where TInt : struct
        where TQuery : struct, IIntSource
        where TVisitor : struct, IDistanceVisitor<TResult> => shape.Metric switch
        {
            Metric.L2 => visitor.Visit(new Int8Distance<TLanes, TShort, TInt, TQuery, IntSquaredDifference>(shape.Dimension, 0, 0)),
            Metric.L1 => visitor.Visit(new Int8Distance<TLanes, TShort, TInt, TQuery, IntAbsoluteDifference>(shape.Dimension, 0, 0)),
            Metric.InnerProduct => visitor.Visit(new Int8Distance<TLanes, TShort, TInt, TQuery, IntNegativeProduct>(shape.Dimension, 0, 0)),
            Metric.Cosine => visitor.Visit(new Int8Distance<TLanes, TShort, TInt, TQuery, IntProduct>(shape.Dimension, tails.Query, tails.Stored)),
            _ => NoKernel<TResult>(shape),
        };

    static TResult Bits<TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, KernelWidth width)
        where TVisitor : struct, IDistanceVisitor<TResult>
    {
        var hamming = shape.Metric == Metric.Hamming;
        if (width == KernelWidth.Scalar) return visitor.Visit(new ScalarBits(shape.Metric, shape.Bytes));
        if (width >= KernelWidth.Bits512 && BitLanes512.IsSupported && shape.Bytes >= BitLanes512.Count)
            return hamming
                ? visitor.Visit(new HammingDistance<BitLanes512, Vector512<byte>>(shape.Bytes))
                : visitor.Visit(new JaccardDistance<BitLanes512, Vector512<byte>>(shape.Bytes));
        if (width >= KernelWidth.Bits256 && BitLanes256.IsSupported && shape.Bytes >= BitLanes256.Count)
            return hamming
                ? visitor.Visit(new HammingDistance<BitLanes256, Vector256<byte>>(shape.Bytes))
                : visitor.Visit(new JaccardDistance<BitLanes256, Vector256<byte>>(shape.Bytes));
        return visitor.Visit(new WordBits(shape.Metric, shape.Bytes));
    }

    static TResult NoKernel<TResult>(VectorShape shape)
    {
        Throw.Invalid($"there is no kernel for {shape}");
        return default!;   // not reached
    }

    /// <summary>Where 1 / length stands behind the elements; 0: it is not carried.</summary>
    readonly record struct Tails(int Query, int Stored);
}
