// SplitDispatch: from a shape and a cut to the kernel in two parts. Apart from DistanceDispatch, because only float32 has one.

using System.Runtime.Intrinsics;
using Aevum.Core.Errors;

namespace Aevum.Vectors;

static class SplitDispatch
{
    /// <summary>A cut is a multiple of this, and so many components remain behind it at least: a register of the widest kind on each side.</summary>
    public const int CutUnit = 16;

    /// <summary>Whether vectors of <paramref name="shape"/> can be compared in two parts.</summary>
    public static bool Supports(VectorShape shape) =>
        shape.Element == ElementType.Float32 && shape.Metric is Metric.L2 or Metric.Cosine or Metric.InnerProduct && shape.Dimension >= 2 * CutUnit;

    /// <param name="cut">How many components lead: a multiple of <see cref="CutUnit"/> that leaves at least as many behind it.</param>
    /// <param name="width">Null: the widest this machine has.</param>
    /// <exception cref="AevumException">InvalidArgument: the shape has no such kernel, or the cut is no such number.</exception>
    public static TResult Run<TVisitor, TResult>(VectorShape shape, int cut, ref TVisitor visitor, KernelWidth? width = null)
        where TVisitor : struct, ISplitVisitor<TResult>
    {
        if (!Supports(shape)) Throw.Invalid($"there is no kernel in two parts for {shape}");
        if (cut < CutUnit || cut % CutUnit != 0 || cut > shape.Dimension - CutUnit)
            Throw.Invalid($"{shape} cannot be cut at {cut}: a cut is a multiple of {CutUnit} with at least {CutUnit} components behind it");
        return (width ?? KernelWidths.Best) switch
        {
            KernelWidth.Bits512 => Term<FloatLanes512, Vector512<float>, TVisitor, TResult>(shape, cut, ref visitor),
            KernelWidth.Bits256 => Term<FloatLanes256, Vector256<float>, TVisitor, TResult>(shape, cut, ref visitor),
            _ => Term<FloatLanes128, Vector128<float>, TVisitor, TResult>(shape, cut, ref visitor),
        };
    }

    static TResult Term<TLanes, TVector, TVisitor, TResult>(VectorShape shape, int cut, ref TVisitor visitor)
        where TLanes : struct, IFloatLanes<TVector>
        where TVector : struct
        where TVisitor : struct, ISplitVisitor<TResult> => shape.Metric switch
        {
            Metric.L2 => visitor.Visit(new SplitDistance<TLanes, TVector, SquaredDifference>(cut, shape.Dimension)),
            Metric.Cosine => visitor.Visit(new SplitDistance<TLanes, TVector, HalfSquaredDifference>(cut, shape.Dimension)),
            _ => visitor.Visit(new SplitDistance<TLanes, TVector, NegativeProduct>(cut, shape.Dimension)),
        };
}
