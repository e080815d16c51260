using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Lists;

sealed class LTrim : DataCommand
{
    public override CommandInfo Info { get; } = new("ltrim", CommandGroup.List)
    {
        Arity = 4,
        Flags = CommandFlags.Write,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Keeps the values between two places of a list, both inclusive, counted from the end if negative.",
        Complexity = "O(n), n the values that go",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!call.TryInteger(args[2], out var start) || !call.TryInteger(args[3], out var stop)) return;
        if (call.Lists.Open(args[1]) is not { } list) return;
        if (list.Exists)
        {
            if (ListPlaces.TryClamp(ref start, ref stop, list.Count)) list.Trim(start, stop);
            else list.Clear();
            list.Save();
            call.Signal(args[1], "ltrim", NotificationClass.List);
            if (list.Count == 0) call.Signal(args[1], "del", NotificationClass.Generic);
        }
        call.Reply.Ok();
    }
}
