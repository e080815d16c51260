// Values: stretches of one fixed pool, in which every 100 bytes are 50 random ones told twice: half compressible, as db_bench's are.
//
// Where a value starts follows from its key and its epoch (how often the key has been rewritten), so any value read back can be
// checked without keeping a copy. The pool (64 KiB and one value) stays in the second-level cache: making a value costs a multiplication.

using Aevum.Core.Scheduling;

namespace Aevum.Bench.Workloads.Loops;

static unsafe class Values
{
    const int Starts = 1 << 16;
    public const int LengthMax = 4096;

    static readonly byte* Pool = MakePool();

    public static byte* At(uint index, int epoch) => Pool + ((index * 0x9E37_79B1 ^ (uint)epoch * 0x85EB_CA6B) >> 16);

    public static ReadOnlySpan<byte> Of(uint index, int epoch, int length) => new(At(index, epoch), length);

    static byte* MakePool()
    {
        var pool = (byte*)System.Runtime.InteropServices.NativeMemory.AlignedAlloc(Starts + LengthMax, 64);
        var random = new SeededRandom(0xA3);
        var piece = new byte[100];
        for (var at = 0; at < Starts + LengthMax; at += piece.Length)
        {
            random.Fill(piece.AsSpan(0, 50));
            piece.AsSpan(0, 50).CopyTo(piece.AsSpan(50));
            piece.AsSpan(0, Math.Min(piece.Length, Starts + LengthMax - at)).CopyTo(new Span<byte>(pool + at, piece.Length));
        }
        return pool;
    }
}
