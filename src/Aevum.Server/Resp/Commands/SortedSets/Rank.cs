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
        Complexity = "O(n), n the members before it",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        if (set.TryGetScore(args[2], out var score)) call.Reply.Integer(set.RankOf(args[2], score, descending));
        else call.Reply.Null();
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
