// XCLAIM: takes over what other consumers have not acknowledged. An entry that is gone from the stream is pending no more; with FORCE one that is
// pending for nobody is claimed too.

using System.Text;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XClaim : DataCommand
{
    public override CommandInfo Info { get; } = new("xclaim", CommandGroup.Stream)
    {
        Arity = -6,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Makes a consumer the owner of pending entries, as if they had been delivered to it.",
        Complexity = "O(n), n the ids",
    };

    record struct Options(long? Delivered, long Retries, bool IsForced, bool OnlyIds, StreamId Last);

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Streams.Open(args[1]) is not { } stream) return;
        if (!stream.IsThere || StreamGroup.Find(call, stream, args[2]) is not { } group)
        {
            NoGroup.KeyOrGroup(call, args[1], args[2]);
            return;
        }
        if (!TryInteger(call, args[4], "min-idle-time"u8, isOption: false, out var idleMin)) return;
        var ids = new List<StreamId>();
        var at = 5;
        for (; at < args.Count && StreamIds.TryParse(args[at], 0, out var id); at++) ids.Add(id);
        if (!TryReadOptions(call, args, at, out var options)) return;
        if (options.Last > group.State.Last) group.SetLast(options.Last, group.State.Read);
        Claim(call, args, stream, group, ids, Math.Max(idleMin, 0), options);
        group.Save();
    }

    static bool TryReadOptions(DataCall call, CommandArguments args, int at, out Options options)
    {
        options = new Options { Retries = -1 };
        for (; at < args.Count; at++)
        {
            var hasValue = at + 1 < args.Count;
            if (args.Is(at, "force"u8)) options.IsForced = true;
            else if (args.Is(at, "justid"u8)) options.OnlyIds = true;
            else if (hasValue && args.Is(at, "idle"u8))
            {
                if (!TryInteger(call, args[++at], "IDLE"u8, isOption: true, out var idle)) return false;
                options.Delivered = unchecked(call.NowMilliseconds - idle);
            }
            else if (hasValue && args.Is(at, "time"u8))
            {
                if (!TryInteger(call, args[++at], "TIME"u8, isOption: true, out var time)) return false;
                options.Delivered = time;
            }
            else if (hasValue && args.Is(at, "retrycount"u8))
            {
                if (!TryInteger(call, args[++at], "RETRYCOUNT"u8, isOption: true, out var retries)) return false;
                options.Retries = retries;
            }
            else if (hasValue && args.Is(at, "lastid"u8))
            {
                if (!StreamIds.TryRead(call, args[++at], 0, out var last)) return false;
                options.Last = last;
            }
            else
            {
                call.Reply.Error($"ERR Unrecognized XCLAIM option '{Encoding.UTF8.GetString(args[at])}'");
                return false;
            }
        }
        return true;
    }

    static bool TryInteger(DataCall call, ReadOnlySpan<byte> argument, ReadOnlySpan<byte> name, bool isOption, out long number)
    {
        if (Numbers.TryInteger(argument, out number)) return true;
        call.Reply.Error([.. "ERR Invalid "u8, .. name, .. isOption ? " option"u8 : default, .. " argument for XCLAIM"u8]);
        return false;
    }

    static void Claim(DataCall call, CommandArguments args, StreamRows stream, StreamGroup group, List<StreamId> ids, long idleMin, in Options options)
    {
        var now = call.NowMilliseconds;
        // A time that cannot be is now: clients reckon with clocks of their own.
        var delivered = options.Delivered is { } time && time >= 0 && time <= now ? time : now;
        var at = call.Reply.BeginArray();
        var claimed = 0;
        foreach (var id in ids)
        {
            PendingEntry? before = group.TryGetPending(id, out var pending) ? pending : null;
            if (!stream.Contains(id))
            {
                if (before is not null) group.Remove(pending);
                continue;
            }
            if (before is null && !options.IsForced) continue;
            if (before is not null && idleMin > 0 && now - pending.Delivered < idleMin) continue;
            var deliveries = options.Retries >= 0 ? options.Retries : (before is null ? 1 : pending.Deliveries) + (options.OnlyIds ? 0 : 1);
            group.Assign(id, group.SeeConsumer(args[3], args[1]), delivered, deliveries, before);
            Tell(call, stream, id, options.OnlyIds);
            claimed++;
        }
        call.Reply.EndArray(at, claimed);
    }

    /// <summary>Replies with an entry that was claimed.</summary>
    public static void Tell(DataCall call, StreamRows stream, StreamId id, bool onlyId)
    {
        if (onlyId) EntryFields.Reply(call.Reply, id);
        else if (stream.TryRead(id, out var fields)) EntryFields.Reply(call.Reply, id, fields);
    }
}
