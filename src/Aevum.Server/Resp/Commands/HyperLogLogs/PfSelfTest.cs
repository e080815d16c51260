// PFSELFTEST: what the tests of this folder look at closely, looked at once more on the machine that serves: registers come back from both encodings,
// and the estimate of numbers that are known stays within five standard errors.

using System.Buffers.Binary;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

sealed class PfSelfTest : SessionCommand
{
    const int Things = 100_000;
    const double StandardError = 1.04 / 128;   // 128 is the root of the registers

    public override CommandInfo Info { get; } = new("pfselftest", CommandGroup.HyperLogLog)
    {
        Arity = 1,
        Flags = CommandFlags.Admin,
        Since = "2.8.9",
        Summary = "Checks on this machine that HyperLogLogs keep their registers and count within their error.",
        Complexity = "N/A",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (Fault() is { } fault) reply.Error("TESTFAILED " + fault);
        else reply.Ok();
    }

    static string? Fault()
    {
        Span<byte> registers = stackalloc byte[HyperLogLog.Registers];
        Span<byte> again = stackalloc byte[HyperLogLog.Registers];
        Span<byte> value = stackalloc byte[HyperLogLog.DenseBytes];
        Span<byte> thing = stackalloc byte[sizeof(int)];
        registers.Clear();
        var look = 1;
        for (var i = 1; i <= Things; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(thing, i);
            var (register, rank) = Ranks.Of(thing);
            registers[register] = Math.Max(registers[register], rank);
            if (i != look) continue;
            look *= 10;
            var estimate = CardinalityEstimator.Estimate(registers);
            if (Math.Abs(estimate - i) > (5 * StandardError * i) + 1) return $"{i} things are estimated as {estimate}";
            foreach (var mayBeSparse in (ReadOnlySpan<bool>)[true, false])
            {
                var length = HyperLogLog.Write(registers, mayBeSparse, value);
                again.Clear();
                if (HyperLogLog.IsDense(value)) DenseRegisters.Merge(value[HyperLogLog.HeaderBytes..length], again);
                else if (!SparseRegisters.TryMerge(value[HyperLogLog.HeaderBytes..length], again)) return "a sparse value is malformed";
                if (!again.SequenceEqual(registers)) return $"registers of {i} things changed on their way";
            }
        }
        return null;
    }
}
