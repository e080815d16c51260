using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Aevum.Crash;

/// <summary>A client's connection: requests out, replies in, second version of the protocol; nothing more.</summary>
/// <remarks>A broken connection is an IOException.</remarks>
sealed class RedisConnection : IDisposable
{
    readonly NetworkStream _stream;
    readonly BufferedStream _input;
    readonly MemoryStream _output = new();

    public RedisConnection(IPEndPoint endpoint)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(endpoint);
        }
        catch (SocketException failure)
        {
            socket.Dispose();
            throw new IOException(failure.Message, failure);
        }
        _stream = new NetworkStream(socket, ownsSocket: true) { ReadTimeout = 120_000 };
        _input = new BufferedStream(_stream, 64 << 10);
    }

    /// <summary>Keeps a request to be sent.</summary>
    public void Add(params string[] words)
    {
        _output.Write(Encoding.Latin1.GetBytes($"*{words.Length}\r\n"));
        foreach (var word in words) _output.Write(Encoding.Latin1.GetBytes($"${word.Length}\r\n{word}\r\n"));
    }

    public void Send()
    {
        _stream.Write(_output.GetBuffer().AsSpan(0, (int)_output.Length));
        _output.SetLength(0);
    }

    /// <summary>A reply: string, long, object?[], null; an error is a <see cref="RedisError"/>.</summary>
    public object? Read()
    {
        var line = ReadLine();
        return line[0] switch
        {
            '+' => line[1..],
            '-' => new RedisError(line[1..]),
            ':' => long.Parse(line.AsSpan(1), CultureInfo.InvariantCulture),
            '$' => ReadBytes(int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture)),
            '*' => ReadArray(int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture)),
            _ => throw new InvalidDataException($"no reply: {line}"),
        };
    }

    public object? Ask(params string[] words)
    {
        Add(words);
        Send();
        return Read();
    }

    object?[]? ReadArray(int count)
    {
        if (count < 0) return null;
        var all = new object?[count];
        for (var i = 0; i < count; i++) all[i] = Read();
        return all;
    }

    string? ReadBytes(int length)
    {
        if (length < 0) return null;
        var bytes = new byte[length + 2];
        _input.ReadExactly(bytes);
        return Encoding.Latin1.GetString(bytes, 0, length);
    }

    string ReadLine()
    {
        var text = new StringBuilder();
        while (true)
        {
            var next = _input.ReadByte();
            if (next < 0) throw new IOException("the connection ended");
            if (next == '\r')
            {
                _input.ReadByte();
                return text.ToString();
            }
            text.Append((char)next);
        }
    }

    public void Dispose()
    {
        _input.Dispose();
        _stream.Dispose();
    }
}

sealed record RedisError(string Text);
