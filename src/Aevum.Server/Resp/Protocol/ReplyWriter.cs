// ReplyWriter: replies as bytes, in the second or the third version of the protocol; what only the third has, the second gets in its own terms.
//
// A reply of several parts announces how many; where that is known only afterwards, a place is kept for it (BeginArray, EndArray).

using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Aevum.Server.Resp.Protocol;

sealed class ReplyWriter
{
    const int NumberBytesMax = 32;
    const int LengthBytes = 11;   // digits kept for a count that is not known yet

    byte[] _bytes = new byte[4096];
    int _length;

    /// <summary>2 or 3.</summary>
    public int Version { get; set; } = 2;

    /// <summary>Set where the reply is one that a client gets though it wants none.</summary>
    public bool IsPush { get; set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public int Length => _length;

    public void Clear()
    {
        _length = 0;
        IsPush = false;
        if (_bytes.Length > 1 << 20) _bytes = new byte[4096];
    }

    /// <summary>Takes back what was written behind a length.</summary>
    public void Truncate(int length) => _length = length;

    public void Ok() => Raw("+OK\r\n"u8);

    public void Simple(ReadOnlySpan<byte> text) => Line((byte)'+', text);

    public void Simple(string text) => Simple(Encoding.UTF8.GetBytes(text));

    /// <param name="text">With its code before it: "ERR ...".</param>
    public void Error(ReadOnlySpan<byte> text) => Line((byte)'-', text);

    public void Error(string text)
    {
        // A reply is one line, whatever a client had it say.
        Error(Encoding.UTF8.GetBytes(text.Replace('\r', ' ').Replace('\n', ' ')));
    }

    public void Integer(long number) => Number((byte)':', number);

    public void Bulk(ReadOnlySpan<byte> bytes)
    {
        Number((byte)'$', bytes.Length);
        var room = Room(bytes.Length + 2);
        bytes.CopyTo(room);
        room[bytes.Length] = (byte)'\r';
        room[bytes.Length + 1] = (byte)'\n';
        _length += bytes.Length + 2;
    }

    public void Bulk(string text) => Bulk(Encoding.UTF8.GetBytes(text));

    /// <summary>A number as text.</summary>
    public void BulkInteger(long number)
    {
        Span<byte> text = stackalloc byte[NumberBytesMax];
        Utf8Formatter.TryFormat(number, text, out var length);
        Bulk(text[..length]);
    }

    /// <summary>Nothing, where a value was asked for.</summary>
    public void Null() => Raw(Version >= 3 ? "_\r\n"u8 : "$-1\r\n"u8);

    /// <summary>Nothing, where a list was asked for.</summary>
    public void NullArray() => Raw(Version >= 3 ? "_\r\n"u8 : "*-1\r\n"u8);

    public void Array(long count) => Number((byte)'*', count);

    public void Map(long pairs) => Number(Version >= 3 ? (byte)'%' : (byte)'*', Version >= 3 ? pairs : 2 * pairs);

    public void Set(long count) => Number(Version >= 3 ? (byte)'~' : (byte)'*', count);

    /// <summary>What the server says unasked.</summary>
    public void Push(long count) => Number(Version >= 3 ? (byte)'>' : (byte)'*', count);

    public void Boolean(bool value)
    {
        if (Version >= 3) Raw(value ? "#t\r\n"u8 : "#f\r\n"u8);
        else Integer(value ? 1 : 0);
    }

    public void Double(double value)
    {
        Span<byte> text = stackalloc byte[NumberBytesMax];
        var length = FormatDouble(value, text);
        if (Version >= 3) Line((byte)',', text[..length]);
        else Bulk(text[..length]);
    }

    /// <summary>Text for people.</summary>
    public void Verbatim(ReadOnlySpan<byte> text)
    {
        if (Version < 3)
        {
            Bulk(text);
            return;
        }
        Number((byte)'=', text.Length + 4);
        Raw("txt:"u8);
        Raw(text);
        Raw("\r\n"u8);
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Begins a reply of parts that are counted as they come.</summary>
    /// <param name="kind">'*', '%', '~'.</param>
    /// <returns>For <see cref="EndArray"/>.</returns>
    public int BeginArray(char kind = '*')
    {
        var at = _length;
        var room = Room(LengthBytes + 3);
        room[0] = (byte)(Version >= 3 ? kind : '*');
        _length += LengthBytes + 3;
        return at;
    }

    /// <summary>Ends it. The count is written without the zeros that some clients would not read.</summary>
    public void EndArray(int at, long count)
    {
        Span<byte> digits = stackalloc byte[NumberBytesMax];
        Utf8Formatter.TryFormat(count, digits, out var length);
        var parts = _bytes.AsSpan(at + LengthBytes + 3, _length - at - LengthBytes - 3);
        digits[..length].CopyTo(_bytes.AsSpan(at + 1));
        _bytes[at + 1 + length] = (byte)'\r';
        _bytes[at + 2 + length] = (byte)'\n';
        var moved = LengthBytes - length;
        if (moved > 0) parts.CopyTo(_bytes.AsSpan(at + length + 3));
        _length -= moved;
    }

    /// <summary>Seventeen digits, without zeros at their end; whole numbers without a point: as Redis 7.0 shows them (7.2 took to the fewest digits that read
    /// back as the same number).</summary>
    public static int FormatDouble(double value, Span<byte> target)
    {
        if (double.IsPositiveInfinity(value)) return Copy("inf"u8, target);
        if (double.IsNegativeInfinity(value)) return Copy("-inf"u8, target);
        if (double.IsNaN(value)) return Copy("nan"u8, target);
        if (value == Math.Truncate(value) && Math.Abs(value) < 1e17)
        {
            if (value == 0 && double.IsNegative(value)) return Copy("-0"u8, target);
            Utf8Formatter.TryFormat((long)value, target, out var whole);
            return whole;
        }
        return Copy(SeventeenDigits(value), target);
    }

    static ReadOnlySpan<byte> SeventeenDigits(double value)
    {
        var text = value.ToString("G17", CultureInfo.InvariantCulture);
        // "1E+20" and "1.5E-07" as C's %.17g would: a small e, and no zero before the exponent's second digit is dropped.
        var e = text.IndexOf('E', StringComparison.Ordinal);
        if (e >= 0) text = $"{text[..e]}e{text[e + 1]}{text[(e + 2)..].PadLeft(2, '0')}";
        return Encoding.ASCII.GetBytes(text);
    }

    static int Copy(ReadOnlySpan<byte> text, Span<byte> target)
    {
        text.CopyTo(target);
        return text.Length;
    }

    void Line(byte kind, ReadOnlySpan<byte> text)
    {
        var room = Room(text.Length + 3);
        room[0] = kind;
        text.CopyTo(room[1..]);
        room[text.Length + 1] = (byte)'\r';
        room[text.Length + 2] = (byte)'\n';
        _length += text.Length + 3;
    }

    void Number(byte kind, long number)
    {
        var room = Room(NumberBytesMax + 3);
        room[0] = kind;
        int length;
        if ((ulong)number < 10)
        {
            room[1] = (byte)('0' + number);
            length = 1;
        }
        else
        {
            Utf8Formatter.TryFormat(number, room[1..], out length);
        }
        room[length + 1] = (byte)'\r';
        room[length + 2] = (byte)'\n';
        _length += length + 3;
    }

    Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes) System.Array.Resize(ref _bytes, Math.Max(_length + bytes, 2 * _bytes.Length));
        return _bytes.AsSpan(_length);
    }
}
