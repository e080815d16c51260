// RequestParser: bytes into requests, in place: an array of bulk strings (*2 $3 GET $1 k), or a line of words (inline), which people type.
//
// Nothing is copied but the words of a quoted line. A request that is not whole yet takes nothing; a large one is not looked at anew from its
// beginning each time a piece of it comes in, as long as it is handed the same request: Needed tells how many bytes it takes at least.
//
// Always true: no input makes it read outside of its bytes, hold more than its limits say, or go on after an error.
// The wording of errors is what clients of Redis know.

using System.Buffers.Text;

namespace Aevum.Server.Resp.Protocol;

enum ParseStatus
{
    /// <summary>A request is there.</summary>
    Done,

    /// <summary>More bytes are wanted.</summary>
    More,

    /// <summary>Nothing to do: an empty line or array.</summary>
    Empty,

    /// <summary>The connection has to be closed; <see cref="RequestParser.Error"/> says why.</summary>
    Failed,
}

sealed class RequestParser
{
    /// <summary>Bytes of an inline line, or of the line of a length.</summary>
    const int LineBytesMax = 64 << 10;

    ArgumentRange[] _ranges = new ArgumentRange[16];
    byte[] _inline = [];
    int _count;
    bool _isInline;

    /// <summary>Arguments of one request.</summary>
    public int ArgumentsMax { get; init; } = 1024 * 1024;

    /// <summary>Bytes of one argument.</summary>
    public long BulkBytesMax { get; set; } = 512L << 20;

    /// <summary>Before a client has told who it is, only small requests are read from it.</summary>
    public bool IsAuthenticated { get; set; } = true;

    /// <summary>Why the connection has to be closed.</summary>
    public string Error { get; private set; } = "";

    /// <summary>After More: bytes that the request takes at least, from its beginning.</summary>
    public long Needed { get; private set; }

    /// <summary>The request read last. Valid as long as its bytes.</summary>
    public CommandArguments Arguments(ReadOnlySpan<byte> bytes) => new(_isInline ? _inline : bytes, _ranges.AsSpan(0, _count));

    /// <summary>Reads the request at the beginning of the bytes.</summary>
    /// <param name="taken">Bytes of it.</param>
    public ParseStatus Read(ReadOnlySpan<byte> bytes, out int taken)
    {
        taken = 0;
        _count = 0;
        if (bytes.Length < Needed) return ParseStatus.More;
        Needed = 0;
        if (bytes.IsEmpty) return ParseStatus.More;
        _isInline = bytes[0] != (byte)'*';
        return _isInline ? ReadInline(bytes, out taken) : ReadArray(bytes, out taken);
    }

    ParseStatus ReadArray(ReadOnlySpan<byte> bytes, out int taken)
    {
        taken = 0;
        var at = 1;
        switch (ReadLength(bytes, ref at, out var count))
        {
            case ParseStatus.More: return bytes.Length > LineBytesMax ? Fail("too big mbulk count string") : ParseStatus.More;
            case ParseStatus.Failed: return Fail("invalid multibulk length");
        }
        if (count > ArgumentsMax) return Fail("invalid multibulk length");
        if (count > 10 && !IsAuthenticated) return Fail("unauthenticated multibulk length");
        if (count <= 0)
        {
            taken = at;
            return ParseStatus.Empty;
        }
        // Room as the arguments come in: a length alone costs nothing.
        for (var i = 0; i < count; i++)
        {
            if (at >= bytes.Length) return More(at + 4);
            if (bytes[at] != (byte)'$') return Fail($"expected '$', got '{(char)bytes[at]}'");
            at++;
            switch (ReadLength(bytes, ref at, out var length))
            {
                case ParseStatus.More: return bytes.Length - at > LineBytesMax ? Fail("too big bulk count string") : More(bytes.Length + 1);
                case ParseStatus.Failed: return Fail("invalid bulk length");
            }
            if (length < 0 || length > BulkBytesMax) return Fail("invalid bulk length");
            if (length > 16384 && !IsAuthenticated) return Fail("unauthenticated bulk length");
            if (bytes.Length - at < length + 2) return More(at + length + 2);
            if (_count == _ranges.Length) Array.Resize(ref _ranges, 2 * _ranges.Length);
            _ranges[_count++] = new ArgumentRange(at, (int)length);
            at += (int)length + 2;
        }
        taken = at;
        return ParseStatus.Done;
    }

    // Digits, a carriage return, a line feed.
    static ParseStatus ReadLength(ReadOnlySpan<byte> bytes, ref int at, out long length)
    {
        length = 0;
        var start = at;
        var isNegative = at < bytes.Length && bytes[at] == (byte)'-';
        if (isNegative) at++;
        var digits = at;
        for (; at < bytes.Length; at++)
        {
            var digit = (uint)(bytes[at] - '0');
            if (digit > 9) break;
            if (length > (long.MaxValue - 9) / 10) return ParseStatus.Failed;
            length = (length * 10) + digit;
        }
        if (at == bytes.Length || (at + 1 == bytes.Length && bytes[at] == (byte)'\r'))
        {
            at = start;
            return ParseStatus.More;
        }
        if (at == digits || bytes[at] != (byte)'\r' || bytes[at + 1] != (byte)'\n') return ParseStatus.Failed;
        at += 2;
        if (isNegative) length = -length;
        return ParseStatus.Done;
    }

    ParseStatus More(long needed)
    {
        Needed = needed;
        return ParseStatus.More;
    }

    ParseStatus Fail(string why)
    {
        Error = $"Protocol error: {why}";
        return ParseStatus.Failed;
    }

    // ------------------------------------------------------------------------------------------------ lines

    ParseStatus ReadInline(ReadOnlySpan<byte> bytes, out int taken)
    {
        taken = 0;
        var end = bytes.IndexOf((byte)'\n');
        if (end < 0) return bytes.Length > LineBytesMax ? Fail("too big inline request") : ParseStatus.More;
        if (end > LineBytesMax) return Fail("too big inline request");
        var line = bytes[..end];
        if (line.EndsWith("\r"u8)) line = line[..^1];
        if (_inline.Length < line.Length) _inline = new byte[Math.Max(256, line.Length)];
        if (!TrySplit(line)) return Fail("unbalanced quotes in request");
        taken = end + 1;
        return _count == 0 ? ParseStatus.Empty : ParseStatus.Done;
    }

    // Words apart by blanks; "..." with escapes, '...' with \' only, each followed by a blank or the end.
    bool TrySplit(ReadOnlySpan<byte> line)
    {
        int at = 0, written = 0;
        while (true)
        {
            while (at < line.Length && IsBlank(line[at])) at++;
            if (at == line.Length) return true;
            var start = written;
            while (at < line.Length && !IsBlank(line[at]))
            {
                var letter = line[at++];
                if (letter is not ((byte)'"' or (byte)'\''))
                {
                    _inline[written++] = letter;
                    continue;
                }
                if (!TryReadQuoted(line, letter, ref at, ref written)) return false;
            }
            if (_count == _ranges.Length) Array.Resize(ref _ranges, 2 * _ranges.Length);
            _ranges[_count++] = new ArgumentRange(start, written - start);
        }
    }

    bool TryReadQuoted(ReadOnlySpan<byte> line, byte quote, ref int at, ref int written)
    {
        while (at < line.Length)
        {
            var letter = line[at++];
            if (letter == quote) return at == line.Length || IsBlank(line[at]);
            if (letter == (byte)'\\' && at < line.Length)
            {
                if (quote == (byte)'"') letter = Unescape(line, ref at);
                else if (line[at] == (byte)'\'') letter = line[at++];
            }
            _inline[written++] = letter;
        }
        return false;
    }

    static byte Unescape(ReadOnlySpan<byte> line, ref int at)
    {
        var letter = line[at++];
        if (letter == (byte)'x' && at + 2 <= line.Length && Utf8Parser.TryParse(line.Slice(at, 2), out byte value, out var read, 'x') && read == 2)
        {
            at += 2;
            return value;
        }
        return letter switch
        {
            (byte)'n' => (byte)'\n',
            (byte)'r' => (byte)'\r',
            (byte)'t' => (byte)'\t',
            (byte)'b' => (byte)'\b',
            (byte)'a' => (byte)'\a',
            _ => letter,
        };
    }

    static bool IsBlank(byte letter) => letter is (byte)' ' or (>= 9 and <= 13) or 0;
}
