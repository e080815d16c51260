// TestHandler: a protocol of lines, scripted by delegates, that counts what it is told and notices when it is told wrongly.

using System.Text;
using Aevum.Core.Network;

namespace Aevum.Core.Tests.Network;

delegate int Take(TestHandler handler, ReadOnlySpan<byte> bytes);

delegate void TakeLine(TestHandler handler, string line);

sealed class TestHandler(IChannel channel, Take take) : IChannelHandler
{
    int _inside;
    int _closed, _inputEnded, _calls, _seen, _faults;

    public IChannel Channel => channel;

    /// <summary>Anything a script wants to remember.</summary>
    public List<string> Lines { get; } = [];

    public int Closed => Volatile.Read(ref _closed);

    public int InputEnded => Volatile.Read(ref _inputEnded);

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Bytes taken, and those offered and not taken in the last call.</summary>
    public int Seen => Volatile.Read(ref _seen);

    /// <summary>Calls that a handler must never see: inside of each other, after the end, off the loop.</summary>
    public int Faults => Volatile.Read(ref _faults);

    public Action<TestHandler>? WhenInputEnded { get; init; }

    public Action<TestHandler>? WhenClosed { get; init; }

    int _taken;

    public int OnReceived(ReadOnlySpan<byte> bytes)
    {
        if (_inside++ > 0 || _closed > 0 || !channel.Loop.IsCurrent || bytes.IsEmpty) Interlocked.Increment(ref _faults);
        try
        {
            Interlocked.Increment(ref _calls);
            var taken = take(this, bytes);
            Volatile.Write(ref _seen, _taken + bytes.Length);
            _taken += taken;
            return taken;
        }
        finally
        {
            _inside--;
        }
    }

    public void OnInputEnded()
    {
        if (_inside > 0 || _closed > 0 || !channel.Loop.IsCurrent) Interlocked.Increment(ref _faults);
        Interlocked.Increment(ref _inputEnded);
        WhenInputEnded?.Invoke(this);
    }

    public void OnClosed()
    {
        if (_inside > 0 || !channel.Loop.IsCurrent) Interlocked.Increment(ref _faults);
        Interlocked.Increment(ref _closed);
        WhenClosed?.Invoke(this);
    }

    public void Write(string text) => Write(Encoding.Latin1.GetBytes(text));

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(bytes.Length, 10_000)];
            piece.CopyTo(channel.GetSpan(piece.Length));
            channel.Advance(piece.Length);
            bytes = bytes[piece.Length..];
        }
    }

    /// <summary>Takes whole lines, as long as the channel is not paused by one of them (see <see cref="Stop"/>).</summary>
    public static Take EachLine(TakeLine line) => (handler, bytes) =>
    {
        var taken = 0;
        handler.Stop = false;
        while (!handler.Stop && bytes[taken..].IndexOf((byte)'\n') is >= 0 and var end)
        {
            var text = Encoding.Latin1.GetString(bytes.Slice(taken, end));
            taken += end + 1;
            line(handler, text);
        }
        return taken;
    };

    /// <summary>Set by a script that takes no more lines in this call.</summary>
    public bool Stop { get; set; }

    public static Take Echo { get; } = EachLine((handler, line) => handler.Write(line + "!\n"));
}
