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
        if (hash.FieldsExpire)
        {
            // One may go between the count and the walk: they are counted as they come.
            var at = reply.BeginArray('%');
            var told = 0L;
            hash.ForEach((field, value) =>
            {
                reply.Bulk(field);
                reply.Bulk(value);
                told++;
                return true;
            });
            reply.EndArray(at, reply.Version >= 3 ? told : 2 * told);
            return;
        }
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
