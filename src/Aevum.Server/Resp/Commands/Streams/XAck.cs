using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class XAck : DataCommand
{
    public override CommandInfo Info { get; } = new("xack", CommandGroup.Stream)
    {
        Arity = -4,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "5.0.0",
        Summary = "Says that entries have been dealt with: they are pending no more. Answers how many were.",
        Complexity = "O(n), n the ids",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.Streams.Open(args[1]) is not { } stream) return;
        if (!stream.IsThere || StreamGroup.Find(call, stream, args[2]) is not { } group)
        {
            call.Reply.Integer(0);
            return;
        }
        if (!StreamIds.TryReadAll(call, args, 3, out var ids)) return;
        var done = 0;
        foreach (var id in ids)
        {
            if (!group.TryGetPending(id, out var pending)) continue;
            group.Remove(pending);
            done++;
        }
        group.Save();
        call.Reply.Integer(done);
    }
}
