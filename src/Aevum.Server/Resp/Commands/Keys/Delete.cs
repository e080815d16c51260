using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>DEL and UNLINK: the same here, for elements of a large structure are always taken away in the background.</summary>
sealed class Delete(string name, string since) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.Generic)
    {
        Arity = -2,
        Flags = CommandFlags.Write | (name == "unlink" ? CommandFlags.Fast : CommandFlags.None),
        Keys = KeyPlaces.All,
        Since = since,
        Summary = "Deletes keys, and answers how many there were.",
        Complexity = "O(N) with N the keys",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var count = 0;
        for (var i = 1; i < args.Count; i++)
        {
            if (!TryDelete(call, args[i])) continue;
            count++;
            call.Signal(args[i], "del", NotificationClass.Generic);
        }
        call.Reply.Integer(count);
    }

    /// <summary>Deletes a key with all it holds.</summary>
    /// <returns>False: it held nothing.</returns>
    public static bool TryDelete(DataCall call, ReadOnlySpan<byte> key)
    {
        if (!call.TryReadHead(key, out var head, out _)) return false;
        if (head.IsLarge) Elements.PutDown(call, call.HeadKey(key), head);
        call.Writes.Delete(call.HeadKey(key));
        return true;
    }
}
