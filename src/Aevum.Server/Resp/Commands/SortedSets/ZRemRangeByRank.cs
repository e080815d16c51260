using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZRemRangeByRank : DataCommand
{
    public override CommandInfo Info { get; } = new("zremrangebyrank", CommandGroup.SortedSet)
    {
        Arity = 4,
        Flags = CommandFlags.Write,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Takes the members between two ranks out of a sorted set.",
        Complexity = "O(log n + m), n the members, m those that go",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (ElementRange.Read(call, args, 2, RangeKind.Rank, false, isStore: false) is not { } range) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        var removed = range.Collect(set);
        if (removed.Count > 0)
        {
            set.RemoveAll(removed);
            set.Save();
            call.Signal(args[1], "zremrangebyrank", NotificationClass.SortedSet);
            if (set.Count == 0) call.Signal(args[1], "del", NotificationClass.Generic);
        }
        call.Reply.Integer(removed.Count);
    }
}
