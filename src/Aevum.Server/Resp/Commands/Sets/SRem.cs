using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SRem : DataCommand
{
    public override CommandInfo Info { get; } = new("srem", CommandGroup.Set)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, -1, 1),
        Since = "1.0.0",
        Summary = "Takes members out of a set; the set goes with its last one.",
        Complexity = "O(1) for each member",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Sets.Open(args[1]) is not { } set) return;
        var removed = 0;
        for (var i = 2; i < args.Count && set.Count > 0; i++)
            if (set.Remove(args[i])) removed++;
        if (removed > 0)
        {
            set.Save();
            call.Signal(args[1], "srem", NotificationClass.Set);
            if (set.Count == 0) call.Signal(args[1], "del", NotificationClass.Generic);
        }
        call.Reply.Integer(removed);
    }
}
