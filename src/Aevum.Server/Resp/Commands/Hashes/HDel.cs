using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HDel : DataCommand
{
    public override CommandInfo Info { get; } = new("hdel", CommandGroup.Hash)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, -1, 1),
        Since = "2.0.0",
        Summary = "Takes fields out of a hash; the hash goes with its last one.",
        Complexity = "O(1) for each field",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        var removed = 0;
        for (var i = 2; i < args.Count && hash.Count > 0; i++)
            if (hash.Remove(args[i])) removed++;
        if (removed > 0)
        {
            hash.Save();
            call.Signal(args[1], "hdel", NotificationClass.Hash);
            if (hash.Count == 0) call.Signal(args[1], "del", NotificationClass.Generic);
        }
        call.Reply.Integer(removed);
    }
}
