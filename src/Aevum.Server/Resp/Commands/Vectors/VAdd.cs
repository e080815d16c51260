using Aevum.Model.Vectors;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>VADD: gives a key of a collection a vector.</summary>
sealed class VAdd : VectorRowCommand
{
    public override CommandInfo Info { get; } = new("vadd", CommandGroup.Vector)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "Gives a key of a collection a vector: a blob of components, little endian, or VALUES n x1 .. xn. Answers 1 if the key is new, 0 if its "
            + "vector was replaced.",
        Complexity = "O(1), and O(log(N)) beside the loop with N the vectors",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!VectorArguments.TryMeasure(args, 3, call.Reply, out var count)) return;
        if (args.Count != 3 + count)
        {
            call.WrongCount("vadd"u8);
            return;
        }
        if (!TryFind(call, args[1], out var collection)) return;
        var options = collection.Options.Collection!;
        if (!VectorArguments.TryRead(args, 3, count, options, call.Reply, out var elements)) return;
        if (call.Surroundings.Collections!.RefusalOf(collection.Id) is { } refusal)
        {
            call.Reply.Error("OOM " + refusal.Message);
            return;
        }
        var key = call.RowKey(collection.Id, args[2]);
        var exists = call.Rows.TryRead(key, out _);
        call.Writes.Put(key, VectorRow.Write(call.Scratch(VectorRow.LengthOf(options)), elements));
        call.Reply.Integer(exists ? 0 : 1);
    }
}
