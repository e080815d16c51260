using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HMSet : DataCommand
{
    public override CommandInfo Info { get; } = new("hmset", CommandGroup.Hash)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, -1, 2),
        Since = "2.0.0",
        Summary = "Gives fields of a hash values; HSET says how many were new.",
        Complexity = "O(1) for each field",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (HSet.TryPut(call, args, out _)) call.Reply.Ok();
    }
}
