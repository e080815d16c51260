// Numbers: numbers as clients of Redis write them: whole ones of 64 bits in their only form (no plus, no zeros in front), floating ones with inf and
// nothing around them.

using System.Buffers.Text;
using System.Globalization;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

static class Numbers
{
    public static bool TryInteger(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        if (text.IsEmpty || text.Length > 20) return false;
        var first = text[0] == (byte)'-' ? 1 : 0;
        // "0" is a number, "-0", "007" and "+7" are none.
        if (first == text.Length || (text[first] == (byte)'0' && text.Length > 1) || text[first] is < (byte)'0' or > (byte)'9') return false;
        return Utf8Parser.TryParse(text, out number, out var read) && read == text.Length;
    }

    public static bool TryDouble(ReadOnlySpan<byte> text, out double number)
    {
        number = 0;
        if (text.IsEmpty || text.Length > 256) return false;
        var sign = text[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        var word = text[sign..];
        if (Words.EqualsIgnoreCase(word, "inf"u8) || Words.EqualsIgnoreCase(word, "infinity"u8))
        {
            number = text[0] == (byte)'-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }
        if (word.IsEmpty || word[0] is not ((>= (byte)'0' and <= (byte)'9') or (byte)'.')) return false;
        return double.TryParse(text, NumberStyles.Float & ~(NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite),
            CultureInfo.InvariantCulture, out number) && !double.IsNaN(number);
    }
}
