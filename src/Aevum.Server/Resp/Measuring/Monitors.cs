// Monitors: connections that are shown every request (MONITOR), as Redis shows them:
//
//   +1795312436.833012 [0 127.0.0.1:60336] "SET" "a" "1"       when it was done, in which database, who asked, its words; secrets are "(redacted)"
//
// Told when a request has been taken, in the order of the loop on which that was: requests of a transaction when it runs, before its EXEC. Not told:
// what was refused, and what administers the server. Who does not fetch what he is told is bounded by the output limits of replicas.
//
// While nobody listens a request pays one look at a flag.

using System.Buffers;
using System.Globalization;
using System.Text;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Measuring;

sealed class Monitors(TimeProvider time)
{
    readonly Lock _gate = new();
    RespClient[] _clients = [];

    public bool IsOn => Volatile.Read(ref _clients).Length > 0;

    public void Add(RespClient client)
    {
        lock (_gate)
            if (!_clients.Contains(client)) Volatile.Write(ref _clients, [.. _clients, client]);
    }

    public void Remove(RespClient client)
    {
        lock (_gate)
            if (_clients.Contains(client)) Volatile.Write(ref _clients, [.. _clients.Where(c => c != client)]);
    }

    /// <summary>A request was taken. On the loop of who asked.</summary>
    public void Tell(RespClient from, KnownCommand command, CommandArguments args)
    {
        if (command.Info.Is(CommandFlags.Admin)) return;
        var line = LineOf(time.GetUtcNow(), from, command.Command, args);
        foreach (var client in Volatile.Read(ref _clients)) client.Engine.Post(() => client.Push(line));
    }

    static byte[] LineOf(DateTimeOffset now, RespClient from, RespCommand command, CommandArguments args)
    {
        var line = new ArrayBufferWriter<byte>(64 + (args.Count * 16));
        var microseconds = (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"+{microseconds / 1_000_000}.{microseconds % 1_000_000:D6} [{from.Database} {from.Channel.Remote}]"), line);
        for (var i = 0; i < args.Count; i++)
        {
            line.Write(" "u8);
            if (command.IsSecret(args, i)) line.Write("\"(redacted)\""u8);
            else Quote(line, args[i]);
        }
        line.Write("\r\n"u8);
        return line.WrittenSpan.ToArray();
    }

    // In double quotes; what is no printable ASCII as \n \r \t \a \b or \xHH.
    internal static void Quote(IBufferWriter<byte> to, ReadOnlySpan<byte> word)
    {
        to.Write("\""u8);
        foreach (var letter in word)
        {
            switch (letter)
            {
                case (byte)'\\' or (byte)'"':
                    to.Write([(byte)'\\', letter]);
                    break;
                case (byte)'\n':
                    to.Write("\\n"u8);
                    break;
                case (byte)'\r':
                    to.Write("\\r"u8);
                    break;
                case (byte)'\t':
                    to.Write("\\t"u8);
                    break;
                case 7:
                    to.Write("\\a"u8);
                    break;
                case 8:
                    to.Write("\\b"u8);
                    break;
                case >= (byte)' ' and <= (byte)'~':
                    to.Write([letter]);
                    break;
                default:
                    to.Write([(byte)'\\', (byte)'x', (byte)"0123456789abcdef"[letter >> 4], (byte)"0123456789abcdef"[letter & 15]]);
                    break;
            }
        }
        to.Write("\""u8);
    }
}
