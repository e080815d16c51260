// ScalarCodeDistance: sums over int16 queries and int8 codes, exact in 32 bits, for registers of 512, 256 and 128 bits (portable).
//
// Every metric is a sum of products of two int16 (difference by difference, query by code, size of difference by one), which one instruction of the CPU
// multiplies and adds in pairs. Codes are a multiple of 16 bytes, so there is no tail. Sums are taken modulo 2^32: what is summed fits (ScalarQuantizer).

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors.Quantization;

/// <summary>The two factors whose product a component adds.</summary>
interface ICodeTerm
{
    static abstract bool IsSigned { get; }

    static abstract Vector512<short> Left(Vector512<short> query, Vector512<short> code);

    static abstract Vector512<short> Right(Vector512<short> query, Vector512<short> code);

    static abstract Vector256<short> Left(Vector256<short> query, Vector256<short> code);

    static abstract Vector256<short> Right(Vector256<short> query, Vector256<short> code);
}

readonly struct CodeSquare : ICodeTerm
{
    public static bool IsSigned => false;

    public static Vector512<short> Left(Vector512<short> query, Vector512<short> code) => query - code;

    public static Vector512<short> Right(Vector512<short> query, Vector512<short> code) => query - code;

    public static Vector256<short> Left(Vector256<short> query, Vector256<short> code) => query - code;

    public static Vector256<short> Right(Vector256<short> query, Vector256<short> code) => query - code;
}

readonly struct CodeProduct : ICodeTerm
{
    public static bool IsSigned => true;

    public static Vector512<short> Left(Vector512<short> query, Vector512<short> code) => query;

    public static Vector512<short> Right(Vector512<short> query, Vector512<short> code) => code;

    public static Vector256<short> Left(Vector256<short> query, Vector256<short> code) => query;

    public static Vector256<short> Right(Vector256<short> query, Vector256<short> code) => code;
}

readonly struct CodeAbsolute : ICodeTerm
{
    public static bool IsSigned => false;

    public static Vector512<short> Left(Vector512<short> query, Vector512<short> code) => Vector512.Abs(query - code);

    public static Vector512<short> Right(Vector512<short> query, Vector512<short> code) => Vector512<short>.One;

    public static Vector256<short> Left(Vector256<short> query, Vector256<short> code) => Vector256.Abs(query - code);

    public static Vector256<short> Right(Vector256<short> query, Vector256<short> code) => Vector256<short>.One;
}

/// <param name="codeBytes">A multiple of 16.</param>
/// <param name="width">Null: the widest this machine has. Tests ask for the others.</param>
readonly unsafe struct ScalarCodeDistance<TTerm>(int codeBytes, KernelWidth? width = null) : IDistance
    where TTerm : struct, ICodeTerm
{
    readonly int _bytes = codeBytes;
    readonly bool _wide = Avx512BW.IsSupported && width is null or KernelWidth.Bits512;

    public float One(byte* query, byte* code)
    {
        if (_wide)
        {
            Vector512<int> even = default, odd = default;
            var i = 0;
            for (; i <= _bytes - 64; i += 64)
            {
                even += Wide(Vector512.Load((short*)query + i), code + i);
                odd += Wide(Vector512.Load((short*)query + i + 32), code + i + 32);
            }
            if (i <= _bytes - 32)
            {
                even += Wide(Vector512.Load((short*)query + i), code + i);
                i += 32;
            }
            if (i < _bytes) odd += Vector512.Create(Narrow(Vector256.Load((short*)query + i), code + i), default);
            return Finish(query, Vector512.Sum(even + odd));
        }
        Vector256<int> sum = default;
        for (var i = 0; i < _bytes; i += 16) sum += Narrow(Vector256.Load((short*)query + i), code + i);
        return Finish(query, Vector256.Sum(sum));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        var sums = _wide ? FourWide((short*)query, a, b, c, d) : FourNarrow((short*)query, a, b, c, d);
        var tail = (float*)(query + (_bytes * sizeof(short)));
        // Whole numbers without a sign are turned exactly to the nearest float by way of the CPU's own conversion of both halves.
        var floats = TTerm.IsSigned ? Vector128.ConvertToSingle(sums) : Vector128.ConvertToSingle(sums.AsUInt32());
        (Vector128.Create(tail[0]) + (Vector128.Create(tail[1]) * floats)).Store(results);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector128<int> FourWide(short* query, byte* a, byte* b, byte* c, byte* d)
    {
        Vector512<int> sumA = default, sumB = default, sumC = default, sumD = default;
        nint i = 0, bytes = _bytes;
        for (; i <= bytes - 32; i += 32)
        {
            var q = Vector512.Load(query + i);
            sumA += Wide(q, a + i);
            sumB += Wide(q, b + i);
            sumC += Wide(q, c + i);
            sumD += Wide(q, d + i);
        }
        // Halves to quarters, shared by all four.
        var (halfA, halfB) = (sumA.GetLower() + sumA.GetUpper(), sumB.GetLower() + sumB.GetUpper());
        var (halfC, halfD) = (sumC.GetLower() + sumC.GetUpper(), sumD.GetLower() + sumD.GetUpper());
        if (i < bytes)
        {
            var q = Vector256.Load(query + i);
            halfA += Narrow(q, a + i);
            halfB += Narrow(q, b + i);
            halfC += Narrow(q, c + i);
            halfD += Narrow(q, d + i);
        }
        return SumFour(halfA, halfB, halfC, halfD);
    }

    Vector128<int> FourNarrow(short* query, byte* a, byte* b, byte* c, byte* d)
    {
        Vector256<int> sumA = default, sumB = default, sumC = default, sumD = default;
        for (nint i = 0; i < _bytes; i += 16)
        {
            var q = Vector256.Load(query + i);
            sumA += Narrow(q, a + i);
            sumB += Narrow(q, b + i);
            sumC += Narrow(q, c + i);
            sumD += Narrow(q, d + i);
        }
        return SumFour(sumA, sumB, sumC, sumD);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> SumFour(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d)
    {
        if (!Avx2.IsSupported) return Vector128.Create(Vector256.Sum(a), Vector256.Sum(b), Vector256.Sum(c), Vector256.Sum(d));
        var pairs = Avx2.HorizontalAdd(Avx2.HorizontalAdd(a, b), Avx2.HorizontalAdd(c, d));
        return pairs.GetLower() + pairs.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<int> Wide(Vector512<short> query, byte* code)
    {
        var widened = Avx512BW.ConvertToVector512Int16(Vector256.Load((sbyte*)code));
        return Avx512BW.MultiplyAddAdjacent(TTerm.Left(query, widened), TTerm.Right(query, widened));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<int> Narrow(Vector256<short> query, byte* code)
    {
        var sixteen = Vector128.Load((sbyte*)code);
        var widened = Vector256.Create(Vector128.WidenLower(sixteen), Vector128.WidenUpper(sixteen));
        var (left, right) = (TTerm.Left(query, widened), TTerm.Right(query, widened));
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(left, right);
        return (Vector256.WidenLower(left) * Vector256.WidenLower(right)) + (Vector256.WidenUpper(left) * Vector256.WidenUpper(right));
    }

    float Finish(byte* query, int sum)
    {
        var tail = (float*)(query + (_bytes * sizeof(short)));
        return tail[0] + (tail[1] * (TTerm.IsSigned ? sum : (uint)sum));
    }
}
