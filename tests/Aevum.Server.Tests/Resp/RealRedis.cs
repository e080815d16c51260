// RealRedis: the server that ours is compared with, where it is installed: a process of its own, without files, heard through a socket in a folder.

using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Aevum.Server.Tests.Resp;

sealed class RealRedis : IDisposable
{
    /// <summary>Its program.</summary>
    public const string Program = "redis-server";

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("aevum-redis");
    readonly Process _process;
    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    byte[] _received = new byte[4096];

    public RealRedis()
    {
        var path = Path.Combine(_folder.FullName, "s");
        _process = Process.Start(new ProcessStartInfo(Program, ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = _folder.FullName,
        })!;
        // The socket's name is there before anybody listens at it.
        while (_process.StandardOutput.ReadLine() is { } line && !line.Contains("ready to accept connections", StringComparison.OrdinalIgnoreCase))
        {
        }
        _socket.Connect(new UnixDomainSocketEndPoint(path));
    }

    /// <summary>One request, and the bytes of its reply.</summary>
    public byte[] Ask(ReadOnlySpan<byte> request)
    {
        for (var sent = 0; sent < request.Length;) sent += _socket.Send(request[sent..]);
        var length = 0;
        while (!IsWhole(_received.AsSpan(0, length)))
        {
            if (length == _received.Length) Array.Resize(ref _received, 2 * length);
            var more = _socket.Receive(_received.AsSpan(length));
            if (more == 0) throw new EndOfStreamException("redis-server went away");
            length += more;
        }
        return _received[..length];
    }

    /// <summary>One request of a line of words.</summary>
    public byte[] Ask(string line) => Ask(Encoding.Latin1.GetBytes(line + "\r\n"));

    static bool IsWhole(ReadOnlySpan<byte> bytes)
    {
        for (var open = 1L; open > 0; open--)
        {
            var end = bytes.IndexOf("\r\n"u8);
            if (end < 0) return false;
            var kind = bytes[0];
            var count = kind is (byte)'$' or (byte)'=' or (byte)'*' or (byte)'~' or (byte)'%' or (byte)'>'
                ? long.Parse(Encoding.ASCII.GetString(bytes[1..end]), System.Globalization.CultureInfo.InvariantCulture)
                : 0;
            bytes = bytes[(end + 2)..];
            if (kind is (byte)'$' or (byte)'=' && count >= 0)
            {
                if (bytes.Length < count + 2) return false;
                bytes = bytes[(int)(count + 2)..];
            }
            else if (kind is (byte)'*' or (byte)'~' or (byte)'>' or (byte)'%' && count > 0)
            {
                open += kind == (byte)'%' ? 2 * count : count;
            }
        }
        return true;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
