using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZRem : DataCommand
{
    public override CommandInfo Info { get; } = new("zrem", CommandGroup.SortedSet)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, -1, 1),
        Since = "1.2.0",
        Summary = "Takes members out of a sorted set; it goes with its last one.",
        Complexity = "O(log n) for each member, n the members of the sorted set",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        var removed = 0;
        for (var i = 2; i < args.Count && set.Count > 0; i++)
            if (set.Remove(args[i])) removed++;
        if (removed > 0)
        {
            set.Save();
            call.Signal(args[1], "zrem", NotificationClass.SortedSet);
            if (set.Count == 0) call.Signal(args[1], "del", NotificationClass.Generic);
        }
        call.Reply.Integer(removed);
    }
}
