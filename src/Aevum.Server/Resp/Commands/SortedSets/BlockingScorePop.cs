using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

/// <summary>BZPOPMIN and BZPOPMAX.</summary>
sealed class BlockingScorePop(bool isMax) : DataCommand, IBlockingCommand
{
    public override CommandInfo Info { get; } = new(isMax ? "bzpopmax" : "bzpopmin", CommandGroup.SortedSet)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.Fast | CommandFlags.NoScript | CommandFlags.Blocking,
        Keys = new(1, -2, 1),
        Since = "5.0.0",
        Summary = $"Takes the member with the {(isMax ? "highest" : "lowest")} score out of the first sorted set that has one, and waits until there is one.",
        Complexity = "O(log n), n the members",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!Timeouts.TryRead(call, args[args.Count - 1], out _)) return;
        for (var i = 1; i < args.Count - 1; i++)
        {
            if (call.IsPassedOver(args[i], StructureKind.SortedSet)) continue;
            if (call.SortedSets.Open(args[i]) is not { } set) return;
            if (set.Count == 0) continue;
            var taken = ScorePop.Take(call, args[i], set, isMax, 1)[0];
            call.Reply.Array(3);
            call.Reply.Bulk(args[i]);
            call.Reply.Bulk(taken.Member);
            call.Reply.Double(taken.Score);
            return;
        }
        if (call.MayBlock) call.Block();
        else call.Reply.NullArray();
    }

    public TimeSpan? TimeoutOf(CommandArguments args) => Timeouts.Of(args[args.Count - 1]);

    public void WriteTimeout(ReplyWriter reply) => reply.NullArray();
}
