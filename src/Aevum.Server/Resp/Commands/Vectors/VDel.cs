using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>VDEL: takes a key and its vector out of a collection.</summary>
sealed class VDel : VectorRowCommand
{
    public override CommandInfo Info { get; } = new("vdel", CommandGroup.Vector)
    {
        Arity = 3,
        Flags = CommandFlags.Write,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "Takes a key and its vector out of a collection. Answers 1, or 0 if it was not there.",
        Complexity = "O(1), and O(log(N)) beside the loop with N the vectors",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!TryFind(call, args[1], out var collection)) return;
        var key = call.RowKey(collection.Id, args[2]);
        var exists = call.Rows.TryRead(key, out _);
        if (exists) call.Writes.Delete(key);
        call.Reply.Integer(exists ? 1 : 0);
    }
}
