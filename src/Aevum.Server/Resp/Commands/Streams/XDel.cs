using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XDel : DataCommand
{
    public override CommandInfo Info { get; } = new("xdel", CommandGroup.Stream)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Deletes entries of a stream, and answers how many there were.",
        Complexity = "O(n), n the ids",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Streams.Open(args[1]) is not { } stream) return;
        if (!stream.IsThere)
        {
            call.Reply.Integer(0);
            return;
        }
        if (!StreamIds.TryReadAll(call, args, 2, out var ids)) return;
        var first = stream.State.First;
        var gone = 0;
        foreach (var id in ids)
            if (stream.Delete(id)) gone++;
        call.Reply.Integer(gone);
        if (gone == 0) return;
        if (!stream.Contains(first)) stream.FindFirst();
        stream.Save();
        call.Signal(args[1], "xdel", NotificationClass.Stream);
    }
}
