// XAdd: XADD, an entry behind all others of a stream, which is made if there is none, and trimmed if the request says so.
//
//   *        the clock's millisecond and sequence 0, or the id behind the last where the clock has not gone on
//   5-*      millisecond 5 and the first sequence that is free there
//   5-1      as it stands; above the last, or an error
//
// Always true: the new id is above State.Last, which neither XDEL nor trimming lowers, so that the id of an entry that went is not given again. All
// arguments are judged before the stream is touched.
//
// Not here: how entries lie in nodes (StreamRows), what of a stream is cut off (StreamTrim), who waits for it (XRead, by the signal).

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XAdd : DataCommand
{
    // What an entry may take in all. A row takes less than an argument may have, and says so itself.
    const long EntryBytesMax = 1 << 30;

    public override CommandInfo Info { get; } = new("xadd", CommandGroup.Stream)
    {
        Arity = -5,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Adds an entry to a stream, which is made if there is none, and may trim the stream.",
        Complexity = "O(1) without trimming; where it trims, O(n) with n the nodes that go",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!TryReadOptions(call, args, out var at, out var trim, out var mustExist, out var asked, out var hasSequence)) return;
        if (args.Count - at < 3 || (args.Count - at) % 2 == 0)
        {
            call.WrongCount(args[0]);
            return;
        }
        if (asked == StreamId.Zero && hasSequence)
        {
            call.Reply.Error("ERR The ID specified in XADD must be greater than 0-0"u8);
            return;
        }
        var key = args[1];
        if (call.Streams.Open(key) is not { } stream) return;
        if (!stream.IsThere && mustExist)
        {
            call.Reply.Null();
            return;
        }
        var last = stream.IsThere ? stream.State.Last : StreamId.Zero;
        if (last == StreamId.Max)
        {
            call.Reply.Error("ERR The stream has exhausted the last possible ID, unable to add more items"u8);
            return;
        }
        var id = asked is { } given ? hasSequence ? given : WithSequence(given, last) : Next(last, (ulong)call.NowMilliseconds);
        if (id <= last)
        {
            call.Reply.Error("ERR The ID specified in XADD is equal or smaller than the target stream top item"u8);
            return;
        }
        if (BytesOf(args, at + 1) > EntryBytesMax)
        {
            call.Reply.Error("ERR Elements are too large to be stored"u8);
            return;
        }
        if (!stream.IsThere) stream.Create();
        stream.Append(id, args, at + 1);
        EntryFields.Reply(call.Reply, id);
        call.Signal(key, "xadd", NotificationClass.Stream, isReady: true);
        if (stream.Trim(trim) > 0) call.Signal(key, "xtrim", NotificationClass.Stream);
        stream.Save();
    }

    // Options up to the id, which stands at a place and is null where the stream makes it.
    static bool TryReadOptions(
        DataCall call, CommandArguments args, out int at, out StreamTrim trim, out bool mustExist, out StreamId? asked, out bool hasSequence)
    {
        (trim, mustExist, asked, hasSequence) = (default, false, null, false);
        for (at = 2; at < args.Count; at++)
        {
            if (args[at] is [(byte)'*']) break;
            if (!StreamTrim.TryRead(call, args, ref at, ref trim, out var isOption)) return false;
            if (isOption) continue;
            if (args.Is(at, "nomkstream"u8))
            {
                mustExist = true;
                continue;
            }
            if (!StreamIds.TryReadNew(call, args[at], out var id, out hasSequence)) return false;
            asked = id;
            break;
        }
        return trim.IsSound(call, isNeeded: false);
    }

    // The clock's, or the one behind the last where the clock has not gone on.
    static StreamId Next(StreamId last, ulong now)
    {
        if (now > last.Milliseconds) return new StreamId(now, 0);
        last.TryNext(out var next);
        return next;
    }

    // The last one itself if there is no sequence left.
    static StreamId WithSequence(StreamId asked, StreamId last)
    {
        if (asked.Milliseconds != last.Milliseconds) return asked;
        return last.Sequence == ulong.MaxValue ? last : last with { Sequence = last.Sequence + 1 };
    }

    static long BytesOf(CommandArguments args, int from)
    {
        var bytes = 0L;
        for (var i = from; i < args.Count; i++) bytes += args[i].Length;
        return bytes;
    }
}
