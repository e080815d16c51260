using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.SortedSets;

sealed class ZRangeStore : DataCommand
{
    public override CommandInfo Info { get; } = new("zrangestore", CommandGroup.SortedSet)
    {
        Arity = -5,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.Two,
        Since = "6.2.0",
        Summary = "Makes a sorted set of a range of another.",
        Complexity = "O(log n + m), n the members, m those stored; O(n) by rank",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (ElementRange.Read(call, args, 3, null, null, isStore: true) is not { } range) return;
        if (call.SortedSets.Open(args[2]) is not { } source) return;
        SortedSetAlgebra.Store(call, args[1], range.Collect(source), "zrangestore");
    }
}
