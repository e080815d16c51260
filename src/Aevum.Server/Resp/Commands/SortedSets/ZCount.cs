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
        Complexity = "O(n), n the members counted",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!ScoreRange.TryRead(call, args[2], args[3], out var range)) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        var count = 0L;
        set.WalkScores(range, descending: false, (_, _) => ++count > 0);
        call.Reply.Integer(count);
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
