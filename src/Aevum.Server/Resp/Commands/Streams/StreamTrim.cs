// StreamTrim: what XADD and XTRIM are told of trimming: MAXLEN or MINID, '=' or '~', LIMIT.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>How a stream is to be trimmed.</summary>
readonly record struct StreamTrim
{
    enum Strategy
    {
        None,
        Length,
        Id,
    }

    Strategy By { get; init; }

    public bool IsWanted => By != Strategy.None;

    public bool ByLength => By == Strategy.Length;

    /// <summary>Entries to keep, at most.</summary>
    public long LengthMax { get; private init; }

    /// <summary>The first id to keep.</summary>
    public StreamId FirstKept { get; private init; }

    /// <summary>Whole nodes only.</summary>
    public bool IsApproximate { get; private init; }

    /// <summary>Entries to take away at most; null: it was not said; 0: any number.</summary>
    public long? Limit { get; private init; }

    /// <summary>The limit; of an approximate trim that has none a hundred nodes' entries, so that no trim takes long.</summary>
    public long LimitOr(long nodeEntries)
    {
        if (!IsApproximate) return 0;
        if (Limit is { } limit) return limit;
        return nodeEntries <= 0 ? 10_000 : Math.Min(nodeEntries, 10_000) * 100;
    }

    /// <summary>Reads an option of trimming at a place, if there is one.</summary>
    /// <param name="at">Moved to the option's last argument.</param>
    /// <param name="isOption">False: what stands there is something else.</param>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRead(DataCall call, CommandArguments args, ref int at, ref StreamTrim trim, out bool isOption)
    {
        isOption = false;
        if (at + 1 >= args.Count) return true;
        var isLength = args.Is(at, "maxlen"u8);
        if (isLength || args.Is(at, "minid"u8))
        {
            isOption = true;
            if (trim.IsWanted)
            {
                call.Reply.Error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible"u8);
                return false;
            }
            var isApproximate = false;
            if (at + 2 < args.Count && args[at + 1] is [((byte)'~' or (byte)'=') and var how])
            {
                isApproximate = how == (byte)'~';
                at++;
            }
            at++;
            return isLength ? TryReadLength(call, args[at], isApproximate, ref trim) : TryReadId(call, args[at], isApproximate, ref trim);
        }
        if (!args.Is(at, "limit"u8)) return true;
        isOption = true;
        if (!call.TryInteger(args[++at], out var limit)) return false;
        if (limit < 0)
        {
            call.Reply.Error("ERR The LIMIT argument must be >= 0."u8);
            return false;
        }
        trim = trim with { Limit = limit };
        return true;
    }

    static bool TryReadLength(DataCall call, ReadOnlySpan<byte> argument, bool isApproximate, ref StreamTrim trim)
    {
        if (!call.TryInteger(argument, out var length)) return false;
        if (length < 0)
        {
            call.Reply.Error("ERR The MAXLEN argument must be >= 0."u8);
            return false;
        }
        trim = trim with { By = Strategy.Length, LengthMax = length, IsApproximate = isApproximate };
        return true;
    }

    static bool TryReadId(DataCall call, ReadOnlySpan<byte> argument, bool isApproximate, ref StreamTrim trim)
    {
        if (!StreamIds.TryRead(call, argument, 0, out var id)) return false;
        trim = trim with { By = Strategy.Id, FirstKept = id, IsApproximate = isApproximate };
        return true;
    }

    /// <summary>Whether the options go together.</summary>
    /// <param name="isNeeded">Nothing but trimming is done.</param>
    /// <returns>False: the reply says what is wrong.</returns>
    public bool IsSound(DataCall call, bool isNeeded)
    {
        if (Limit is > 0 && !IsWanted) call.Reply.Error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"u8);
        else if (isNeeded && !IsWanted) call.Reply.Error("ERR syntax error, XTRIM must be called with a trimming strategy"u8);
        else if (Limit is not null && !IsApproximate) call.Reply.Error("ERR syntax error, LIMIT cannot be used without the special ~ option"u8);
        else return true;
        return false;
    }
}
