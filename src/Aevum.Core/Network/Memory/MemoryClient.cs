// MemoryClient: the other side of a simulated connection, for a test to play. It knows no loop: it tries, or waits on the scheduler.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Network;

public sealed class MemoryClient : IDisposable
{
    readonly MemoryPipe _out, _in;
    readonly Signal _changed;

    internal MemoryClient(MemoryPipe @out, MemoryPipe @in, Signal changed)
    {
        (_out, _in, _changed) = (@out, @in, changed);
        _out.OnWritable = changed.Raise;
        _in.OnReadable = changed.Raise;
    }

    /// <returns>Bytes that went; 0: there is no room now.</returns>
    /// <exception cref="AevumException">InputOutput: the connection was reset, or has ended.</exception>
    public int TrySend(ReadOnlySpan<byte> bytes)
    {
        var sent = _out.Write(bytes);
        if (sent < 0) throw Reset();
        return sent;
    }

    /// <summary>Waits for room as long as it takes.</summary>
    /// <exception cref="AevumException">InputOutput: the connection was reset, or has ended, or nothing will ever make room.</exception>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var sent = TrySend(bytes);
            bytes = bytes[sent..];
            if (sent == 0 && !_changed.WaitUntil(() => _out.IsBroken || _out.HasRoom))
                throw new AevumException(ErrorCode.InputOutput, "nobody makes room for what is sent");
        }
    }

    /// <returns>Bytes received; 0: the other side has ended; -1: nothing now.</returns>
    /// <exception cref="AevumException">InputOutput: the connection was reset.</exception>
    public int TryReceive(Span<byte> target)
    {
        var received = _in.Read(target);
        if (received == -2) throw Reset();
        return received;
    }

    /// <summary>Waits for bytes or the end.</summary>
    /// <exception cref="AevumException">InputOutput: the connection was reset, or nothing will ever be sent.</exception>
    public int Receive(Span<byte> target)
    {
        while (true)
        {
            var received = TryReceive(target);
            if (received >= 0) return received;
            if (!_changed.WaitUntil(() => _in.IsReadable)) throw new AevumException(ErrorCode.InputOutput, "nobody sends anything");
        }
    }

    /// <summary>Sends nothing more.</summary>
    public void EndSending() => _out.End();

    /// <summary>Breaks the connection: the other side sees a reset.</summary>
    public void Abort()
    {
        _out.Break();
        _in.Break();
    }

    /// <summary>As closing a socket: what was sent arrives, what is still received breaks the connection.</summary>
    public void Dispose()
    {
        _out.End();
        _in.Break();
    }

    static AevumException Reset() => new(ErrorCode.InputOutput, "the connection was reset");
}
