using Aevum.Model.Vectors;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>VGET: the vector of a key, as it was given.</summary>
sealed class VGet : VectorRowCommand
{
    public override CommandInfo Info { get; } = new("vget", CommandGroup.Vector)
    {
        Arity = -3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "Answers the vector of a key as a blob, or with VALUES as numbers; nil if the key is not there.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var asValues = args.Count == 4 && args.Is(3, "values"u8);
        if (args.Count > 3 && !asValues)
        {
            call.SyntaxError();
            return;
        }
        if (!TryFind(call, args[1], out var collection)) return;
        var options = collection.Options.Collection!;
        if (!call.Rows.TryRead(call.RowKey(collection.Id, args[2]), out var row))
        {
            call.Reply.Null();
            return;
        }
        var elements = VectorRow.Read(row.Bytes, options);
        if (!asValues)
        {
            call.Reply.Bulk(elements);
            return;
        }
        var vector = VectorElements.ToFloats(options, elements);
        call.Reply.Array(vector.Length);
        foreach (var component in vector) call.Reply.Bulk(VectorCommands.TextOf(component));
    }
}
