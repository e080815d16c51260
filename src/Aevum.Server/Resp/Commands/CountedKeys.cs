// CountedKeys: keys behind a number that says how many they are, and what stands behind them, as LMPOP, ZUNION and SINTERCARD have them.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

/// <summary>Keys behind a number that says how many they are, as LMPOP and ZUNION have them.</summary>
static class CountedKeys
{
    /// <summary>Finds the keys.</summary>
    /// <param name="at">Where the number stands.</param>
    /// <returns>False: there is no such number, or fewer keys than it says.</returns>
    public static bool Find(CommandArguments args, int at, List<int> found)
    {
        if (at >= args.Count || !Numbers.TryInteger(args[at], out var count) || count < 1 || count > args.Count - at - 1) return false;
        for (var i = 0; i < count; i++) found.Add(at + 1 + i);
        return true;
    }

    /// <summary>Reads the number for a command that wants something behind the keys as well.</summary>
    /// <param name="behind">Where what follows the keys begins.</param>
    /// <param name="needsMore">True: something must follow.</param>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRead(DataCall call, CommandArguments args, int at, bool needsMore, out int behind)
    {
        behind = 0;
        if (!Numbers.TryInteger(args[at], out var count) || count < 1)
        {
            call.Reply.Error("ERR numkeys should be greater than 0"u8);
            return false;
        }
        if (count > args.Count - at - (needsMore ? 2 : 1))
        {
            call.SyntaxError();
            return false;
        }
        behind = at + 1 + (int)count;
        return true;
    }

    /// <summary>Reads what LMPOP and ZMPOP have behind their keys: one of two words, and COUNT.</summary>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryReadPop(
        DataCall call, CommandArguments args, int at, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, out int behind, out bool isFirst, out long count)
    {
        (isFirst, count) = (false, -1);
        if (!TryRead(call, args, at, needsMore: true, out behind)) return false;
        isFirst = args.Is(behind, first);
        if (isFirst || args.Is(behind, second))
        {
            for (var i = behind + 1; ; i += 2)
            {
                if (i == args.Count)
                {
                    count = Math.Max(count, 1);
                    return true;
                }
                if (count >= 0 || i + 1 >= args.Count || !args.Is(i, "count"u8)) break;
                if (Numbers.TryInteger(args[i + 1], out count) && count >= 1) continue;
                call.Reply.Error("ERR count should be greater than 0"u8);
                return false;
            }
        }
        call.SyntaxError();
        return false;
    }

    /// <summary>Reads what SINTERCARD has: a number of keys, the keys, and LIMIT.</summary>
    /// <param name="limit">0: there is none.</param>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryReadCard(DataCall call, CommandArguments args, out int behind, out long limit)
    {
        limit = 0;
        behind = 0;
        if (!Numbers.TryInteger(args[1], out var count) || count < 1)
        {
            call.Reply.Error("ERR numkeys should be greater than 0"u8);
            return false;
        }
        if (count > args.Count - 2)
        {
            call.Reply.Error("ERR Number of keys can't be greater than number of args"u8);
            return false;
        }
        behind = 2 + (int)count;
        for (var i = behind; i < args.Count; i += 2)
        {
            if (i + 1 == args.Count || !args.Is(i, "limit"u8))
            {
                call.SyntaxError();
                return false;
            }
            if (Numbers.TryInteger(args[i + 1], out limit) && limit >= 0) continue;
            call.Reply.Error("ERR LIMIT can't be negative"u8);
            return false;
        }
        return true;
    }
}
