using System.Buffers.Text;

namespace Aevum.Cli.Benching;

/// <summary>Requests on their way out, one behind the other. Kept and used again: nothing is allocated for a request.</summary>
sealed class RequestBuffer
{
    byte[] _bytes = new byte[4096];
    int _length;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Begins a request of so many words, its name among them.</summary>
    public void Begin(int words) => Header((byte)'*', words);

    public void Word(ReadOnlySpan<byte> word)
    {
        Header((byte)'$', word.Length);
        Raw(word);
        Raw("\r\n"u8);
    }

    public void Word(long number)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var length);
        Word(digits[..length]);
    }

    /// <summary>A word of two parts: a prefix and a number.</summary>
    public void Word(ReadOnlySpan<byte> prefix, long number)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var length);
        Header((byte)'$', prefix.Length + length);
        Raw(prefix);
        Raw(digits[..length]);
        Raw("\r\n"u8);
    }

    void Header(byte kind, int number)
    {
        var room = Room(16);
        room[0] = kind;
        Utf8Formatter.TryFormat(number, room[1..], out var digits);
        room[digits + 1] = (byte)'\r';
        room[digits + 2] = (byte)'\n';
        _length += digits + 3;
    }

    void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _length + bytes));
        return _bytes.AsSpan(_length);
    }
}
