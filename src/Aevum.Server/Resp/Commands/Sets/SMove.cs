using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SMove : DataCommand
{
    public override CommandInfo Info { get; } = new("smove", CommandGroup.Set)
    {
        Arity = 4,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.Two,
        Since = "1.0.0",
        Summary = "Moves a member from one set to another.",
        Complexity = "O(1)",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        var source = args[1];
        var target = args[2];
        var member = args[3];
        if (call.Sets.Open(source) is not { } from) return;
        if (!from.Exists)
        {
            call.Reply.Integer(0);
            return;
        }
        if (call.Sets.Open(target) is not { } to) return;
        if (source.SequenceEqual(target))
        {
            call.Reply.Integer(from.Contains(member) ? 1 : 0);
            return;
        }
        if (!from.Remove(member))
        {
            call.Reply.Integer(0);
            return;
        }
        from.Save();
        call.Signal(source, "srem", NotificationClass.Set);
        if (from.Count == 0) call.Signal(source, "del", NotificationClass.Generic);
        if (to.Put(member))
        {
            to.Save();
            call.Signal(target, "sadd", NotificationClass.Set);
        }
        call.Reply.Integer(1);
    }
}
