// ByteLines: cuts a stream into lines, as bytes: what is in them need not be text. A line ends in a line feed, or a carriage return and a line
// feed, or with the stream; the end is not part of it.
//
// Always true: memory stays within twice the longest line allowed. A longer one is read past, and told as such; the next one is whole again.

namespace Aevum.Cli.Transfer;

sealed class ByteLines(Stream stream, int lineBytesMax = ByteLines.LineBytesDefault)
{
    /// <summary>Room for any value that a batch takes, in any of the forms a line may give it.</summary>
    public const int LineBytesDefault = 1 << 30;

    const int FirstBytes = 64 << 10;

    byte[] _buffer = new byte[FirstBytes];
    int _start;
    int _end;
    bool _atEnd;

    /// <summary>The number of the line read last, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Bytes read so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>The next line.</summary>
    /// <param name="line">Valid until the next call. Empty if it was too long.</param>
    /// <param name="isTooLong">True: the line was longer than allowed and was passed over.</param>
    /// <returns>False: the stream has ended.</returns>
    public bool TryRead(out ReadOnlySpan<byte> line, out bool isTooLong)
    {
        isTooLong = false;
        var seen = 0;   // bytes from _start in which there is no line feed
        while (true)
        {
            var at = _buffer.AsSpan(_start + seen, _end - _start - seen).IndexOf((byte)'\n');
            if (at >= 0)
            {
                line = isTooLong ? default : WithoutReturn(_buffer.AsSpan(_start, seen + at));
                _start += seen + at + 1;
                Number++;
                if (line.Length <= lineBytesMax) return true;
                line = default;
                isTooLong = true;
                return true;
            }
            seen = _end - _start;
            if (seen > lineBytesMax + 1)
            {
                isTooLong = true;
                (_start, _end, seen) = (0, 0, 0);
            }
            if (_atEnd || !Fill())
            {
                line = isTooLong ? default : _buffer.AsSpan(_start, _end - _start);
                _start = _end;
                if (seen == 0 && !isTooLong) return false;
                Number++;
                if (line.Length <= lineBytesMax) return true;
                line = default;
                isTooLong = true;
                return true;
            }
        }
    }

    static ReadOnlySpan<byte> WithoutReturn(ReadOnlySpan<byte> line) => line.Length > 0 && line[^1] == '\r' ? line[..^1] : line;

    bool Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length) Array.Resize(ref _buffer, (int)Math.Min(Array.MaxLength, 2L * _buffer.Length));
        var read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        Bytes += read;
        _atEnd = read == 0;
        return read > 0;
    }
}
