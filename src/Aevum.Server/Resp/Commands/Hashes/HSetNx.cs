using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HSetNx : DataCommand
{
    public override CommandInfo Info { get; } = new("hsetnx", CommandGroup.Hash)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, 2, 1),
        Since = "2.0.0",
        Summary = "Gives a field a value if the hash does not have it.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        if (hash.Contains(args[2]))
        {
            call.Reply.Integer(0);
            return;
        }
        hash.Put(args[2], args[3]);
        hash.Save();
        call.Signal(args[1], "hset", NotificationClass.Hash);
        call.Reply.Integer(1);
    }
}
