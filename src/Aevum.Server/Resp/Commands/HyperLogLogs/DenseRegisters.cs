// DenseRegisters: 16,384 registers of 6 bits, one behind the other from the lowest bit of the first byte: 8 of them are 6 bytes.

using System.Numerics;
using System.Runtime.InteropServices;

namespace Aevum.Server.Resp.Commands.HyperLogLogs;

static class DenseRegisters
{
    public const int Width = 6;
    public const int Bytes = HyperLogLog.Registers * Width / 8;

    const int Mask = (1 << Width) - 1;
    const int PerGroup = 8;
    const int GroupBytes = PerGroup * Width / 8;

    public static byte Get(ReadOnlySpan<byte> dense, int register)
    {
        var (at, shift) = PlaceOf(register);
        var bits = dense[at] | (at + 1 < Bytes ? dense[at + 1] << 8 : 0);
        return (byte)(bits >> shift & Mask);
    }

    public static void Set(Span<byte> dense, int register, byte rank)
    {
        var (at, shift) = PlaceOf(register);
        dense[at] = (byte)((dense[at] & ~(Mask << shift)) | (rank << shift));
        if (shift > 8 - Width) dense[at + 1] = (byte)((dense[at + 1] & ~(Mask >> (8 - shift))) | (rank >> (8 - shift)));
    }

    static (int At, int Shift) PlaceOf(int register) => (register * Width / 8, register * Width % 8);

    /// <summary>Raises registers to these.</summary>
    /// <param name="registers">Shape [16384].</param>
    public static void Merge(ReadOnlySpan<byte> dense, Span<byte> registers)
    {
        Span<byte> one = stackalloc byte[HyperLogLog.Registers];
        Unpack(dense, one);
        var wide = MemoryMarshal.Cast<byte, Vector<byte>>(registers);
        var more = MemoryMarshal.Cast<byte, Vector<byte>>(one);
        for (var i = 0; i < wide.Length; i++) wide[i] = Vector.Max(wide[i], more[i]);
    }

    /// <param name="registers">Shape [16384].</param>
    public static void Unpack(ReadOnlySpan<byte> dense, Span<byte> registers)
    {
        for (var at = 0; at < Bytes; at += GroupBytes)
        {
            var group = dense[at] | ((ulong)dense[at + 1] << 8) | ((ulong)dense[at + 2] << 16)
                | ((ulong)dense[at + 3] << 24) | ((ulong)dense[at + 4] << 32) | ((ulong)dense[at + 5] << 40);
            var target = registers.Slice(at / GroupBytes * PerGroup, PerGroup);
            for (var i = 0; i < PerGroup; i++) target[i] = (byte)(group >> (i * Width) & Mask);
        }
    }

    /// <param name="registers">Shape [16384].</param>
    public static void Write(ReadOnlySpan<byte> registers, Span<byte> dense)
    {
        for (var at = 0; at < Bytes; at += GroupBytes)
        {
            var source = registers.Slice(at / GroupBytes * PerGroup, PerGroup);
            var group = 0UL;
            for (var i = 0; i < PerGroup; i++) group |= (ulong)source[i] << (i * Width);
            for (var i = 0; i < GroupBytes; i++) dense[at + i] = (byte)(group >> (8 * i));
        }
    }
}
