// DistanceDispatch: from a shape to the kernel that compares its vectors on this machine. The one place that knows all kernels.
//
// The kernel is handed to a visitor as a struct type, so that whatever loops the visitor runs are compiled for it alone.

using Aevum.Core.Errors;

namespace Aevum.Vectors;

static class DistanceDispatch
{
    /// <summary>Runs <paramref name="visitor"/> with the kernel for two stored vectors.</summary>
    /// <param name="width">Null: the widest this machine has.</param>
    public static TResult Run<TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, KernelWidth? width = null)
        where TVisitor : struct, IDistanceVisitor<TResult> => Choose<TVisitor, TResult>(shape, ref visitor, false);

    /// <summary>Runs <paramref name="visitor"/> with the kernel for a prepared query (<see cref="PreparedQuery"/>) and stored vectors.</summary>
    /// <param name="width">Null: the widest this machine has.</param>
    public static TResult RunPrepared<TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, KernelWidth? width = null)
        where TVisitor : struct, IDistanceVisitor<TResult> => Choose<TVisitor, TResult>(shape, ref visitor, true);

    static TResult Choose<TVisitor, TResult>(VectorShape shape, ref TVisitor visitor, bool prepared)
        where TVisitor : struct, IDistanceVisitor<TResult>
    {
        var storedTail = shape.CarriesInverseLength ? shape.ElementBytes : 0;
        var queryTail = shape.CarriesInverseLength ? PreparedQuery.TailOffset(shape) : 0;
        switch (shape.Element)
        {
            case ElementType.Float32:
                return visitor.Visit(new ScalarNumbers<ScalarFloat32, ScalarFloat32>(shape.Metric, shape.Dimension, 0, 0));
            case ElementType.Float16 when prepared:
                return visitor.Visit(new ScalarNumbers<ScalarFloat32, ScalarFloat16>(shape.Metric, shape.Dimension, queryTail, storedTail));
            case ElementType.Float16:
                return visitor.Visit(new ScalarNumbers<ScalarFloat16, ScalarFloat16>(shape.Metric, shape.Dimension, storedTail, storedTail));
            case ElementType.Int8 when prepared:
                return visitor.Visit(new ScalarNumbers<ScalarInt16, ScalarInt8>(shape.Metric, shape.Dimension, queryTail, storedTail));
            case ElementType.Int8:
                return visitor.Visit(new ScalarNumbers<ScalarInt8, ScalarInt8>(shape.Metric, shape.Dimension, storedTail, storedTail));
            case ElementType.Bit:
                return visitor.Visit(new ScalarBits(shape.Metric, shape.Bytes));
            default:
                Throw.Invalid($"there is no kernel for {shape}");
                throw null;   // not reached
        }
    }
}
