using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Bitmaps;

/// <summary>Bits of a string: bit 0 is the highest one of the first byte.</summary>
static class BitOffsets
{
    /// <summary>Bits that Redis counts: those of 512 MiB.</summary>
    const long BitsMax = 8L * (512 << 20);

    /// <summary>An argument that must be a bit's place; else the reply says so.</summary>
    /// <param name="width">0: bits alone count; else "#3" is the fourth of the fields that are so wide.</param>
    public static bool TryRead(DataCall call, ReadOnlySpan<byte> argument, int width, out long offset)
    {
        var isField = width > 0 && !argument.IsEmpty && argument[0] == (byte)'#';
        if (Numbers.TryInteger(isField ? argument[1..] : argument, out offset) && offset >= 0 && offset < BitsMax)
        {
            if (isField) offset *= width;
            if (offset < BitsMax) return true;
        }
        call.Reply.Error("ERR bit offset is not an integer or out of range"u8);
        return false;
    }

    /// <summary>Whether a string may have a bit; else the reply says that it may not.</summary>
    public static bool TryReach(DataCall call, long offset) => StringDraft.TryLength(call, (offset >> 3) + 1);

    /// <summary>The part that commands give as start, end and BYTE or BIT.</summary>
    /// <param name="from">Where the start stands, and behind it what else is given.</param>
    /// <param name="start">The first bit.</param>
    /// <param name="end">The bit behind the last one; not above the start if there is none.</param>
    /// <param name="isCount">BITCOUNT and BITPOS differ in what they look at first, and in whether an end before the start is told from one before the
    /// beginning (<see cref="ByteRange"/>).</param>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryReadRange(
        DataCall call, CommandArguments args, int from, int length, bool isCount, out long start, out long end)
    {
        (start, end) = (0, -1);
        if (args.Count > from + 3)
        {
            call.SyntaxError();
            return false;
        }
        if (args.Count > from && !call.TryInteger(args[from], out start)) return false;
        var isBits = args.Count > from + 2 && args.Is(from + 2, "bit"u8);
        var hasUnit = args.Count <= from + 2 || isBits || args.Is(from + 2, "byte"u8);
        // BITPOS looks at the word before it looks at the end; BITCOUNT after it, and not at all where nothing can lie between the places.
        if ((hasUnit || isCount) && args.Count > from + 1 && !call.TryInteger(args[from + 1], out end)) return false;
        if (!hasUnit && !(isCount && start < 0 && end < 0 && start > end))
        {
            call.SyntaxError();
            return false;
        }
        if (!ByteRange.TryResolve(isBits ? 8L * length : length, ref start, ref end, isCount))
        {
            (start, end) = (0, 0);
            return true;
        }
        end++;
        if (!isBits) (start, end) = (8 * start, 8 * end);
        return true;
    }
}
