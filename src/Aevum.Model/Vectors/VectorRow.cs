// VectorRow: a row of a vector collection: a key and its vector.
//
//   key      namespace u32 | keyspace u32 | the user's key, raw        as of plain keys and values (KeyLayout): the key is its own locality
//   value    layout version u8 = 1 | components, little endian         as they were given: nothing is normalised or rounded here
//
// Always true of a row written through here: as many components as the collection says, none of them NaN or infinite. Whoever reads rows checks the
// length nevertheless: rows may be copied in from elsewhere.
// Bytes: docs/formats/vectors.md.

using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;

namespace Aevum.Model.Vectors;

/// <summary>Why bytes are no vector of a collection.</summary>
public enum VectorFault
{
    None = 0,

    /// <summary>No whole number of components, or a component that is not finite, or a bit behind the last component.</summary>
    Encoding = 1,

    /// <summary>Another number of components.</summary>
    Dimension = 2,

    /// <summary>All zeros where a direction is asked for.</summary>
    NoDirection = 3,

    /// <summary>So long that distances would overflow.</summary>
    Length = 4,
}

public static class VectorRow
{
    public const byte LayoutVersion = 1;
    public const int HeaderBytes = 1;

    /// <summary>The greatest Euclidean length of a vector of floats: half the root of the greatest float, so that the distance of any two is finite.</summary>
    public const double LengthMax = 9.2e18;

    /// <summary>Length of a row's value.</summary>
    public static int LengthOf(CollectionOptions options) => HeaderBytes + options.VectorBytes;

    /// <summary>Writes the value of a row.</summary>
    /// <param name="target">At least <see cref="LengthOf"/> bytes.</param>
    /// <param name="elements">Checked (<see cref="Check"/>).</param>
    public static Span<byte> Write(Span<byte> target, ReadOnlySpan<byte> elements)
    {
        target[0] = LayoutVersion;
        elements.CopyTo(target[HeaderBytes..]);
        return target[..(HeaderBytes + elements.Length)];
    }

    /// <summary>The components in a row's value.</summary>
    /// <exception cref="CorruptionException">It is no row of the collection.</exception>
    /// <exception cref="AevumException">UnsupportedFormat: of a later program.</exception>
    public static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> value, CollectionOptions options)
    {
        if (value.IsEmpty || value[0] == 0) throw new CorruptionException("a row of a vector collection has no layout version");
        if (value[0] != LayoutVersion) Throw.UnsupportedFormat("a row of a vector collection", $"{value[0]}", $"{LayoutVersion}");
        if (value.Length != LengthOf(options))
            throw new CorruptionException($"a row of a vector collection has {value.Length} bytes where {LengthOf(options)} are right");
        return value[HeaderBytes..];
    }

    /// <summary>Looks whether bytes are a vector of a collection.</summary>
    /// <param name="given">How many components there are, where their number is what is wrong.</param>
    public static VectorFault Check(ReadOnlySpan<byte> elements, CollectionOptions options, out int given)
    {
        given = 0;
        var squares = 0.0;
        if (elements.IsEmpty) return VectorFault.Encoding;
        switch (options.Element)
        {
            case VectorElement.Float32:
                if (elements.Length % sizeof(float) != 0) return VectorFault.Encoding;
                given = elements.Length / sizeof(float);
                // A NaN or an infinity anywhere makes the sum one.
                foreach (var component in MemoryMarshal.Cast<byte, float>(elements)) squares += (double)component * component;
                if (!double.IsFinite(squares)) return VectorFault.Encoding;
                break;
            case VectorElement.Float16:
                if (elements.Length % 2 != 0) return VectorFault.Encoding;
                given = elements.Length / 2;
                foreach (var component in MemoryMarshal.Cast<byte, Half>(elements))
                    if (!Half.IsFinite(component)) return VectorFault.Encoding;
                break;
            case VectorElement.Int8:
                given = elements.Length;
                break;
            default:
                given = elements.Length == options.VectorBytes ? options.Dimension : 8 * elements.Length;
                if (given == options.Dimension && options.Dimension % 8 is var used and > 0 && elements[^1] >> used != 0) return VectorFault.Encoding;
                break;
        }
        if (given != options.Dimension) return VectorFault.Dimension;
        if (squares > LengthMax * LengthMax) return VectorFault.Length;
        return options.Metric == VectorMetric.Cosine && IsZero(elements, options.Element) ? VectorFault.NoDirection : VectorFault.None;
    }

    // By value: a negative zero is one, too.
    static bool IsZero(ReadOnlySpan<byte> elements, VectorElement element)
    {
        if (!elements.ContainsAnyExcept((byte)0)) return true;
        if (element == VectorElement.Float32) return !MemoryMarshal.Cast<byte, uint>(elements).ContainsAnyExcept(0u, 0x8000_0000u);
        return element == VectorElement.Float16 && !MemoryMarshal.Cast<byte, ushort>(elements).ContainsAnyExcept((ushort)0, (ushort)0x8000);
    }

    /// <exception cref="AevumException">InvalidArgument: <see cref="Check"/> finds a fault.</exception>
    public static void Require(ReadOnlySpan<byte> elements, CollectionOptions options)
    {
        switch (Check(elements, options, out var given))
        {
            case VectorFault.Encoding: Throw.Invalid("invalid vector encoding"); break;
            case VectorFault.Dimension: Throw.Invalid($"wrong vector dimension: index expects {options.Dimension}, got {given}"); break;
            case VectorFault.Length: Throw.Invalid($"the vector is longer than {LengthMax:g3}, so that distances from it would overflow"); break;
            case VectorFault.NoDirection: Throw.Invalid("the vector is zero everywhere, and so has no direction to be compared by cosine"); break;
        }
    }
}
