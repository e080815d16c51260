// IBitLanes: what the bit kernels need of a register of some width: count ones.
//
// .NET reaches no instruction that counts the ones of a wide register (VPOPCNTDQ has no class), so each half of a byte is looked up in a table of
// sixteen counts held in a register, and the counts of eight bytes are added by one sum of absolute differences (Mula, Kurz, Lemire, "Faster
// population counts using AVX2 instructions", The Computer Journal 61(1), 2018).

using System.Runtime.Intrinsics;

namespace Aevum.Vectors;

unsafe interface IBitLanes<TVector> where TVector : struct
{
    /// <summary>How many bytes a register holds.</summary>
    static abstract int Count { get; }

    static abstract TVector Zero { get; }

    static abstract TVector Load(byte* source);

    static abstract TVector Xor(TVector a, TVector b);

    static abstract TVector And(TVector a, TVector b);

    static abstract TVector Or(TVector a, TVector b);

    /// <summary>Adds to each 64-bit lane of <paramref name="sum"/> the ones in that lane of <paramref name="bits"/>.</summary>
    static abstract TVector AddOnes(TVector sum, TVector bits);

    /// <summary>The last <paramref name="count"/> bytes as they are, the others 0.</summary>
    static abstract TVector KeepLast(TVector a, int count);

    /// <summary>The sum of the 64-bit lanes.</summary>
    static abstract int Sum(TVector a);

    static abstract Vector128<int> SumFour(TVector a, TVector b, TVector c, TVector d);
}
