using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HGet : DataCommand
{
    public override CommandInfo Info { get; } = new("hget", CommandGroup.Hash)
    {
        Arity = 3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Returns the value of a field of a hash.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        if (hash.TryGet(args[2], out var value)) call.Reply.Bulk(value);
        else call.Reply.Null();
    }
}
