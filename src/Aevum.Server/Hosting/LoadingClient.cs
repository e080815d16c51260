// LoadingClient: a client that came before the database was open. It is told so, in the words that clients of Redis know and try again after; what is
// only about the connection is done. Once the database is open the connection goes on as any other, with what it has said of itself.
//
//   answered       HELLO, INFO (loading:1), SELECT, ECHO, CLIENT ID, SETNAME, GETNAME and SETINFO, RESET, QUIT
//   waits          AUTH, and HELLO with AUTH: who the users are stands in the database. A client that shows who it is so is served as soon as it is open,
//                  and need not try again; for no longer than AuthWaitMax, and is told to then
//   all others     -LOADING, as Redis has it for most of them (PING, GET)
//
// Always true: no request is done in part and none that was refused is done later; replies are in the order of requests; a connection holds no more than a
// small request: of a longer one the rest stays with the system until the database is open.

using System.Text;
using Aevum.Core.Network;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Commands.Connection;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Hosting;

sealed class LoadingClient(RespDoor door, IChannel channel) : IChannelHandler
{
    const int HeldBytesMax = 64 << 10;
    const int NameBytesMax = 256;
    static readonly TimeSpan AuthWaitMax = TimeSpan.FromSeconds(3);

    readonly RequestParser _parser = new();
    readonly ReplyWriter _reply = new();
    readonly long _id = door.Numbers.Next();
    IChannelHandler? _client;
    IDisposable? _waits;
    string _name = "";
    int _database;
    bool _isPaused, _isClosing, _isClosed, _hasWaited;

    public static ReadOnlySpan<byte> Refusal => "-LOADING Aevum is loading the dataset in memory\r\n"u8;

    public IChannel Channel => channel;

    /// <summary>Hands the connection to the server. On its loop; the server is there.</summary>
    public void TakeOver()
    {
        if (_client is not null || _isClosed || _isClosing) return;
        door.Forget(this);
        _waits?.Dispose();
        var client = door.Server!.EngineOf(channel.Loop).Accept(channel, _id);
        if (client is null)
        {
            _isClosing = true;
            channel.Close();
            return;
        }
        _client = client;
        client.Name = _name;
        client.Database = _database;
        client.Version = _reply.Version;
        if (_isPaused) channel.Resume();
    }

    public int OnReceived(ReadOnlySpan<byte> bytes)
    {
        if (_client is null && door.Server is not null) TakeOver();
        if (_client is { } client) return client.OnReceived(bytes);
        var taken = 0;
        while (!_isClosing)
        {
            var rest = bytes[taken..];
            switch (_parser.Read(rest, out var length))
            {
                case ParseStatus.More:
                    if (Math.Max(_parser.Needed, rest.Length) <= HeldBytesMax) return taken;
                    _isPaused = true;
                    channel.Pause();
                    return taken;
                case ParseStatus.Failed:
                    _reply.Clear();
                    _reply.Error("ERR " + _parser.Error);
                    Send(_reply.Written);
                    End();
                    return bytes.Length;
                case ParseStatus.Done:
                    var args = _parser.Arguments(rest);
                    if (AsksWho(args))
                    {
                        if (!_hasWaited)
                        {
                            Wait();
                            return taken;
                        }
                        _hasWaited = false;
                        Send(Refusal);
                    }
                    else
                    {
                        Answer(args);
                    }
                    break;
            }
            taken += length;
        }
        return taken;
    }

    // Not taken: it comes again when the database is open, or the wait is over.
    void Wait()
    {
        _isPaused = true;
        channel.Pause();
        _waits = channel.Loop.After(AuthWaitMax, () =>
        {
            if (_client is not null || _isClosed || _isClosing) return;
            _hasWaited = true;
            _isPaused = false;
            channel.Resume();
        });
    }

    // The same words that Hello knows; others are refused where they are read.
    static bool AsksWho(CommandArguments args)
    {
        if (Is(args[0], "AUTH")) return args.Count is 2 or 3;
        if (!Is(args[0], "HELLO")) return false;
        for (var i = 2; i < args.Count; i++)
        {
            if (Is(args[i], "AUTH")) return true;
            i++;
        }
        return false;
    }

    public void OnInputEnded() => _client?.OnInputEnded();

    public void OnClosed()
    {
        _isClosed = true;
        _waits?.Dispose();
        door.Forget(this);
        _client?.OnClosed();
    }

    void Answer(CommandArguments args)
    {
        switch ((Text(args[0]).ToUpperInvariant(), args.Count))
        {
            case ("HELLO", _):
                _reply.Clear();
                if (HelloArguments.TryParse(args, _reply, out var hello))
                {
                    if (hello.Name is not null) _name = hello.Name;
                    HelloArguments.Greet(_reply, hello.Version, _id);
                }
                Send(_reply.Written);
                break;
            case ("RESET", 1):
                (_name, _database, _reply.Version) = ("", 0, 2);
                Send("+RESET\r\n"u8);
                break;
            case ("CLIENT", 2) when Is(args[1], "ID"):
                _reply.Clear();
                _reply.Integer(_id);
                Send(_reply.Written);
                break;
            case ("INFO", _):
                _reply.Clear();
                _reply.Bulk(Encoding.UTF8.GetBytes(Info()));
                Send(_reply.Written);
                break;
            case ("SELECT", 2) when Numbers.TryInteger(args[1], out var number) && number >= 0 && number < door.Databases:
                _database = (int)number;
                Send("+OK\r\n"u8);
                break;
            case ("ECHO", 2):
                _reply.Clear();
                _reply.Bulk(args[1]);
                Send(_reply.Written);
                break;
            case ("CLIENT", 3) when Is(args[1], "SETNAME") && args[2].Length <= NameBytesMax && !args[2].ContainsAnyExceptInRange((byte)'!', (byte)'~'):
                _name = Text(args[2]);
                Send("+OK\r\n"u8);
                break;
            case ("CLIENT", 2) when Is(args[1], "GETNAME"):
                _reply.Clear();
                _reply.Bulk(Encoding.ASCII.GetBytes(_name));
                Send(_reply.Written);
                break;
            case ("CLIENT", 4) when Is(args[1], "SETINFO"):
                Send("+OK\r\n"u8);
                break;
            case ("QUIT", _):
                Send("+OK\r\n"u8);
                End();
                break;
            default:
                Send(Refusal);
                break;
        }
    }

    // What clients wait for before they go on.
    string Info() => FormattableString.Invariant($"""
        # Server
        redis_version:{RespServer.CompatibleVersion}
        redis_mode:standalone
        process_id:{Environment.ProcessId}

        # Persistence
        loading:1
        loading_start_time:{door.Began.ToUnixTimeSeconds()}

        """).ReplaceLineEndings("\r\n");

    static bool Is(ReadOnlySpan<byte> argument, string word) => Text(argument).Equals(word, StringComparison.OrdinalIgnoreCase);

    // Names of commands are short; what is longer is none.
    static string Text(ReadOnlySpan<byte> bytes) => Encoding.ASCII.GetString(bytes[..Math.Min(bytes.Length, NameBytesMax)]);

    void Send(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(channel.GetSpan(bytes.Length));
        channel.Advance(bytes.Length);
    }

    void End()
    {
        _isClosing = true;
        channel.Close();
    }
}
