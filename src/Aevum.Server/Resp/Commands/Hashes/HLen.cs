using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HLen : DataCommand
{
    public override CommandInfo Info { get; } = new("hlen", CommandGroup.Hash)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Returns how many fields a hash has.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is { } hash) call.Reply.Integer(hash.Count);
    }
}
