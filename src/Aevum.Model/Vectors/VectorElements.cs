// VectorElements: vectors as people have them, floats, to and from the components that a collection keeps.

using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;

namespace Aevum.Model.Vectors;

public static class VectorElements
{
    /// <summary>The components of a vector in a collection's element type, little endian.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <exception cref="AevumException">InvalidArgument: another dimension; a component that is not finite, beyond what a float16 holds, no whole number
    /// from -128 to 127 (int8), not 0 or 1 (bit); zero everywhere under cosine.</exception>
    public static byte[] FromFloats(CollectionOptions options, ReadOnlySpan<float> vector)
    {
        if (vector.Length != options.Dimension) Throw.Invalid($"wrong vector dimension: index expects {options.Dimension}, got {vector.Length}");
        var elements = new byte[options.VectorBytes];
        for (var i = 0; i < vector.Length; i++)
        {
            var component = vector[i];
            if (!float.IsFinite(component)) Throw.Invalid($"component {i} of the vector is {component}");
            switch (options.Element)
            {
                case VectorElement.Float32: MemoryMarshal.Cast<byte, float>(elements.AsSpan())[i] = component; break;
                case VectorElement.Float16:
                    if (!Half.IsFinite((Half)component)) Throw.Invalid($"component {i} is {component}, beyond what a float16 holds (65504)");
                    MemoryMarshal.Cast<byte, Half>(elements.AsSpan())[i] = (Half)component;
                    break;
                case VectorElement.Int8:
                    if (component is < sbyte.MinValue or > sbyte.MaxValue || component != MathF.Truncate(component))
                        Throw.Invalid($"component {i} is {component}, no whole number from -128 to 127");
                    elements[i] = (byte)(sbyte)component;
                    break;
                default:
                    if (component is not (0 or 1)) Throw.Invalid($"component {i} is {component} where a bit, 0 or 1, is asked for");
                    elements[i >> 3] |= (byte)((int)component << (i & 7));
                    break;
            }
        }
        VectorRow.Require(elements, options);
        return elements;
    }

    /// <summary>The way back.</summary>
    public static float[] ToFloats(CollectionOptions options, ReadOnlySpan<byte> elements)
    {
        var vector = new float[options.Dimension];
        for (var i = 0; i < vector.Length; i++)
            vector[i] = options.Element switch
            {
                VectorElement.Float32 => MemoryMarshal.Cast<byte, float>(elements)[i],
                VectorElement.Float16 => (float)MemoryMarshal.Cast<byte, Half>(elements)[i],
                VectorElement.Int8 => (sbyte)elements[i],
                _ => (elements[i >> 3] >> (i & 7)) & 1,
            };
        return vector;
    }
}
