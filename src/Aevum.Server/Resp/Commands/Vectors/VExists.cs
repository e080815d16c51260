using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>VEXISTS: whether there is a collection, or a key in it.</summary>
sealed class VExists : VectorRowCommand
{
    public override CommandInfo Info { get; } = new("vexists", CommandGroup.Vector)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "Answers 1 if there is a collection of that name, with a key: if the collection has that key; else 0.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (args.Count > 3)
        {
            call.WrongCount("vexists"u8);
            return;
        }
        if (args.Count == 2)
        {
            var length = call.Reply.Length;
            var exists = TryFind(call, args[1], out _);
            call.Reply.Truncate(length);
            call.Reply.Integer(exists ? 1 : 0);
            return;
        }
        if (!TryFind(call, args[1], out var collection)) return;
        call.Reply.Integer(call.Rows.TryRead(call.RowKey(collection.Id, args[2]), out _) ? 1 : 0);
    }
}
