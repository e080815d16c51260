// HyperLogLog: how many different things were added, within 0.81 % (one standard error), in at most 12 KiB. An object of its own it is not: it is a
// string, which GET and SET carry from and to Redis as it is.
//
//   "HYLL" | encoding u8: 0 dense, 1 sparse | 0 0 0 | cardinality u64, little endian, bit 63 set: has to be counted anew | registers
//
//   dense     16,384 registers of 6 bits, the first in the low bits of the first byte (DenseRegisters)
//   sparse    runs of registers (SparseRegisters); becomes dense above 3,000 bytes, or for a register above 32; never goes back
//
// A thing goes by its hash to one of the registers, which keeps the greatest rank of those that came to it (Ranks). Flajolet, Fusy, Gandouet,
// Meunier, "HyperLogLog", 2007; with 64 bits of hash as in Heule, Nunkesser, Hall, "HyperLogLog in practice", 2013.
//
// Always true: what is not such a string is refused before anything of it is used; registers are looked at only once all of them were read.

using System.Buffers.Binary;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

static class HyperLogLog
{
    public const int IndexBits = 14;
    public const int Registers = 1 << IndexBits;
    public const int HeaderBytes = 16;
    public const int DenseBytes = HeaderBytes + DenseRegisters.Bytes;

    /// <summary>Above it a sparse one becomes dense; the header counts. What Redis calls hll-sparse-max-bytes, at its default.</summary>
    public const int SparseBytesMax = 3000;

    const int EncodingAt = 4;
    const int CardinalityAt = 8;
    const byte Dense = 0;
    const byte Sparse = 1;
    const ulong IsStale = 1UL << 63;

    static ReadOnlySpan<byte> Magic => "HYLL"u8;

    /// <summary>Reads a key that must hold one, or nothing; else the reply says what is wrong.</summary>
    /// <returns>False: the reply has been written, and the command ends.</returns>
    public static bool TryRead(DataCall call, ReadOnlySpan<byte> key, out bool exists, out ReadOnlySpan<byte> value, out Core.Time.SystemTime expiry)
    {
        value = default;
        expiry = default;
        if (!call.TryExpect(key, StructureKind.String, out exists, out var head, out var row)) return false;
        if (!exists) return true;
        value = head.Rest;
        expiry = row.Expiry;
        if (value.Length >= HeaderBytes && value.StartsWith(Magic) && value[EncodingAt] <= Sparse && (!IsDense(value) || value.Length == DenseBytes))
            return true;
        call.Reply.Error("WRONGTYPE Key is not a valid HyperLogLog string value."u8);
        return false;
    }

    public static bool IsDense(ReadOnlySpan<byte> value) => value[EncodingAt] == Dense;

    /// <summary>Begins one, up to its registers, that has to be counted.</summary>
    public static void WriteHeader(Span<byte> target, bool isDense)
    {
        target[..HeaderBytes].Clear();
        Magic.CopyTo(target);
        target[EncodingAt] = isDense ? Dense : Sparse;
        Invalidate(target);
    }

    /// <summary>The number that was counted last, if nothing has changed since.</summary>
    public static bool TryCardinality(ReadOnlySpan<byte> value, out long cardinality)
    {
        var kept = BinaryPrimitives.ReadUInt64LittleEndian(value[CardinalityAt..]);
        cardinality = (long)kept;
        return (kept & IsStale) == 0;
    }

    public static void KeepCardinality(Span<byte> value, long cardinality) => BinaryPrimitives.WriteInt64LittleEndian(value[CardinalityAt..], cardinality);

    /// <summary>Has it counted anew when it is asked for next.</summary>
    public static void Invalidate(Span<byte> value) => BinaryPrimitives.WriteUInt64LittleEndian(value[CardinalityAt..],
        BinaryPrimitives.ReadUInt64LittleEndian(value[CardinalityAt..]) | IsStale);

    /// <summary>Raises registers to those of a value; where it is corrupt the reply says so.</summary>
    /// <param name="registers">Shape [16384].</param>
    /// <returns>False: the reply has been written, and some registers may have been raised.</returns>
    public static bool TryMerge(DataCall call, ReadOnlySpan<byte> value, Span<byte> registers)
    {
        if (IsDense(value))
        {
            DenseRegisters.Merge(value[HeaderBytes..], registers);
            return true;
        }
        if (SparseRegisters.TryMerge(value[HeaderBytes..], registers)) return true;
        ReplyCorrupt(call);
        return false;
    }

    public static void ReplyCorrupt(DataCall call) => call.Reply.Error("INVALIDOBJ Corrupted HLL object detected"u8);

    /// <summary>Puts a value together from registers: sparse if it may be and is short enough.</summary>
    /// <param name="target">At least <see cref="DenseBytes"/> bytes.</param>
    /// <returns>Its length.</returns>
    public static int Write(ReadOnlySpan<byte> registers, bool mayBeSparse, Span<byte> target)
    {
        if (mayBeSparse && SparseRegisters.TryWrite(registers, target[HeaderBytes..SparseBytesMax], out var length))
        {
            WriteHeader(target, isDense: false);
            return HeaderBytes + length;
        }
        WriteHeader(target, isDense: true);
        DenseRegisters.Write(registers, target[HeaderBytes..DenseBytes]);
        return DenseBytes;
    }
}
