using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HSet : DataCommand
{
    public override CommandInfo Info { get; } = new("hset", CommandGroup.Hash)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Elements = new KeyPlaces(2, -1, 2),
        Since = "2.0.0",
        Summary = "Gives fields of a hash values.",
        Complexity = "O(1) for each field",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (TryPut(call, args, out var added)) call.Reply.Integer(added);
    }

    /// <summary>Puts the pairs behind the key in.</summary>
    /// <returns>False: the reply says what is wrong.</returns>
    public static bool TryPut(DataCall call, CommandArguments args, out int added)
    {
        added = 0;
        if (args.Count % 2 != 0)
        {
            call.WrongCount(args[0]);
            return false;
        }
        if (call.Hashes.Open(args[1]) is not { } hash) return false;
        for (var i = 2; i < args.Count; i += 2)
            if (hash.Put(args[i], args[i + 1])) added++;
        hash.Save();
        call.Signal(args[1], "hset", NotificationClass.Hash);
        return true;
    }
}
