using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HScan : DataCommand
{
    public override CommandInfo Info { get; } = new("hscan", CommandGroup.Hash)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "2.8.0",
        Summary = "Walks over the fields of a hash with their values, some at a time.",
        Complexity = "O(1) for each call, O(n) for a whole scan",
    };

    public override void Run(DataCall call, CommandArguments args) => ElementScan.Run(call, call.Hashes, args, 2, (field, value) =>
    {
        call.Reply.Bulk(field);
        call.Reply.Bulk(value);
        return true;
    });
}
