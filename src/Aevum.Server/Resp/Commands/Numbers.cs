// Numbers: numbers as clients of Redis write them: whole ones of 64 bits in their only form (no plus, no zeros in front), floating ones as C's strtod
// reads them: in digits of ten or, behind 0x, of sixteen, or inf, of any length, with nothing around them. What a double cannot hold is refused;
// only the ends of ranges take the nearest that it can.

using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

static class Numbers
{
    const int PowerMax = 5000;   // of 2, behind 0x

    static readonly SearchValues<byte> Zeros = SearchValues.Create("+-.0xX"u8);

    public static bool TryInteger(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        if (text.IsEmpty || text.Length > 20) return false;
        var first = text[0] == (byte)'-' ? 1 : 0;
        // "0" is a number, "-0", "007" and "+7" are none.
        if (first == text.Length || (text[first] == (byte)'0' && text.Length > 1) || text[first] is < (byte)'0' or > (byte)'9') return false;
        return Utf8Parser.TryParse(text, out number, out var read) && read == text.Length;
    }

    /// <returns>False: it is no number, or one too large or too small for a double.</returns>
    public static bool TryDouble(ReadOnlySpan<byte> text, out double number)
    {
        if (!TryNearest(text, out number, out var isWord)) return false;
        return isWord || (double.IsFinite(number) && (number != 0 || IsZero(text)));
    }

    /// <summary>Reads the end of a range: too large is infinite, too small is 0, blanks in front are passed over, and nothing at all is 0.</summary>
    public static bool TryEnd(ReadOnlySpan<byte> text, out double number)
    {
        number = 0;
        if (text.IsEmpty) return true;
        while (!text.IsEmpty && text[0] is (byte)' ' or >= 9 and <= 13) text = text[1..];
        return TryNearest(text, out number, out _);
    }

    // Whether the number's digits, those before its exponent, are all 0.
    static bool IsZero(ReadOnlySpan<byte> text)
    {
        var isHexadecimal = text.IndexOfAny((byte)'x', (byte)'X') >= 0;
        var exponent = isHexadecimal ? text.IndexOfAny((byte)'p', (byte)'P') : text.IndexOfAny((byte)'e', (byte)'E');
        return (exponent < 0 ? text : text[..exponent]).IndexOfAnyExcept(Zeros) < 0;
    }

    /// <summary>Reads a number of any size: too large is infinite, too small is 0.</summary>
    /// <param name="isWord">It was inf.</param>
    public static bool TryNearest(ReadOnlySpan<byte> text, out double number, out bool isWord)
    {
        number = 0;
        isWord = false;
        if (text.IsEmpty) return false;
        var sign = text[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        var word = text[sign..];
        if (Words.EqualsIgnoreCase(word, "inf"u8) || Words.EqualsIgnoreCase(word, "infinity"u8))
        {
            number = text[0] == (byte)'-' ? double.NegativeInfinity : double.PositiveInfinity;
            isWord = true;
            return true;
        }
        if (word.Length > 2 && word[0] == (byte)'0' && (word[1] | 0x20) == 'x') return TryHexadecimal(word[2..], text[0] == (byte)'-', out number);
        if (word.IsEmpty || word[0] is not ((>= (byte)'0' and <= (byte)'9') or (byte)'.')) return false;
        return double.TryParse(text, NumberStyles.Float & ~(NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite),
            CultureInfo.InvariantCulture, out number) && !double.IsNaN(number);
    }

    // Behind 0x: 1f, 1.8, 1p-3.
    static bool TryHexadecimal(ReadOnlySpan<byte> text, bool isNegative, out double number)
    {
        number = 0;
        var exponent = text.IndexOfAny((byte)'p', (byte)'P');
        long power = 0;
        if (exponent >= 0)
        {
            var digits = text[(exponent + 1)..];
            if (!digits.IsEmpty && digits[0] == (byte)'+') digits = digits[1..];
            if (!TryInteger(digits, out power) || Math.Abs(power) > PowerMax) return false;
            text = text[..exponent];
        }
        var (count, scale, hasPoint) = (0, 0, false);
        foreach (var letter in text)
        {
            if (letter == (byte)'.' && !hasPoint)
            {
                hasPoint = true;
                continue;
            }
            if (!char.IsAsciiHexDigit((char)letter)) return false;
            number = (number * 16) + (letter <= (byte)'9' ? letter - '0' : (letter | 0x20) - 'a' + 10);
            count++;
            if (hasPoint) scale -= 4;
        }
        number = Math.ScaleB(isNegative ? -number : number, (int)power + scale);
        return count > 0;
    }
}
