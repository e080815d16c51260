// FieldType: numbers of so many bits, as BITFIELD knows them (i5, u63), and what becomes of a sum that they cannot hold.
//
// One thing is not as in Redis 7.0.15: SET with OVERFLOW SAT, given a number so far below a signed field's least one that the distance to its greatest
// one is no number of 64 bits, stores the field's greatest there and its least one here.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Bitmaps;

/// <summary>What is done with a number that does not fit.</summary>
enum FieldOverflow
{
    /// <summary>Its low bits are kept.</summary>
    Wrap,

    /// <summary>The nearest number that fits is taken.</summary>
    Saturate,

    /// <summary>Nothing is written.</summary>
    Fail,
}

readonly record struct FieldType(bool IsSigned, int Width)
{
    /// <summary>Reads i1 to i64 or u1 to u63.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out FieldType type)
    {
        type = default;
        if (text.IsEmpty || text[0] is not ((byte)'i' or (byte)'u') || !Numbers.TryInteger(text[1..], out var width)) return false;
        var isSigned = text[0] == (byte)'i';
        if (width < 1 || width > (isSigned ? 64 : 63)) return false;
        type = new FieldType(isSigned, (int)width);
        return true;
    }

    Int128 Max => (Int128.One << (IsSigned ? Width - 1 : Width)) - 1;

    Int128 Min => IsSigned ? -(Int128.One << (Width - 1)) : 0;

    /// <summary>The number in a field's bits.</summary>
    public long NumberOf(ulong bits) => IsSigned ? (long)(bits << (64 - Width)) >> (64 - Width) : (long)bits;

    /// <summary>Brings a number into the type.</summary>
    /// <returns>False: it does not fit, and nothing is to be written.</returns>
    public bool TryFit(Int128 number, FieldOverflow overflow, out long fitted)
    {
        fitted = (long)(ulong)(number & ulong.MaxValue);
        if (number >= Min && number <= Max) return true;
        switch (overflow)
        {
            case FieldOverflow.Fail:
                return false;
            case FieldOverflow.Saturate:
                fitted = (long)(number > Max ? Max : Min);
                return true;
            default:
                fitted = NumberOf(((ulong)fitted) & (ulong.MaxValue >> (64 - Width)));
                return true;
        }
    }

    /// <summary>What a client gives to be set: without a sign what is below 0 counts as what its bits are as a number of 64 of them.</summary>
    public Int128 Given(long number) => IsSigned ? number : (Int128)(ulong)number;
}
