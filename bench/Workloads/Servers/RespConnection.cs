// RespConnection: the plainest client of Redis' protocol there can be: one socket, one thread, a request and then its answer. It speaks to every
// server that a run compares, and takes nothing from Aevum's own client, whose faults would else be hidden on both sides.
//
// Answers are those of RESP 2 and the null of RESP 3: nothing here sends HELLO 3. Words go out as UTF-8, pipelines are encoded by the caller and
// sent with one Send, read with as many Reads.
//
// Not here: the load (redis-benchmark, LatencyLoad), and starting servers (ServerProcess).

using System.Globalization;
using System.Net.Sockets;
using System.Net;
using System.Text;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Servers;

/// <summary>One connection that asks and waits for each answer: what a run needs to say beside its load. An error comes as an exception.</summary>
sealed class RespConnection : IDisposable
{
    readonly Socket _socket;
    readonly NetworkStream _network;
    readonly Stream _stream;

    public RespConnection(int port)
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            _socket.Connect(IPAddress.Loopback, port);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
        _network = new NetworkStream(_socket);
        _stream = new BufferedStream(_network, 64 << 10);   // for answers alone: some may lie in it while more is asked
    }

    /// <summary>A request.</summary>
    public static byte[] Encode(params string[] words) =>
        Encoding.UTF8.GetBytes($"*{words.Length}\r\n{string.Concat(words.Select(w => $"${Encoding.UTF8.GetByteCount(w)}\r\n{w}\r\n"))}");

    /// <returns>A string, a long, null, or a list of them.</returns>
    public object? Ask(params string[] words)
    {
        Send(Encode(words));
        return Read();
    }

    public void Send(ReadOnlySpan<byte> requests)
    {
        _network.Write(requests);
    }

    public object? Read()
    {
        var line = ReadLine();
        var rest = line[1..];
        switch (line[0])
        {
            case '+': return rest;
            case ':': return Number(rest);
            case '-': throw new BenchException(rest);
            case '_': return null;
            case '$' when Number(rest) is var length:
                if (length < 0) return null;
                var bytes = new byte[length + 2];
                _stream.ReadExactly(bytes);
                return Encoding.UTF8.GetString(bytes.AsSpan(0, (int)length));
            case '*' when Number(rest) is var count:
                var items = new List<object?>();
                for (var i = 0; i < count; i++) items.Add(Read());
                return items;
            default: throw new BenchException($"an answer begins with {line}");
        }
    }

    /// <summary>A request whose answer is read and thrown away. Making objects of a million keys would stop every thread of this process for its collector,
    /// and with them the clients whose latencies are measured.</summary>
    public void AskAndSkip(params string[] words)
    {
        Send(Encode(words));
        for (var left = 1L; left > 0; left--)
        {
            var kind = _stream.ReadByte();
            var number = SkipLine();
            if (kind == '-') throw new BenchException("an error was answered");
            if (kind == '*') left += Math.Max(number, 0);
            if (kind == '$' && number >= 0) Skip(number + 2);
        }
    }

    // The number that a line begins with, if it does.
    long SkipLine()
    {
        var number = 0L;
        var sign = 1;
        while (true)
        {
            var letter = _stream.ReadByte();
            if (letter < 0) throw new EndOfStreamException();
            if (letter == '\n') return sign * number;
            if (letter == '-') sign = -1;
            else if (letter is >= '0' and <= '9') number = (10 * number) + letter - '0';
        }
    }

    void Skip(long bytes)
    {
        Span<byte> target = stackalloc byte[512];
        while (bytes > 0)
        {
            var part = target[..(int)Math.Min(bytes, target.Length)];
            _stream.ReadExactly(part);
            bytes -= part.Length;
        }
    }

    static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    string ReadLine()
    {
        var line = new StringBuilder();
        while (true)
        {
            var letter = _stream.ReadByte();
            if (letter < 0) throw new EndOfStreamException();
            if (letter == '\n') return line.ToString(0, line.Length - 1);
            line.Append((char)letter);
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }
}
