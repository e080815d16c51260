// OrderedKey: values as bytes whose order (unsigned, shorter first on a tie) is the order of the values. A key is a row of components
// without separators: each is of fixed length or ends itself, so keys compare component by component.
//
//   component            bytes, ascending
//   unsigned, 8-64 bits  big endian
//   signed, 8-64 bits    big endian, the sign bit flipped
//   float, double        IEEE 754 big endian; the sign bit flipped if it was 0, all bits inverted if it was 1
//   bool                 00 false, 01 true
//   bytes                each 00 becomes 00 FF; the end is 00 01. So "a" < "a\0" < "ab", whatever component follows
//   text                 its UTF-8 as bytes are: the order of code points (not that of UTF-16 units, and no language's)
//   Guid                 its 16 bytes as written, the order of Guid.CompareTo
//   version              a SystemTime, big endian, all bits inverted: the newest first
//   null tag             01 null, sorted first; 02 a value follows; 03 null, sorted last
//   raw                  the bytes as they are, up to the end of the key: only as the last component
//
// Descending: all bits of the component inverted (null tags excepted: where nulls go is said by itself, as in NULLS FIRST).
//
// Always true: (1) two values are equal if and only if their bytes are: there is one encoding of a value, and reading refuses others;
// (2) no encoding of a component (raw excepted) is a prefix of another of the same kind. Hence the floating-point policy: -0 is written as
// 0, which it equals; every NaN as one NaN, which equals itself and sorts above infinity (PostgreSQL's order).
//
// Not here: which components make up which key (the key layout of the models). Bytes: docs/formats/keys.md.

namespace Aevum.Core.Bytes;

public enum KeyOrder : byte
{
    Ascending = 0,
    Descending = 1,
}

/// <summary>Bytes and bit patterns that writer and reader share. They are stored.</summary>
public static class OrderedKey
{
    internal const byte Escape = 0x00, EscapedZero = 0xFF, Terminator = 0x01;
    internal const byte NullFirst = 0x01, Present = 0x02, NullLast = 0x03;

    internal const uint CanonicalNaN32 = 0x7FC00000;
    internal const ulong CanonicalNaN64 = 0x7FF8000000000000;

    internal static uint FromSingle(float value)
    {
        if (float.IsNaN(value)) return CanonicalNaN32 ^ 0x80000000;
        var bits = BitConverter.SingleToUInt32Bits(value == 0 ? 0f : value);
        return (bits & 0x80000000) != 0 ? ~bits : bits ^ 0x80000000;
    }

    internal static float ToSingle(uint ordered) =>
        BitConverter.UInt32BitsToSingle((ordered & 0x80000000) != 0 ? ordered ^ 0x80000000 : ~ordered);

    /// <summary>A double as a number whose order is the double's.</summary>
    public static ulong FromDouble(double value)
    {
        if (double.IsNaN(value)) return CanonicalNaN64 ^ 0x8000000000000000;
        var bits = BitConverter.DoubleToUInt64Bits(value == 0 ? 0d : value);
        return (bits & 0x8000000000000000) != 0 ? ~bits : bits ^ 0x8000000000000000;
    }

    /// <summary>The double of such a number.</summary>
    public static double ToDouble(ulong ordered) =>
        BitConverter.UInt64BitsToDouble((ordered & 0x8000000000000000) != 0 ? ordered ^ 0x8000000000000000 : ~ordered);
}
