// LongDouble: sums of floating numbers as Redis computes them on the machines that most know it from: with 64 bits of mantissa (x87's extended
// precision), shown with 17 digits behind the point and without the zeros at their end. So 10.5 and 0.1 are 10.6, whatever doubles make of it.
//
// Value: mantissa * 2^exponent, the mantissa of at most 64 bits; rounding to nearest, ties to even. Exponents are those that x87 has, but for the
// smallest numbers, which are 0 here: no text of 17 digits shows them.

using System.Numerics;
using System.Text;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

readonly struct LongDouble
{
    const int MantissaBits = 64;
    const int ExponentMax = 16384 - MantissaBits;   // of a mantissa of 64 bits
    const int DigitsShown = 17;
    const int TextBytesMax = (5 << 10) - 1;
    const int ScaleMax = 12_000;                  // of 10: the longest text of a finite number has less
    const int HexScaleMax = 40_000;               // of 2
    const int ExponentOfVanishing = -16446;       // of 2: half of the smallest number

    readonly BigInteger _mantissa;
    readonly int _exponent;

    LongDouble(BigInteger mantissa, int exponent) => (_mantissa, _exponent) = (mantissa, exponent);

    public static LongDouble Zero => default;

    /// <summary>Whether a text is inf or infinity, signed or not.</summary>
    public static bool IsInfinite(ReadOnlySpan<byte> text)
    {
        if (!text.IsEmpty && text[0] is (byte)'-' or (byte)'+') text = text[1..];
        return Words.EqualsIgnoreCase(text, "inf"u8) || Words.EqualsIgnoreCase(text, "infinity"u8);
    }

    /// <summary>Reads a number as C does: decimal or hexadecimal (0x1.8p3), with or without an exponent.</summary>
    /// <returns>False: it is no number, or none that is finite, or too small to be told from 0.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out LongDouble number)
    {
        number = default;
        if (text.IsEmpty || text.Length > TextBytesMax) return false;
        var isNegative = text[0] == (byte)'-';
        if (isNegative || text[0] == (byte)'+') text = text[1..];
        var isHex = text.Length > 2 && text[0] == (byte)'0' && (text[1] | 0x20) == 'x';
        if (isHex) text = text[2..];
        if (!TryReadDigits(ref text, isHex ? 16u : 10u, out var digits, out var scale)) return false;
        var exponent = 0;
        if (!text.IsEmpty && ((text[0] | 0x20) != (isHex ? 'p' : 'e') || !TryReadExponent(text[1..], out exponent))) return false;
        if (digits.IsZero) return true;
        if (isNegative) digits = -digits;
        exponent += isHex ? 4 * scale : scale;
        // Far out the powers themselves would be as long.
        if (Math.Abs(exponent) > (isHex ? HexScaleMax : ScaleMax)) return false;
        var power = isHex ? BigInteger.One << Math.Abs(exponent) : BigInteger.Pow(10, Math.Abs(exponent));
        return (exponent >= 0 ? TryRound(digits * power, BigInteger.One, out number) : TryRound(digits, power, out number)) && !number.Vanishes;
    }

    // x87 would take it for 0: it is at most half of its smallest number.
    bool Vanishes
    {
        get
        {
            var highest = _exponent + (int)BigInteger.Abs(_mantissa).GetBitLength() - 1;
            return highest < ExponentOfVanishing || (highest == ExponentOfVanishing && BigInteger.Abs(_mantissa).IsPowerOfTwo);
        }
    }

    /// <param name="text">Digits with a point among them or not; what is behind them is left.</param>
    /// <param name="scale">Digits behind the point, below 0.</param>
    static bool TryReadDigits(ref ReadOnlySpan<byte> text, uint radix, out BigInteger digits, out int scale)
    {
        digits = BigInteger.Zero;
        scale = 0;
        var (count, hasPoint, at) = (0, false, 0);
        var (part, weight) = (0UL, 1UL);   // several digits at once: long numbers cost by their parts
        for (; at < text.Length; at++)
        {
            if (text[at] == (byte)'.' && !hasPoint)
            {
                hasPoint = true;
                continue;
            }
            var digit = (uint)ValueOf(text[at]);
            if (digit >= radix) break;
            if (weight > ulong.MaxValue / 256)
            {
                digits = (digits * weight) + part;
                (part, weight) = (0, 1);
            }
            part = (part * radix) + digit;
            weight *= radix;
            count++;
            if (hasPoint) scale--;
        }
        digits = (digits * weight) + part;
        text = text[at..];
        return count > 0;
    }

    static int ValueOf(byte letter) => letter switch
    {
        >= (byte)'0' and <= (byte)'9' => letter - '0',
        >= (byte)'a' and <= (byte)'f' => letter - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => letter - 'A' + 10,
        _ => -1,
    };

    static bool TryReadExponent(ReadOnlySpan<byte> text, out int exponent)
    {
        exponent = 0;
        var at = text.Length > 0 && text[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        if (at == text.Length) return false;
        for (var i = at; i < text.Length; i++)
        {
            if (text[i] is < (byte)'0' or > (byte)'9') return false;
            if (exponent < 100_000) exponent = (exponent * 10) + (text[i] - '0');
        }
        if (text[0] == (byte)'-') exponent = -exponent;
        return true;
    }

    /// <returns>False: the sum is too large.</returns>
    public static bool TryAdd(LongDouble a, LongDouble b, out LongDouble sum)
    {
        var low = Math.Min(a._exponent, b._exponent);
        var exact = (a._mantissa << (a._exponent - low)) + (b._mantissa << (b._exponent - low));
        return low >= 0 ? TryRound(exact << low, BigInteger.One, out sum) : TryRound(exact, BigInteger.One << -low, out sum);
    }

    // The number nearest to a quotient.
    static bool TryRound(BigInteger dividend, BigInteger divisor, out LongDouble number)
    {
        number = default;
        if (dividend.IsZero) return true;
        var isNegative = dividend.Sign < 0;
        dividend = BigInteger.Abs(dividend);
        // A quotient of 65 bits or one more, and what is left of it says which way a tie goes.
        var shift = MantissaBits + 1 - (int)(dividend.GetBitLength() - divisor.GetBitLength());
        var quotient = BigInteger.DivRem(shift >= 0 ? dividend << shift : dividend, shift >= 0 ? divisor : divisor << -shift, out var rest);
        var extra = (int)quotient.GetBitLength() - MantissaBits;
        var mantissa = quotient >> extra;
        var dropped = quotient - (mantissa << extra);
        var half = BigInteger.One << (extra - 1);
        if (dropped > half || (dropped == half && (!rest.IsZero || !mantissa.IsEven))) mantissa += 1;
        var exponent = extra - shift;
        if (mantissa.GetBitLength() > MantissaBits)
        {
            mantissa >>= 1;
            exponent++;
        }
        if (exponent > ExponentMax) return false;
        number = new LongDouble(isNegative ? -mantissa : mantissa, exponent);
        return true;
    }

    /// <summary>Digits, a point where one is needed, and 17 digits behind it without zeros at the end.</summary>
    public byte[] ToText()
    {
        var scaled = BigInteger.Abs(_mantissa) * BigInteger.Pow(10, DigitsShown);
        if (_exponent >= 0)
        {
            scaled <<= _exponent;
        }
        else
        {
            var rest = scaled & ((BigInteger.One << -_exponent) - 1);
            scaled >>= -_exponent;
            var half = BigInteger.One << (-_exponent - 1);
            if (rest > half || (rest == half && !scaled.IsEven)) scaled += 1;
        }
        if (scaled.IsZero) return "0"u8.ToArray();
        var digits = scaled.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(DigitsShown + 1, '0');
        var text = $"{digits[..^DigitsShown]}.{digits[^DigitsShown..]}".TrimEnd('0').TrimEnd('.');
        return Encoding.ASCII.GetBytes(_mantissa.Sign < 0 ? "-" + text : text);
    }
}
