// StreamRead: what XREAD and XREADGROUP are asked: options, then streams, then as many ids.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

readonly record struct StreamRead
{
    /// <summary>What a request that has waited gets at most, unless it says so itself.</summary>
    const long WaitedCount = 1000;

    const long MillisecondsMax = 36500L * 24 * 3600 * 1000;

    /// <summary>Milliseconds to wait; null: not at all; 0: for ever.</summary>
    public long? Block { get; private init; }

    /// <summary>Entries of each stream; 0: all.</summary>
    public long Count { get; private init; }

    /// <summary>Where the group's name stands, and behind it the consumer's; 0: there is none.</summary>
    public int GroupAt { get; private init; }

    /// <summary>What is delivered counts as acknowledged.</summary>
    public bool IsAcknowledged { get; private init; }

    /// <summary>Where the first key stands.</summary>
    public int KeysAt { get; private init; }

    public int Streams { get; private init; }

    /// <summary>Where the id for a key stands.</summary>
    public int IdAt(int stream) => KeysAt + Streams + stream;

    public long CountAfterWaiting => Count == 0 ? WaitedCount : Count;

    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryRead(DataCall call, CommandArguments args, bool ofGroup, out StreamRead read)
    {
        read = default;
        for (var at = 1; at < args.Count && read.KeysAt == 0; at++)
        {
            var more = args.Count - at - 1;
            if (more >= 1 && args.Is(at, "block"u8))
            {
                if (!TryReadTimeout(call, args[++at], out var timeout)) return false;
                read = read with { Block = timeout };
            }
            else if (more >= 1 && args.Is(at, "count"u8))
            {
                if (!call.TryInteger(args[++at], out var count)) return false;
                read = read with { Count = Math.Max(count, 0) };
            }
            else if (more >= 1 && args.Is(at, "streams"u8))
            {
                if (more % 2 != 0)
                {
                    call.Reply.Error("ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."u8);
                    return false;
                }
                read = read with { KeysAt = at + 1, Streams = more / 2 };
            }
            else if (more >= 2 && args.Is(at, "group"u8))
            {
                if (!ofGroup)
                {
                    call.Reply.Error("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."u8);
                    return false;
                }
                read = read with { GroupAt = at + 1 };
                at += 2;
            }
            else if (args.Is(at, "noack"u8))
            {
                if (!ofGroup)
                {
                    call.Reply.Error("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."u8);
                    return false;
                }
                read = read with { IsAcknowledged = true };
            }
            else
            {
                break;
            }
        }
        if (read.KeysAt == 0)
        {
            call.SyntaxError();
            return false;
        }
        if (!ofGroup || read.GroupAt != 0) return true;
        call.Reply.Error("ERR Missing GROUP option for XREADGROUP"u8);
        return false;
    }

    static bool TryReadTimeout(DataCall call, ReadOnlySpan<byte> argument, out long timeout)
    {
        if (!Numbers.TryInteger(argument, out timeout)) call.Reply.Error("ERR timeout is not an integer or out of range"u8);
        else if (timeout < 0) call.Reply.Error("ERR timeout is negative"u8);
        else return true;
        return false;
    }

    /// <summary>Finds where options begin to be keys, without minding what is wrong with them.</summary>
    /// <returns>False: there are no keys that could be told.</returns>
    public static bool FindKeys(CommandArguments args, List<int> found)
    {
        for (var at = 1; at < args.Count; at++)
        {
            if (args.Is(at, "block"u8) || args.Is(at, "count"u8)) at++;
            else if (args.Is(at, "group"u8)) at += 2;
            else if (args.Is(at, "streams"u8))
            {
                var more = args.Count - at - 1;
                if (more == 0 || more % 2 != 0) return false;
                for (var i = 0; i < more / 2; i++) found.Add(at + 1 + i);
                return true;
            }
            else if (!args.Is(at, "noack"u8)) return false;
        }
        return false;
    }

    /// <summary>How long a request says it waits, without minding what is wrong with it.</summary>
    /// <returns>Null: it does not wait.</returns>
    public static long? BlockOf(CommandArguments args)
    {
        for (var at = 1; at + 1 < args.Count; at++)
        {
            if (args.Is(at, "block"u8)) return Numbers.TryInteger(args[at + 1], out var timeout) ? timeout : 0;
            if (args.Is(at, "count"u8)) at++;
            else if (args.Is(at, "group"u8)) at += 2;
            else if (args.Is(at, "streams"u8)) return null;
        }
        return null;
    }

    /// <summary>The same as a time; null: for ever, which is also what a hundred years are.</summary>
    public static TimeSpan? TimeoutOf(CommandArguments args) =>
        BlockOf(args) is > 0 and < MillisecondsMax and var timeout ? TimeSpan.FromMilliseconds(timeout) : null;
}
