// ReplySkimmer: finds where replies end in a stream of bytes, and what kind each one is, without keeping any of it: a load must not pay for what nobody
// looks at. RespReader (Connecting) reads replies for people.
//
//   Line    -> Line    a simple value, or the head of a list: so many more values belong to the reply
//   Line    -> Bulk    the head of a text: so many bytes, and the line end behind them
//   Bulk    -> Line
//
// A reply is over when nothing that belongs to it is missing. Pushes are no replies; an attribute belongs to the reply behind it. Bytes may come in
// pieces of any size: what is read of a line stays here (lines are short; of an error only the beginning is kept).

using System.Text;
using Aevum.Core.Errors;

namespace Aevum.Cli.Benching;

/// <summary>What a reply is, as far as a load wants to know.</summary>
enum ReplyKind
{
    Value = 0,
    Nothing = 1,
    Error = 2,
}

sealed class ReplySkimmer
{
    const int KeptMax = 256;
    const long ValuesMax = 1L << 32;

    readonly byte[] _line = new byte[KeptMax];
    int _kept;
    long _lineLength;
    long _bulk;         // bytes of a text that have not come, its line end among them
    long _missing;      // values of the reply that have not come; 0: none has begun
    bool _isPush;
    bool _isFailing;    // the text that comes is an error
    ReplyKind _kind;

    /// <summary>The text of the last error.</summary>
    public string Error { get; private set; } = "";

    /// <summary>Begins anew, on another connection.</summary>
    public void Reset() => (_kept, _lineLength, _bulk, _missing, _isPush, _isFailing) = (0, 0, 0, 0, false, false);

    /// <summary>Goes on to the end of the next reply.</summary>
    /// <param name="bytes">What has come; what is read is cut off.</param>
    /// <returns>False: all was read, and no reply has ended.</returns>
    /// <exception cref="AevumException">InputOutput: it is no reply.</exception>
    public bool TrySkim(ref ReadOnlySpan<byte> bytes, out ReplyKind kind)
    {
        while (bytes.Length > 0)
        {
            if (_bulk > 0)
            {
                var taken = (int)Math.Min(_bulk, bytes.Length);
                if (_isFailing) Keep(bytes[..taken]);
                bytes = bytes[taken..];
                if ((_bulk -= taken) > 0) break;
                if (_isFailing) Fail(Math.Max(0, _kept - 2));
                (_kept, _isFailing) = (0, false);
                if (EndsReply(out kind)) return true;
                continue;
            }
            var end = bytes.IndexOf((byte)'\n');
            Keep(bytes[..(end < 0 ? bytes.Length : end)]);
            bytes = bytes[(end < 0 ? bytes.Length : end + 1)..];
            if (end < 0) break;
            var hasEnded = TakeLine();
            (_kept, _lineLength) = (0, 0);
            if (hasEnded && EndsReply(out kind)) return true;
        }
        kind = default;
        return false;
    }

    void Keep(ReadOnlySpan<byte> bytes)
    {
        _lineLength += bytes.Length;
        var taken = Math.Min(bytes.Length, KeptMax - _kept);
        bytes[..taken].CopyTo(_line.AsSpan(_kept));
        _kept += taken;
    }

    // True: a value has ended.
    bool TakeLine()
    {
        var line = _line.AsSpan(0, _kept).TrimEnd((byte)'\r');
        if (line.IsEmpty) throw NoReply("an empty line");
        var isFirst = _missing == 0;
        if (isFirst) (_missing, _isPush, _kind) = (1, line[0] == '>', ReplyKind.Value);
        switch (line[0])
        {
            case (byte)'+' or (byte)':' or (byte)',' or (byte)'#' or (byte)'(':
                return true;
            case (byte)'_':
                if (isFirst) _kind = ReplyKind.Nothing;
                return true;
            case (byte)'-':
                if (isFirst) _kind = ReplyKind.Error;
                Fail(_kept);
                return true;
            case (byte)'$' or (byte)'=' or (byte)'!':
                var length = Number(line);
                if (length < 0)
                {
                    if (isFirst) _kind = ReplyKind.Nothing;
                    return true;
                }
                _bulk = length + 2;
                _isFailing = line[0] == '!';
                if (isFirst && _isFailing) _kind = ReplyKind.Error;
                return false;
            case (byte)'*' or (byte)'~' or (byte)'>' or (byte)'%' or (byte)'|':
                var count = Number(line);
                if (count > ValuesMax) throw NoReply($"{count} values");
                if (count < 0 && isFirst) _kind = ReplyKind.Nothing;
                _missing += Math.Max(count, 0) * (line[0] is (byte)'%' or (byte)'|' ? 2 : 1) + (line[0] == '|' ? 1 : 0);
                if (_missing > 2 * ValuesMax) throw NoReply("too many values");
                return true;
            default:
                throw NoReply($"a line that begins with byte {line[0]}");
        }
    }

    bool EndsReply(out ReplyKind kind)
    {
        kind = _kind;
        return --_missing == 0 && !_isPush;
    }

    void Fail(int length)
    {
        var text = _line.AsSpan(0, length).TrimEnd((byte)'\r');
        Error = Encoding.UTF8.GetString(text.Length > 0 && text[0] == '-' ? text[1..] : text);
    }

    static long Number(ReadOnlySpan<byte> line) =>
        System.Buffers.Text.Utf8Parser.TryParse(line[1..], out long number, out var read) && read == line.Length - 1 && number < 1L << 40 ? number
            : throw NoReply("a number that is none");

    static AevumException NoReply(string what) => new(ErrorCode.InputOutput, $"what the server sent is no reply of Redis' protocol: it has {what}");
}
