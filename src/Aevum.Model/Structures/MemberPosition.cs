// MemberPosition: where an element lies among the rows of a large hash or set, or a sorted set's members: by the hash of its name, so that any
// place of the order is a fair draw, and a place is a number that fits a cursor.
//
//   own key of the row      position, 6 bytes big endian | name, raw
//
// 48 bits: clients keep cursors as doubles. 0 is no position: a cursor of 0 begins, and ends. Positions that two names share cost nothing but that
// a scan hands both out together.

using Aevum.Core.Bytes;

namespace Aevum.Model.Structures;

public static class MemberPosition
{
    /// <summary>Bytes of a position.</summary>
    public const int Bytes = 6;

    /// <summary>All positions lie below this.</summary>
    public const ulong End = 1UL << 48;

    /// <summary>XXH3-64's upper 48 bits; 1 for 0.</summary>
    public static ulong Of(ReadOnlySpan<byte> name)
    {
        var position = XxHash3.Compute(name) >> 16;
        return position == 0 ? 1 : position;
    }

    public static void Write(Span<byte> target, ulong position)
    {
        for (var i = Bytes - 1; i >= 0; i--)
        {
            target[i] = (byte)position;
            position >>= 8;
        }
    }

    public static ulong Read(ReadOnlySpan<byte> own)
    {
        var position = 0UL;
        for (var i = 0; i < Bytes; i++) position = (position << 8) | own[i];
        return position;
    }
}
