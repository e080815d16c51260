using Aevum.Core.Scheduling;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Hashes;

sealed class HRandField : DataCommand
{
    public override CommandInfo Info { get; } = new("hrandfield", CommandGroup.Hash)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "6.2.0",
        Summary = "Returns fields of a hash that are drawn at random.",
        Complexity = "O(n), n the fields returned",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        long count = 0;
        if (args.Count > 2 && !call.TryInteger(args[2], out count)) return;
        var withValues = args.Count == 4 && args.Is(3, "withvalues"u8);
        if (args.Count > 4 || (args.Count == 4 && !withValues))
        {
            call.SyntaxError();
            return;
        }
        if (!RandomCount.IsSound(call, count)) return;
        if (call.Hashes.Open(args[1]) is not { } hash) return;
        var random = new SeededRandom(call.Chance);
        if (args.Count == 2)
        {
            var one = RandomCount.Draw(hash, random, 1);
            if (one.Count == 0) call.Reply.Null();
            else call.Reply.Bulk(one[0].Name);
            return;
        }
        var drawn = RandomCount.Draw(hash, random, count);
        var inPairs = withValues && call.Reply.Version >= 3;
        call.Reply.Array(withValues && !inPairs ? 2L * drawn.Count : drawn.Count);
        foreach (var (field, value) in drawn)
        {
            if (inPairs) call.Reply.Array(2);
            call.Reply.Bulk(field);
            if (withValues) call.Reply.Bulk(value);
        }
    }

    public override bool IsSlow(DataCall call, CommandArguments args) => StructureRows.IsSlowToWalk(call, args[1]);
}
