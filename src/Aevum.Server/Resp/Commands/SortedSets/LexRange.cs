namespace Aevum.Server.Resp.Commands.SortedSets;

/// <summary>Members from one to another: "[a" with it, "(a" without it, "-" and "+" before and behind all.</summary>
sealed class LexRange
{
    LexRange(byte[]? min, bool withoutMin, byte[]? max, bool withoutMax, bool isEmpty)
    {
        Min = min;
        Max = max;
        _withoutMin = withoutMin;
        _withoutMax = withoutMax;
        IsEmpty = isEmpty;
    }

    readonly bool _withoutMin, _withoutMax;

    /// <summary>Null: there is no lower end.</summary>
    public byte[]? Min { get; }

    /// <summary>Null: there is no upper end.</summary>
    public byte[]? Max { get; }

    public bool IsEmpty { get; }

    public bool IsAboveMin(ReadOnlySpan<byte> member) => Min is null || member.SequenceCompareTo(Min) is var order && (_withoutMin ? order > 0 : order >= 0);

    public bool IsBelowMax(ReadOnlySpan<byte> member) => Max is null || member.SequenceCompareTo(Max) is var order && (_withoutMax ? order < 0 : order <= 0);

    /// <returns>Null: the reply says what is wrong.</returns>
    public static LexRange? Read(DataCall call, ReadOnlySpan<byte> min, ReadOnlySpan<byte> max)
    {
        if (IsEnd(min) && IsEnd(max))
        {
            var (low, high) = (MemberOf(min), MemberOf(max));
            var (withoutLow, withoutHigh) = (min[0] == (byte)'(', max[0] == (byte)'(');
            var order = low is null || high is null ? -1 : low.AsSpan().SequenceCompareTo(high);
            var isEmpty = min[0] == (byte)'+' || max[0] == (byte)'-' || order > 0 || (order == 0 && (withoutLow || withoutHigh));
            return new LexRange(low, withoutLow, high, withoutHigh, isEmpty);
        }
        call.Reply.Error("ERR min or max not valid string range item"u8);
        return null;
    }

    static bool IsEnd(ReadOnlySpan<byte> text) => text.Length > 0 && 
        (text[0] is (byte)'(' or (byte)'[' || (text.Length == 1 && text[0] is ((byte)'-' or (byte)'+')));

    static byte[]? MemberOf(ReadOnlySpan<byte> text) => text[0] is (byte)'(' or (byte)'[' ? text[1..].ToArray() : null;
}
