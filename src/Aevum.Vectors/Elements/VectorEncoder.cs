// VectorEncoder: from what a caller gives to what is stored and compared. Here, once, a vector is checked; behind it every kernel may rely on it.
//
//   wrong dimension                      refused
//   NaN, infinity                        refused
//   length above LengthMax               refused, so that no distance overflows: an infinite one would tie with every other infinite one
//   no length, under Cosine              refused: nothing has a direction there
//   Float32                              from floats as it is; under Cosine divided by its length
//   Float16                              from floats rounded to the nearest; beyond 65,504 refused
//   Int8                                 from whole numbers from -128 to 127; anything else refused (to compress floats, quantize)
//   Bit                                  from 0 and 1; packed bytes must have zeros after the last component
//
// All of it is one pass over one vector. Not here: codes that stand for a vector (Quantization).

using System.Runtime.InteropServices;
using Aevum.Core.Errors;

namespace Aevum.Vectors;

public static class VectorEncoder
{
    /// <summary>The greatest Euclidean length of a vector: half the root of the greatest float, so that (a + b)^2 is finite for any two.</summary>
    public const double LengthMax = 9.2e18;

    /// <summary>Checks <paramref name="vector"/> and writes its stored form.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <param name="stored">At least <see cref="VectorShape.Bytes"/>; written only where the vector is good.</param>
    /// <exception cref="AevumException">InvalidArgument: see the list at the head of this file.</exception>
    public static void Encode(VectorShape shape, ReadOnlySpan<float> vector, Span<byte> stored)
    {
        if (vector.Length != shape.Dimension) Throw.Invalid($"the vector has {vector.Length} components where {shape.Dimension} are asked for");
        RequireRoom(shape, stored);
        switch (shape.Element)
        {
            case ElementType.Float32:
                WriteFloats(shape, vector, MemoryMarshal.Cast<byte, float>(stored)[..shape.Dimension]);
                break;
            case ElementType.Float16:
                WriteHalves(shape, vector, stored);
                break;
            case ElementType.Int8:
                WriteInt8(shape, vector, stored);
                break;
            default:
                WriteBits(vector, stored[..shape.Bytes]);
                break;
        }
    }

    /// <summary>Checks components that come in their own element type and writes the stored form.</summary>
    /// <param name="elements"><see cref="VectorShape.ElementBytes"/> bytes, little-endian.</param>
    /// <param name="stored">At least <see cref="VectorShape.Bytes"/>; may be the same memory as <paramref name="elements"/>.</param>
    /// <exception cref="AevumException">InvalidArgument: as for floats.</exception>
    public static void EncodeElements(VectorShape shape, ReadOnlySpan<byte> elements, Span<byte> stored)
    {
        if (elements.Length != shape.ElementBytes)
            Throw.Invalid($"the vector has {elements.Length} bytes where {shape.ElementBytes} are asked for ({shape})");
        RequireRoom(shape, stored);
        switch (shape.Element)
        {
            case ElementType.Float32:
                WriteFloats(shape, MemoryMarshal.Cast<byte, float>(elements), MemoryMarshal.Cast<byte, float>(stored)[..shape.Dimension]);
                return;
            case ElementType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(elements);
                var squares = 0.0;
                for (var i = 0; i < halves.Length; i++)
                {
                    if (!Half.IsFinite(halves[i])) NotFinite(i, (float)halves[i]);
                    squares += (double)halves[i] * (double)halves[i];
                }
                elements.CopyTo(stored);
                WriteInverseLength(shape, squares, stored);
                return;
            case ElementType.Int8:
                var sum = 0L;
                foreach (var component in MemoryMarshal.Cast<byte, sbyte>(elements)) sum += component * component;
                elements.CopyTo(stored);
                WriteInverseLength(shape, sum, stored);
                return;
            default:
                if (shape.Dimension % 8 is var used and > 0 && elements[^1] >> used != 0)
                    Throw.Invalid($"bits after the last of {shape.Dimension} components are not zero");
                elements.CopyTo(stored);
                return;
        }
    }

    /// <summary>The components of a stored vector as floats. Under Cosine a Float32 vector comes back with length 1.</summary>
    public static void Decode(VectorShape shape, ReadOnlySpan<byte> stored, Span<float> vector)
    {
        if (stored.Length < shape.Bytes) Throw.Invalid($"a stored vector of {shape} has {shape.Bytes} bytes, not {stored.Length}");
        if (vector.Length != shape.Dimension) Throw.Invalid($"there is room for {vector.Length} components where {shape.Dimension} are asked for");
        for (var i = 0; i < vector.Length; i++)
            vector[i] = shape.Element switch
            {
                ElementType.Float32 => MemoryMarshal.Cast<byte, float>(stored)[i],
                ElementType.Float16 => (float)MemoryMarshal.Cast<byte, Half>(stored)[i],
                ElementType.Int8 => (sbyte)stored[i],
                _ => (stored[i >> 3] >> (i & 7)) & 1,
            };
    }

    static void WriteFloats(VectorShape shape, ReadOnlySpan<float> vector, Span<float> stored)
    {
        var squares = Squares(vector);
        if (shape.Metric != Metric.Cosine)
        {
            vector.CopyTo(stored);
            return;
        }
        var inverse = InverseLength(squares);
        for (var i = 0; i < vector.Length; i++) stored[i] = (float)(vector[i] * inverse);
    }

    static void WriteHalves(VectorShape shape, ReadOnlySpan<float> vector, Span<byte> stored)
    {
        // Two passes: nothing is written of a vector that is refused.
        var squares = 0.0;
        for (var i = 0; i < vector.Length; i++)
        {
            if (!float.IsFinite(vector[i])) NotFinite(i, vector[i]);
            var half = (Half)vector[i];
            if (!Half.IsFinite(half)) Throw.Invalid($"component {i} is {vector[i]}, beyond what a float16 holds (65504)");
            squares += (double)half * (double)half;
        }
        if (shape.CarriesInverseLength) InverseLength(squares);
        var halves = MemoryMarshal.Cast<byte, Half>(stored);
        for (var i = 0; i < vector.Length; i++) halves[i] = (Half)vector[i];
        WriteInverseLength(shape, squares, stored);
    }

    static void WriteInt8(VectorShape shape, ReadOnlySpan<float> vector, Span<byte> stored)
    {
        var squares = 0.0;
        for (var i = 0; i < vector.Length; i++)
        {
            if (!float.IsFinite(vector[i])) NotFinite(i, vector[i]);
            if (vector[i] is < sbyte.MinValue or > sbyte.MaxValue || vector[i] != MathF.Truncate(vector[i]))
                Throw.Invalid($"component {i} is {vector[i]}, no whole number from -128 to 127; floats are compressed to int8 by quantization");
            squares += vector[i] * vector[i];
        }
        if (shape.CarriesInverseLength) InverseLength(squares);
        for (var i = 0; i < vector.Length; i++) stored[i] = (byte)(sbyte)vector[i];
        WriteInverseLength(shape, squares, stored);
    }

    static void WriteBits(ReadOnlySpan<float> vector, Span<byte> stored)
    {
        for (var i = 0; i < vector.Length; i++)
            if (vector[i] is not (0 or 1)) Throw.Invalid($"component {i} is {vector[i]} where a bit, 0 or 1, is asked for");
        stored.Clear();
        for (var i = 0; i < vector.Length; i++) stored[i >> 3] |= (byte)((int)vector[i] << (i & 7));
    }

    // The sum of squares of a vector that is good.
    static double Squares(ReadOnlySpan<float> vector)
    {
        var squares = 0.0;
        foreach (var component in vector) squares += (double)component * component;
        // A NaN or an infinity anywhere makes the sum one, so good vectors are not looked at twice.
        if (!double.IsFinite(squares))
            for (var i = 0; i < vector.Length; i++)
                if (!float.IsFinite(vector[i])) NotFinite(i, vector[i]);
        if (squares > LengthMax * LengthMax) Throw.Invalid($"the vector's length is {Math.Sqrt(squares):g3}, above the limit of {LengthMax:g3}");
        return squares;
    }

    static void WriteInverseLength(VectorShape shape, double squares, Span<byte> stored)
    {
        if (!shape.CarriesInverseLength) return;
        MemoryMarshal.Write(stored[shape.ElementBytes..], (float)InverseLength(squares));
    }

    static double InverseLength(double squares)
    {
        if (squares == 0) Throw.Invalid("the vector is zero everywhere, and so has no direction to be compared by cosine");
        return 1 / Math.Sqrt(squares);
    }

    static void RequireRoom(VectorShape shape, Span<byte> stored)
    {
        if (stored.Length < shape.Bytes) Throw.Invalid($"a stored vector of {shape} has {shape.Bytes} bytes; there is room for {stored.Length}");
    }

    static void NotFinite(int component, float value) => Throw.Invalid($"component {component} of the vector is {value}");
}
