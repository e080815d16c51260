using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZCount : DataCommand
{
    public override CommandInfo Info { get; } = new("zcount", CommandGroup.SortedSet)
    {
        Arity = 4,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = "Returns how many members have scores of a range.",
        Complexity = "O(log(n)), n the members; O(n) the first time",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!ScoreRange.TryRead(call, args[2], args[3], out var range)) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        call.Reply.Integer(set.CountScores(range));
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => SortedSetRows.IsSlowToRank(call, args[1]);
}
