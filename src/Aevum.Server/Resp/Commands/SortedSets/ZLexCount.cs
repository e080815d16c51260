using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZLexCount : DataCommand
{
    public override CommandInfo Info { get; } = new("zlexcount", CommandGroup.SortedSet)
    {
        Arity = 4,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Keys = KeyPlaces.One,
        Since = "2.8.9",
        Summary = "Returns how many members lie in a range of members, all scores being the same.",
        Complexity = "O(log(n)), n the members; O(n) the first time",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (LexRange.Read(call, args[2], args[3]) is not { } range) return;
        if (call.SortedSets.Open(args[1]) is not { } set) return;
        call.Reply.Integer(set.CountMembers(range));
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => SortedSetRows.IsSlowToRank(call, args[1]);
}
