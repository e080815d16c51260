// VectorFloats: a stored vector as the floats that codebooks learn from. Under Cosine of length 1, whatever the element type, so that nearness by
// angle is nearness by squared Euclidean distance there (|a - b|^2 = 2 - 2 cos), and codes need to know one metric less.

using System.Runtime.CompilerServices;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Quantization;

static unsafe class VectorFloats
{
    /// <summary>Whether vectors of this shape can be coded: those of numbers. Bits are as small as a code already.</summary>
    public static bool Supports(VectorShape shape) => shape.Element is ElementType.Float32 or ElementType.Float16 or ElementType.Int8;

    /// <exception cref="AevumException">InvalidArgument: vectors of bits.</exception>
    public static void Require(VectorShape shape)
    {
        if (!Supports(shape)) Throw.Invalid($"vectors of {shape} are codes already; only vectors of numbers are quantized");
    }

    /// <param name="stored">A vector as the encoder stored it.</param>
    /// <param name="target">Room for the shape's dimension.</param>
    public static void Read(VectorShape shape, byte* stored, float* target)
    {
        switch (shape.Element)
        {
            case ElementType.Float32:
                Unsafe.CopyBlockUnaligned(target, stored, (uint)shape.Bytes);
                return;
            case ElementType.Float16:
                for (var i = 0; i < shape.Dimension; i++) target[i] = (float)Unsafe.ReadUnaligned<Half>(stored + (2 * (nint)i));
                break;
            default:
                for (var i = 0; i < shape.Dimension; i++) target[i] = (sbyte)stored[i];
                break;
        }
        if (!shape.CarriesInverseLength) return;
        var inverse = Unsafe.ReadUnaligned<float>(stored + shape.ElementBytes);
        for (var i = 0; i < shape.Dimension; i++) target[i] *= inverse;
    }
}
