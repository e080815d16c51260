// LongDouble: sums of floating numbers as Redis computes them on the machines that most know it from: with 64 bits of mantissa (x87's extended
// precision), shown with 17 digits behind the point and without the zeros at their end. So 10.5 and 0.1 are 10.6, whatever doubles make of it.
//
// Value: mantissa * 2^exponent, the mantissa of at most 64 bits; rounding to nearest, ties to even. Exponents are those that x87 has, but for the
// smallest numbers, which are 0 here: no text of 17 digits shows them.

using System.Numerics;
using System.Text;

namespace Aevum.Server.Resp.Commands;

readonly struct LongDouble
{
    const int MantissaBits = 64;
    const int ExponentMax = 16384 - MantissaBits;   // of a mantissa of 64 bits
    const int DigitsShown = 17;
    const int TextBytesMax = 256;
    const int DecimalExponentMax = 4940;

    readonly BigInteger _mantissa;
    readonly int _exponent;

    LongDouble(BigInteger mantissa, int exponent) => (_mantissa, _exponent) = (mantissa, exponent);

    public static LongDouble Zero => default;

    /// <returns>False: it is no number, or none that is finite.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out LongDouble number)
    {
        number = default;
        if (text.IsEmpty || text.Length > TextBytesMax) return false;
        var at = text[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        var digits = BigInteger.Zero;
        var (count, scale) = (0, 0);
        var hasPoint = false;
        for (; at < text.Length; at++)
        {
            if (text[at] == (byte)'.' && !hasPoint)
            {
                hasPoint = true;
                continue;
            }
            if (text[at] is < (byte)'0' or > (byte)'9') break;
            digits = (digits * 10) + (text[at] - '0');
            count++;
            if (hasPoint) scale--;
        }
        if (count == 0) return false;
        if (at < text.Length)
        {
            if (text[at] is not ((byte)'e' or (byte)'E') || !TryReadExponent(text[(at + 1)..], out var exponent)) return false;
            scale += exponent;
        }
        if (digits.IsZero) return true;
        if (text[0] == (byte)'-') digits = -digits;
        if (scale > DecimalExponentMax) return false;
        if (scale < -2 * DecimalExponentMax) return true;
        return scale >= 0
            ? TryRound(digits * BigInteger.Pow(10, scale), BigInteger.One, out number)
            : TryRound(digits, BigInteger.Pow(10, -scale), out number);
    }

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
