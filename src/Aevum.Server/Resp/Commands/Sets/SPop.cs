using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Sets;

sealed class SPop : DataCommand
{
    public override CommandInfo Info { get; } = new("spop", CommandGroup.Set)
    {
        Arity = -2,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "1.0.0",
        Summary = "Takes members out of a set that are drawn at random.",
        Complexity = "O(n), n the members taken",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (args.Count > 3)
        {
            call.SyntaxError();
            return;
        }
        long count = 1;
        if (args.Count == 3 && !call.TryNatural(args[2], out count)) return;
        if (call.Sets.Open(args[1]) is not { } set) return;
        if (set.Count == 0 || count == 0)
        {
            if (args.Count == 3) call.Reply.Set(0);
            else call.Reply.Null();
            return;
        }
        var random = new SeededRandom(call.Chance);
        var drawn = args.Count == 3 ? set.DrawDistinct(random, count) : [set.Draw(random)];
        if (drawn.Count == set.Count) set.Clear();
        else
            foreach (var (member, _) in drawn) set.Remove(member);
        set.Save();
        call.Signal(args[1], "spop", NotificationClass.Set);
        if (set.Count == 0) call.Signal(args[1], "del", NotificationClass.Generic);
        if (args.Count == 3) call.Reply.Set(drawn.Count);
        foreach (var (member, _) in drawn) call.Reply.Bulk(member);
    }
}
