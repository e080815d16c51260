using Aevum.Core.Bytes;

namespace Aevum.Server.Resp.Commands.SortedSets;

/// <summary>Scores from one to another, each end with or without itself: "1.5", "(1.5", "-inf".</summary>
readonly record struct ScoreRange(double Min, bool WithoutMin, double Max, bool WithoutMax)
{
    /// <summary>The first score's order, and the first one's behind the last.</summary>
    public ulong StartOrder => OrderedKey.FromDouble(Min) + (WithoutMin ? 1UL : 0);

    public ulong EndOrder => OrderedKey.FromDouble(Max) + (WithoutMax ? 0UL : 1);

    public bool IsEmpty => StartOrder >= EndOrder;

    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRead(DataCall call, ReadOnlySpan<byte> min, ReadOnlySpan<byte> max, out ScoreRange range)
    {
        range = default;
        if (TryReadEnd(min, out var low, out var withoutLow) && TryReadEnd(max, out var high, out var withoutHigh))
        {
            range = new ScoreRange(low, withoutLow, high, withoutHigh);
            return true;
        }
        call.Reply.Error("ERR min or max is not a float"u8);
        return false;
    }

    static bool TryReadEnd(ReadOnlySpan<byte> text, out double score, out bool without)
    {
        without = text.Length > 0 && text[0] == (byte)'(';
        return Numbers.TryEnd(without ? text[1..] : text, out score);
    }
}
