using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XTrim : DataCommand
{
    public override CommandInfo Info { get; } = new("xtrim", CommandGroup.Stream)
    {
        Arity = -4,
        Flags = CommandFlags.Write,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Takes entries away from the beginning of a stream, down to a length or up to an id; with ~ whole nodes only.",
        Complexity = "O(n), n the nodes that go",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var trim = default(StreamTrim);
        for (var at = 2; at < args.Count; at++)
        {
            if (!StreamTrim.TryRead(call, args, ref at, ref trim, out var isOption)) return;
            if (isOption) continue;
            call.SyntaxError();
            return;
        }
        if (!trim.IsSound(call, isNeeded: true) || call.Streams.Open(args[1]) is not { } stream) return;
        var gone = stream.IsThere ? stream.Trim(trim) : 0;
        call.Reply.Integer(gone);
        if (gone == 0) return;
        stream.Save();
        call.Signal(args[1], "xtrim", NotificationClass.Stream);
    }
}
