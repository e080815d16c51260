using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class MSetNx : DataCommand
{
    public override CommandInfo Info { get; } = new("msetnx", CommandGroup.String)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = new KeyPlaces(1, -1, 2),
        Since = "1.0.1",
        Summary = "Gives several keys string values if none of them holds anything.",
        Complexity = "O(N) with N the keys",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!MSet.TryPairs(call, args)) return;
        for (var i = 1; i < args.Count; i += 2)
        {
            if (!call.TryReadHead(args[i], out _, out _)) continue;
            call.Reply.Integer(0);
            return;
        }
        MSet.Put(call, args);
        call.Reply.Integer(1);
    }
}
