using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HGetAll : DataCommand
{
    public override CommandInfo Info { get; } = new("hgetall", CommandGroup.Hash)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Returns all fields of a hash with their values.",
        Complexity = "O(n), n the fields of the hash",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        var reply = call.Reply;
        reply.Map(hash.Count);
        hash.ForEach((field, value) =>
        {
            reply.Bulk(field);
            reply.Bulk(value);
            return true;
        });
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
