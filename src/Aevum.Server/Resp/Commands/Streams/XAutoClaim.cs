// XAUTOCLAIM: takes over pending entries that have been idle, from an id on, some at a time, and says where to go on. Entries that are gone from the
// stream are pending no more, and are told apart.

using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XAutoClaim : DataCommand
{
    const long CountMax = long.MaxValue / 16;
    const int LooksPerClaim = 10;
    const int AtOnce = 128;

    public override CommandInfo Info { get; } = new("xautoclaim", CommandGroup.Stream)
    {
        Arity = -6,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "6.2.0",
        Summary = "Makes a consumer the owner of pending entries that have been idle, as if they had been delivered to it.",
        Complexity = "O(n), n being COUNT",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!Numbers.TryInteger(args[4], out var idleMin))
        {
            call.Reply.Error("ERR Invalid min-idle-time argument for XAUTOCLAIM"u8);
            return;
        }
        if (!StreamIds.TryReadFirst(call, args[5], out var first) || !TryReadOptions(call, args, out var count, out var onlyIds)) return;
        if (call.Streams.Open(args[1]) is not { } stream) return;
        if (!stream.IsThere || StreamGroup.Find(call, stream, args[2]) is not { } group)
        {
            NoGroup.KeyOrGroup(call, args[1], args[2]);
            return;
        }
        Claim(call, args, stream, group, first, Math.Max(idleMin, 0), count, onlyIds);
        group.Save();
    }

    static bool TryReadOptions(DataCall call, CommandArguments args, out long count, out bool onlyIds)
    {
        (count, onlyIds) = (100, false);
        for (var i = 6; i < args.Count; i++)
        {
            if (i + 1 < args.Count && args.Is(i, "count"u8))
            {
                if (Numbers.TryInteger(args[++i], out count) && count is >= 1 and <= CountMax) continue;
                call.Reply.Error("ERR COUNT must be > 0"u8);
                return false;
            }
            if (args.Is(i, "justid"u8))
            {
                onlyIds = true;
                continue;
            }
            call.SyntaxError();
            return false;
        }
        return true;
    }

    static void Claim(
        DataCall call, CommandArguments args, StreamRows stream, StreamGroup group, StreamId first, long idleMin, long count, bool onlyIds)
    {
        var now = call.NowMilliseconds;
        var claimed = new List<StreamId>();
        var gone = new List<StreamId>();
        var looks = count > long.MaxValue / LooksPerClaim ? long.MaxValue : count * LooksPerClaim;
        var next = StreamId.Zero;
        while (true)
        {
            var some = stream.ReadPending(group.Number, first, StreamId.Max, AtOnce);
            foreach (var pending in some)
            {
                if (looks == 0 || claimed.Count + gone.Count == count)
                {
                    next = pending.Id;
                    break;
                }
                looks--;
                if (!stream.Contains(pending.Id))
                {
                    group.Remove(pending);
                    gone.Add(pending.Id);
                    continue;
                }
                if (idleMin > 0 && now - pending.Delivered < idleMin) continue;
                group.Assign(pending.Id, group.SeeConsumer(args[3], args[1]), now, pending.Deliveries + (onlyIds ? 0 : 1), pending);
                claimed.Add(pending.Id);
            }
            if (next != StreamId.Zero || some.Count < AtOnce || !some[^1].Id.TryNext(out first)) break;
        }
        call.Reply.Array(3);
        EntryFields.Reply(call.Reply, next);
        call.Reply.Array(claimed.Count);
        foreach (var id in claimed) XClaim.Tell(call, stream, id, onlyIds);
        call.Reply.Array(gone.Count);
        foreach (var id in gone) EntryFields.Reply(call.Reply, id);
    }
}
