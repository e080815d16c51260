using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HMGet : DataCommand
{
    public override CommandInfo Info { get; } = new("hmget", CommandGroup.Hash)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Returns the values of fields of a hash.",
        Complexity = "O(1) for each field",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        call.Reply.Array(args.Count - 2);
        for (var i = 2; i < args.Count; i++)
        {
            if (hash.TryGet(args[i], out var value)) call.Reply.Bulk(value);
            else call.Reply.Null();
        }
    }
}
