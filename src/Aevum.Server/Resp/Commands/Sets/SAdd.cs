using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SAdd : DataCommand
{
    public override CommandInfo Info { get; } = new("sadd", CommandGroup.Set)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, -1, 1),
        Since = "1.0.0",
        Summary = "Puts members into a set.",
        Complexity = "O(1) for each member",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Sets.Open(args[1]) is not { } set) return;
        var added = 0;
        for (var i = 2; i < args.Count; i++)
            if (set.Put(args[i])) added++;
        if (added > 0)
        {
            set.Save();
            call.Signal(args[1], "sadd", NotificationClass.Set);
        }
        call.Reply.Integer(added);
    }
}
