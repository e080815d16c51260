using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XSetId : DataCommand
{
    public override CommandInfo Info { get; } = new("xsetid", CommandGroup.Stream)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Sets the last id of a stream, and what it tells of entries added and deleted.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!StreamIds.TryRead(call, args[2], 0, out var id)) return;
        long? added = null;
        var deleted = StreamId.Zero;
        for (var i = 3; i < args.Count; i += 2)
        {
            var hasValue = i + 1 < args.Count;
            if (hasValue && args.Is(i, "entriesadded"u8))
            {
                if (!call.TryInteger(args[i + 1], out var number)) return;
                added = number;
                if (number >= 0) continue;
                call.Reply.Error("ERR entries_added must be positive"u8);
                return;
            }
            if (!hasValue || !args.Is(i, "maxdeletedid"u8))
            {
                call.SyntaxError();
                return;
            }
            if (!StreamIds.TryRead(call, args[i + 1], 0, out deleted)) return;
            if (id >= deleted) continue;
            call.Reply.Error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"u8);
            return;
        }
        Set(call, args[1], id, added, deleted);
    }

    static void Set(DataCall call, ReadOnlySpan<byte> key, StreamId id, long? added, StreamId deleted)
    {
        if (call.Streams.Open(key) is not { } stream) return;
        if (!stream.IsThere)
        {
            call.Reply.Error("ERR no such key"u8);
            return;
        }
        ref var state = ref stream.State;
        if (stream.HasEntriesBehind(id))
        {
            call.Reply.Error("ERR The ID specified in XSETID is smaller than the target stream top item"u8);
            return;
        }
        if (added is { } number && number < stream.Count)
        {
            call.Reply.Error("ERR The entries_added specified in XSETID is smaller than the target stream length"u8);
            return;
        }
        state.Last = id;
        if (added is { } entries) state.Added = (ulong)entries;
        if (deleted != StreamId.Zero) state.MaxDeleted = deleted;
        stream.Save();
        call.Reply.Ok();
        call.Signal(key, "xsetid", NotificationClass.Stream);
    }
}
