using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Strings;

/// <summary>SETEX, in seconds, and PSETEX, in milliseconds.</summary>
sealed class SetEx(string name, bool isMilliseconds) : DataCommand
{
    public override CommandInfo Info { get; } = new(name, CommandGroup.String)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = isMilliseconds ? "2.6.0" : "2.0.0",
        Summary = isMilliseconds
            ? "Gives a key a string value that expires after so many milliseconds."
            : "Gives a key a string value that expires after so many seconds.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!ExpiryOptions.TryTime(call, args[2], isMilliseconds, isAbsolute: false, name, out var expiry)) return;
        call.ForgetElements(args[1]);
        call.PutString(args[1], args[3], expiry);
        call.Signal(args[1], "set", NotificationClass.String);
        call.Signal(args[1], "expire", NotificationClass.Generic);
        call.Reply.Ok();
    }
}
