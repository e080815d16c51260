using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HExists : DataCommand
{
    public override CommandInfo Info { get; } = new("hexists", CommandGroup.Hash)
    {
        Arity = 3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Tells whether a hash has a field.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is { } hash) call.Reply.Integer(hash.Contains(args[2]) ? 1 : 0);
    }
}
