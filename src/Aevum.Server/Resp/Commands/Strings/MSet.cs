using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

sealed class MSet : DataCommand
{
    public override CommandInfo Info { get; } = new("mset", CommandGroup.String)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = new KeyPlaces(1, -1, 2),
        Since = "1.0.1",
        Summary = "Gives several keys string values, all at one instant.",
        Complexity = "O(N) with N the keys",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!TryPairs(call, args)) return;
        Put(call, args);
        call.Reply.Ok();
    }

    /// <summary>Whether keys and values stand in pairs; else the reply says that they do not.</summary>
    public static bool TryPairs(DataCall call, CommandArguments args)
    {
        if (args.Count % 2 == 1) return true;
        call.WrongCount(args[0]);
        return false;
    }

    /// <summary>Writes the pairs behind a command's name, in their order: of a key that stands twice the last value stays.</summary>
    public static void Put(DataCall call, CommandArguments args)
    {
        for (var i = 1; i < args.Count; i += 2)
        {
            call.ForgetElements(args[i]);
            call.PutString(args[i], args[i + 1]);
            call.Signal(args[i], "set", NotificationClass.String);
        }
    }
}
