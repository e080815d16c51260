// SparseRegisters: 16,384 registers as runs, for those that are mostly 0.
//
//   00xxxxxx              x+1 registers of 0
//   01xxxxxx yyyyyyyy     xy+1 registers of 0
//   1vvvvvxx              x+1 registers of v+1
//
// Always true of what is written: it is the shortest there is: no run could be part of the one before it. What is read need not be, but has to
// come to 16,384 registers exactly.

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

enum SparseRun
{
    Zeros,
    ManyZeros,
    Ranks,
}

static class SparseRegisters
{
    /// <summary>The greatest rank that a run can have.</summary>
    public const int RankMax = 32;

    const int ZerosMax = 64;
    const int RunMax = 4;

    /// <summary>Reads the run at a place.</summary>
    /// <returns>False: the bytes end, before it or inside of it.</returns>
    public static bool TryReadRun(ReadOnlySpan<byte> sparse, ref int at, out SparseRun kind, out int length, out byte rank)
    {
        (kind, length, rank) = (SparseRun.Zeros, 0, 0);
        if (at >= sparse.Length) return false;
        var first = sparse[at++];
        if ((first & 0x80) != 0)
        {
            (kind, length, rank) = (SparseRun.Ranks, (first & 3) + 1, (byte)((first >> 2 & 31) + 1));
            return true;
        }
        length = (first & 63) + 1;
        if ((first & 0x40) == 0) return true;
        if (at >= sparse.Length) return false;
        (kind, length) = (SparseRun.ManyZeros, (((first & 63) << 8) | sparse[at++]) + 1);
        return true;
    }

    /// <summary>Raises registers to these.</summary>
    /// <param name="registers">Shape [16384].</param>
    /// <returns>False: it is malformed; some registers may have been raised.</returns>
    public static bool TryMerge(ReadOnlySpan<byte> sparse, Span<byte> registers)
    {
        var register = 0;
        for (var at = 0; at < sparse.Length;)
        {
            if (!TryReadRun(sparse, ref at, out _, out var length, out var rank) || length > registers.Length - register) return false;
            if (rank > 0)
                foreach (ref var one in registers.Slice(register, length)) one = Math.Max(one, rank);
            register += length;
        }
        return register == registers.Length;
    }

    /// <param name="registers">Shape [16384].</param>
    /// <returns>False: a rank is too great, or there is no room.</returns>
    public static bool TryWrite(ReadOnlySpan<byte> registers, Span<byte> target, out int length)
    {
        length = 0;
        for (var at = 0; at < registers.Length;)
        {
            var rank = registers[at];
            if (rank > RankMax) return false;
            var rest = registers[at..].IndexOfAnyExcept(rank);
            var run = rest < 0 ? registers.Length - at : rest;
            at += run;
            if (rank == 0)
            {
                var isLong = run > ZerosMax;
                if (target.Length - length < (isLong ? 2 : 1)) return false;
                if (isLong) target[length++] = (byte)(0x40 | (run - 1) >> 8);
                target[length++] = (byte)(run - 1);
                continue;
            }
            for (; run > 0; run -= RunMax)
            {
                if (length == target.Length) return false;
                target[length++] = (byte)(0x80 | (rank - 1) << 2 | (Math.Min(run, RunMax) - 1));
            }
        }
        return true;
    }
}
