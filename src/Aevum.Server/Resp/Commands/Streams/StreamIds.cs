// StreamIds: ids as clients write them: 1526919030474-55, 1526919030474 alone, the ends - and +, an excluded end with ( before it, and in XADD
// 1526919030474-*.

using System.Buffers.Text;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

static class StreamIds
{
    const int TextBytesMax = 127;

    /// <summary>An id that must be one; else the reply says so.</summary>
    /// <param name="missing">The sequence of an id without one.</param>
    public static bool TryRead(DataCall call, ReadOnlySpan<byte> text, ulong missing, out StreamId id) =>
        TryParse(text, missing, out id) || Refuse(call);

    /// <summary>The same, where - and + are the ends.</summary>
    public static bool TryReadOrEnd(DataCall call, ReadOnlySpan<byte> text, ulong missing, out StreamId id) =>
        TryEnd(text, out id) || TryRead(call, text, missing, out id);

    /// <summary>The beginning of an interval.</summary>
    public static bool TryReadFirst(DataCall call, ReadOnlySpan<byte> text, out StreamId id)
    {
        if (text is not [(byte)'(', _, ..]) return TryReadOrEnd(call, text, 0, out id);
        if (!TryRead(call, text[1..], 0, out id)) return false;
        if (id.TryNext(out id)) return true;
        call.Reply.Error("ERR invalid start ID for the interval"u8);
        return false;
    }

    /// <summary>The end of an interval, which belongs to it.</summary>
    public static bool TryReadLast(DataCall call, ReadOnlySpan<byte> text, out StreamId id)
    {
        if (text is not [(byte)'(', _, ..]) return TryReadOrEnd(call, text, ulong.MaxValue, out id);
        if (!TryRead(call, text[1..], ulong.MaxValue, out id)) return false;
        if (id.TryPrevious(out id)) return true;
        call.Reply.Error("ERR invalid end ID for the interval"u8);
        return false;
    }

    /// <summary>Ids from an argument on, to the last; the reply says what is wrong.</summary>
    public static bool TryReadAll(DataCall call, CommandArguments args, int from, out StreamId[] ids)
    {
        ids = new StreamId[args.Count - from];
        for (var i = from; i < args.Count; i++)
            if (!TryRead(call, args[i], 0, out ids[i - from])) return false;
        return true;
    }

    /// <summary>The id of a new entry: whole, or with a sequence that is still to be found.</summary>
    /// <param name="hasSequence">False: it is written as *.</param>
    public static bool TryReadNew(DataCall call, ReadOnlySpan<byte> text, out StreamId id, out bool hasSequence)
    {
        hasSequence = !text.EndsWith("-*"u8);
        if (hasSequence) return TryRead(call, text, 0, out id);
        id = default;
        if (text.Length > TextBytesMax || text[..^2].Contains((byte)'-') || !TryNumber(text[..^2], out var milliseconds)) return Refuse(call);
        id = new StreamId(milliseconds, 0);
        return true;
    }

    public static bool TryParse(ReadOnlySpan<byte> text, ulong missing, out StreamId id)
    {
        id = default;
        if (text.Length > TextBytesMax) return false;
        if (text.IndexOf((byte)0) is >= 0 and var end) text = text[..end];   // whoever speaks C sees no more of it
        var dash = text.IndexOf((byte)'-');
        var sequence = missing;
        if (!TryNumber(dash < 0 ? text : text[..dash], out var milliseconds) || (dash >= 0 && !TryNumber(text[(dash + 1)..], out sequence))) return false;
        id = new StreamId(milliseconds, sequence);
        return true;
    }

    static bool TryEnd(ReadOnlySpan<byte> text, out StreamId id)
    {
        id = text is [(byte)'+'] ? StreamId.Max : StreamId.Zero;
        return text is [(byte)'-' or (byte)'+'];
    }

    // As C reads numbers: blanks, a sign and zeros may be in front; a negative one with zeros wraps around, for that is what clients are used to.
    static bool TryNumber(ReadOnlySpan<byte> text, out ulong number)
    {
        if (Numbers.TryInteger(text, out var whole))
        {
            number = (ulong)whole;
            return whole >= 0;
        }
        text = text.TrimStart(" \t\n\v\f\r"u8);
        var isNegative = text is [(byte)'-', ..];
        if (isNegative || text is [(byte)'+', ..]) text = text[1..];
        number = 0;
        if (text.IsEmpty || text[0] is < (byte)'0' or > (byte)'9' || !Utf8Parser.TryParse(text, out number, out var read) || read != text.Length) return false;
        if (isNegative) number = unchecked(0 - number);
        return true;
    }

    static bool Refuse(DataCall call)
    {
        call.Reply.Error("ERR Invalid stream ID specified as stream command argument"u8);
        return false;
    }
}
