// RespReader: replies out of a stream of bytes, in the second and the third version of the protocol. What is no reply is an error, never a hang in
// memory: lengths and depths are bounded, and room grows with what has really come.

using System.Globalization;
using System.Text;
using Aevum.Core.Errors;

namespace Aevum.Cli.Connecting;

sealed class RespReader(Stream stream)
{
    const int LineMax = 64 << 10;
    const int BytesMax = 1 << 30;
    const int DepthMax = 64;
    const int PartsAtFirst = 1024;

    readonly byte[] _buffer = new byte[32 << 10];
    int _start;
    int _end;

    /// <exception cref="AevumException">InputOutput: the connection ended, or what came is no reply.</exception>
    public RespReply Read() => Read(0);

    RespReply Read(int depth)
    {
        if (depth > DepthMax) throw NoReply("is nested too deeply");
        var line = ReadLine();
        if (line.Length == 0) throw NoReply("is empty");
        var rest = line.AsSpan(1);
        switch ((char)line[0])
        {
            case '+': return RespReply.Of(RespKind.Status, rest.ToArray());
            case '-': return RespReply.Of(RespKind.Error, rest.ToArray());
            case ':': return RespReply.Of(RespKind.Integer, Number(rest));
            case ',': return RespReply.Of(RespKind.Double, rest.ToArray());
            case '(': return RespReply.Of(RespKind.BigNumber, rest.ToArray());
            case '#' when rest.Length == 1: return RespReply.Of(RespKind.Boolean, rest[0] == 't' ? 1 : 0);
            case '_': return RespReply.Nil;
            case '$': return Number(rest) is var length && length < 0 ? RespReply.Nil : RespReply.Of(RespKind.Text, ReadBytes(length));
            case '!': return RespReply.Of(RespKind.Error, ReadBytes(Number(rest)));
            case '=': return RespReply.Of(RespKind.Verbatim, ReadBytes(Number(rest)));
            case '*': return Number(rest) is var count && count < 0 ? RespReply.Nil : RespReply.Of(RespKind.Array, ReadParts(count, depth));
            case '~': return RespReply.Of(RespKind.Set, ReadParts(Number(rest), depth));
            case '>': return RespReply.Of(RespKind.Push, ReadParts(Number(rest), depth));
            case '%': return RespReply.Of(RespKind.Map, ReadParts(checked(2 * Math.Clamp(Number(rest), 0, BytesMax)), depth));
            case '|':
                ReadParts(2 * Math.Clamp(Number(rest), 0, BytesMax), depth);   // about the reply that follows; nobody asked for it
                return Read(depth);
            default: throw NoReply($"begins with '{(char)line[0]}'");
        }
    }

    List<RespReply> ReadParts(long count, int depth)
    {
        if (count is < 0 or > BytesMax) throw NoReply($"has {count} parts");
        var parts = new List<RespReply>((int)Math.Min(count, PartsAtFirst));
        for (; count > 0; count--) parts.Add(Read(depth + 1));
        return parts;
    }

    byte[] ReadBytes(long length)
    {
        if (length is < 0 or > BytesMax) throw NoReply($"has {length} bytes");
        using var bytes = new MemoryStream();
        while (bytes.Length < length)
        {
            if (_start == _end) Fill();
            var taken = (int)Math.Min(length - bytes.Length, _end - _start);
            bytes.Write(_buffer, _start, taken);
            _start += taken;
        }
        if (Next() != '\r' || Next() != '\n') throw NoReply("does not end where it should");
        return bytes.ToArray();
    }

    byte[] ReadLine()
    {
        using var line = new MemoryStream();
        while (true)
        {
            var next = Next();
            if (next == '\r')
            {
                if (Next() != '\n') throw NoReply("has half a line end");
                return line.ToArray();
            }
            if (line.Length == LineMax) throw NoReply("has no line end");
            line.WriteByte(next);
        }
    }

    byte Next()
    {
        if (_start == _end) Fill();
        return _buffer[_start++];
    }

    void Fill()
    {
        _start = 0;
        try
        {
            _end = stream.Read(_buffer);
        }
        catch (IOException failure)
        {
            _end = 0;
            throw new AevumException(ErrorCode.InputOutput, $"the connection broke: {failure.InnerException?.Message ?? failure.Message}", failure);
        }
        if (_end == 0) throw new AevumException(ErrorCode.InputOutput, "the server ended the connection");
    }

    static long Number(ReadOnlySpan<byte> text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw NoReply($"has no number where one belongs: {Encoding.Latin1.GetString(text[..Math.Min(text.Length, 40)])}");

    static AevumException NoReply(string what) => new(ErrorCode.InputOutput, $"what the server sent is no reply of Redis' protocol: it {what}");
}
