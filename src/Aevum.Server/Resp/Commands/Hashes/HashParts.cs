using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

/// <summary>HKEYS and HVALS.</summary>
sealed class HashParts(bool isFields) : DataCommand
{
    public override CommandInfo Info { get; } = new(isFields ? "hkeys" : "hvals", CommandGroup.Hash)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = $"Returns all {(isFields ? "fields" : "values")} of a hash.",
        Complexity = "O(n), n the fields of the hash",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        var reply = call.Reply;
        // Of fields that expire, one may go between the count and the walk: those are counted as they come.
        var at = 0;
        if (hash.FieldsExpire) at = reply.BeginArray();
        else reply.Array(hash.Count);
        var told = 0L;
        hash.ForEach((field, value) =>
        {
            reply.Bulk(isFields ? field : value);
            told++;
            return true;
        });
        if (hash.FieldsExpire) reply.EndArray(at, told);
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
