using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

/// <summary>ZRANK and ZREVRANK.</summary>
sealed class Rank(bool descending) : DataCommand
{
    public override CommandInfo Info { get; } = new(descending ? "zrevrank" : "zrank", CommandGroup.SortedSet)
    {
        Arity = 3,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.0.0",
        Summary = $"Returns how many members of a sorted set come before a member, those of {(descending ? "higher" : "lower")} scores first.",
        Complexity = "O(log(n)), n the members; O(n) the first time",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        if (set.TryRank(args[2], descending, out var rank)) call.Reply.Integer(rank);
        else call.Reply.Null();
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => SortedSetRows.IsSlowToRank(call, args[1]);
}
