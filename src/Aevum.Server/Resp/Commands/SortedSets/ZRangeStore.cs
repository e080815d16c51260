using Aevum.Server.Resp.Beside;
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

    public override bool MayTakeSeveralCommits => true;

    public override WriteForecast Forecast(DataCall call, CommandArguments args)
    {
        var all = WriteForecast.OfMembers(call, args[2], args[1]);
        if (ElementRange.Read(call, args, 3, null, null, isStore: true) is not { } range) return default;
        return all.AtMost(range.CountMax(all.Elements)) with { Elements = range.IsOfRanks ? range.CountMax(all.Elements) : 0 };
    }

    public override void Run(DataCall call, CommandArguments args)
    {
        if (ElementRange.Read(call, args, 3, null, null, isStore: true) is not { } range) return;
        if (call.SortedSets.Open(args[2]) is not { } source) return;
        // Of a range of scores or of members nobody knows before how much lies in it.
        var found = range.Collect(source, call.MayBlock ? WriteForecast.ElementsMax : long.MaxValue);
        if (call.MayBlock && found.Count > WriteForecast.ElementsMax) call.Block();
        else SortedSetAlgebra.Store(call, args[1], found, "zrangestore");
    }
}
