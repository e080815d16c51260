using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XLen : DataCommand
{
    public override CommandInfo Info { get; } = new("xlen", CommandGroup.Stream)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Answers how many entries a stream has.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.TryExpect(args[1], StructureKind.Stream, out _, out var head, out _)) call.Reply.Integer(head.Count);
    }
}
