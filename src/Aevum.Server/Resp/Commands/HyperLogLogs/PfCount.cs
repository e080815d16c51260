using Aevum.Server.Resp.Commands.Strings;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

/// <summary>PFCOUNT. The number of one key is kept in its value, so that it is counted once after each change: the read that counts it
/// wants to write.</summary>
sealed class PfCount : DataCommand
{
    public override CommandInfo Info { get; } = new("pfcount", CommandGroup.HyperLogLog)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.All,
        Since = "2.8.9",
        Summary = "Answers about how many different things were added to a HyperLogLog, or to any of several.",
        Complexity = "O(1) for one key that has not changed; else O(N) with N the keys, and high constant times",
    };

    public override bool KeepsFindings => true;

    public override void Run(DataCall call, CommandArguments args)
    {
        Span<byte> registers = stackalloc byte[HyperLogLog.Registers];
        if (args.Count == 2)
        {
            CountOne(call, args[1], registers);
            return;
        }
        registers.Clear();
        for (var i = 1; i < args.Count; i++)
        {
            if (!HyperLogLog.TryRead(call, args[i], out var exists, out var value, out _)) return;
            if (exists && !HyperLogLog.TryMerge(call, value, registers)) return;
        }
        call.Reply.Integer(CardinalityEstimator.Estimate(registers));
    }

    static void CountOne(DataCall call, ReadOnlySpan<byte> key, Span<byte> registers)
    {
        if (!HyperLogLog.TryRead(call, key, out var exists, out var value, out var expiry)) return;
        long cardinality = 0;
        if (!exists || HyperLogLog.TryCardinality(value, out cardinality))
        {
            call.Reply.Integer(cardinality);
            return;
        }
        registers.Clear();
        if (!HyperLogLog.TryMerge(call, value, registers)) return;
        cardinality = CardinalityEstimator.Estimate(registers);
        call.Reply.Integer(cardinality);
        if (!call.TryWantWrites()) return;
        HyperLogLog.KeepCardinality(StringDraft.Begin(call, value, value.Length), cardinality);
        StringDraft.Save(call, key, value.Length, expiry);
    }
}
