using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HVals : DataCommand
{
    public override CommandInfo Info { get; } = new("hvals", CommandGroup.Hash)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Returns all values of a hash.",
        Complexity = "O(n), n the fields of the hash",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        var reply = call.Reply;
        reply.Array(hash.Count);
        hash.ForEach((field, value) =>
        {
            reply.Bulk(value);
            return true;
        });
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
