// PackedEntries: small objects with parts as one value: entries one behind the other, each its length and its bytes.
//
//   entry     length varint (of least length) | bytes
//
// What an entry is, the kind says: of a hash fields and values take turns, of a list and a set each is a value, of a sorted set each is a score
// (8 bytes, as OrderedKey orders doubles, big endian) and its member, in the order of these bytes.
//
// Always true: entries fill the bytes to the end. Whoever reads checks each length; bytes that are none are corruption, never an overrun.
// Not here: what is done with entries (PackedBuffer, and the doors), and how rows of a large one look (StructureKey). Bytes: docs/formats/structures.md.

using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Model.Structures;

public static class PackedEntries
{
    /// <summary>A packed object of more elements than this becomes large. A field with its value is one element.</summary>
    public const int ElementsMax = 128;

    /// <summary>A packed object of more bytes than this becomes large.</summary>
    public const int BytesMax = 2048;

    /// <summary>Bytes that an entry takes.</summary>
    public static int SizeOf(int length) => Varint.Size((ulong)length) + length;

    /// <summary>Writes an entry.</summary>
    /// <param name="target">At least <see cref="SizeOf"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> target, ReadOnlySpan<byte> entry)
    {
        var at = Varint.Write(target, (uint)entry.Length);
        entry.CopyTo(target[at..]);
        return at + entry.Length;
    }

    /// <summary>Reads the entry at a place, and moves on to the next.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="CorruptionException">The bytes are no entries.</exception>
    public static bool TryRead(ReadOnlySpan<byte> packed, scoped ref int at, out ReadOnlySpan<byte> entry)
    {
        entry = default;
        if (at == packed.Length) return false;
        int length = packed[at];
        var size = 1;
        if (length >= 0x80)
        {
            if (!Varint.TryRead(packed[at..], out uint wide, out size) || wide > int.MaxValue || size != Varint.Size(wide)) Malformed();
            length = (int)wide;
        }
        if (length > packed.Length - at - size) Malformed();
        entry = packed.Slice(at + size, length);
        at += size + length;
        return true;
    }

    /// <summary>How many entries there are.</summary>
    /// <exception cref="CorruptionException">The bytes are no entries.</exception>
    public static int Count(ReadOnlySpan<byte> packed)
    {
        var at = 0;
        var count = 0;
        while (TryRead(packed, ref at, out _)) count++;
        return count;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    static void Malformed() => throw new CorruptionException("the packed entries of a structure are malformed");
}
