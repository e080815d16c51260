using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZRandMember : DataCommand
{
    public override CommandInfo Info { get; } = new("zrandmember", CommandGroup.SortedSet)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "6.2.0",
        Summary = "Returns members of a sorted set that are drawn at random.",
        Complexity = "O(n), n the members returned",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        long count = 0;
        if (args.Count > 2 && !call.TryInteger(args[2], out count)) return;
        var withScores = args.Count == 4 && args.Is(3, "withscores"u8);
        if (args.Count > 4 || (args.Count == 4 && !withScores))
        {
            call.SyntaxError();
            return;
        }
        if (!RandomCount.IsSound(call, count)) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        var random = new SeededRandom(call.Chance);
        if (args.Count == 2)
        {
            if (set.Count == 0) call.Reply.Null();
            else call.Reply.Bulk(set.Draw(random).Name);
            return;
        }
        var drawn = new List<Scored>();
        foreach (var (member, score) in RandomCount.Draw(set, random, count)) drawn.Add(new Scored(member, SortedSetRows.ScoreOf(score)));
        ScoredReply.Write(call.Reply, drawn, withScores);
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
