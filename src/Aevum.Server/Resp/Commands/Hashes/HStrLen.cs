using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HStrLen : DataCommand
{
    public override CommandInfo Info { get; } = new("hstrlen", CommandGroup.Hash)
    {
        Arity = 3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "3.2.0",
        Summary = "Returns the length of the value of a field.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is { } hash) call.Reply.Integer(hash.TryGet(args[2], out var value) ? value.Length : 0);
    }
}
