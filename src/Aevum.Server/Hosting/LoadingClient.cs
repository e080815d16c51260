// LoadingClient: a client that came before the database was open. It is told so, in the words that clients of Redis know and try again after; what is
// only about the connection is done. Once the database is open the connection goes on as any other, with what it has said of itself.
//
//   answered       HELLO, INFO (loading:1), SELECT, ECHO, CLIENT ID, SETNAME, GETNAME and SETINFO, RESET, QUIT: they tell nothing of the data, of users, of
//                  the configuration or of other clients, so anybody may ask
//   queued         between MULTI and EXEC what Redis does while loading; what it does not is refused, and so is EXEC then (LoadingTransaction)
//   waits          AUTH, HELLO with AUTH, EXEC, and whatever else Redis does while loading (CONFIG, SUBSCRIBE, PUBLISH, ...): who the users are, and so
//                  what the client may do, stands in the database. It is served as soon as that is open, and need not try again; for no longer than WaitMax,
//                  and is told to then
//   all others     -LOADING, as Redis has it (PING, GET)
//
// Before the database is open nobody has shown who he is. Where a password is asked for by the configuration that is known at once, and the answer to all
// but AUTH, HELLO with AUTH, RESET and QUIT is NOAUTH; where only the database's own users ask for one it is not known, and nobody is let in meanwhile.
//
// Always true: no request is done in part and none that was refused is done later; replies are in the order of requests; a connection holds no more than a
// small request: of a longer one the rest stays with the system until the database is open.

using System.Text;
using Aevum.Core.Network;
using Aevum.Server.Resp;
using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Commands.Connection;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Hosting;

sealed class LoadingClient(RespDoor door, IChannel channel) : IChannelHandler
{
    const int HeldBytesMax = 64 << 10;
    const int NameBytesMax = 256;
    static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(3);

    readonly RequestParser _parser = new();
    readonly ReplyWriter _reply = new();
    readonly long _id = door.Numbers.Next();
    IChannelHandler? _client;
    IDisposable? _waits;
    string _name = "";
    int _database;
    bool _isPaused, _isClosing, _isClosed, _hasWaited, _hasWaitedLong;
    LoadingTransaction? _transaction;

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
        _transaction?.HandTo(client);
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
                    if (!Waits(args))
                    {
                        Answer(args, rest[..length]);
                    }
                    else if (!_hasWaited && (AsksWho(args) || !_hasWaitedLong))
                    {
                        Wait();
                        return taken;
                    }
                    else
                    {
                        _hasWaited = false;
                        Refuse(args);
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
        _waits = channel.Loop.After(WaitMax, () =>
        {
            if (_client is not null || _isClosed || _isClosing) return;
            _hasWaited = _hasWaitedLong = true;
            _isPaused = false;
            channel.Resume();
        });
    }

    // Null: Redis has no such command, though there may be one here.
    static CommandFacts? FactsOf(CommandArguments args)
    {
        var name = Text(args[0]).ToLowerInvariant();
        return (args.Count > 1 ? CommandFacts.Find($"{name}|{Text(args[1]).ToLowerInvariant()}") : null) ?? CommandFacts.Find(name);
    }

    // True: it is not answered before the database is open.
    bool Waits(CommandArguments args)
    {
        if (FactsOf(args) is not { } facts || !LoadingTransaction.Accepts(facts, args.Count)) return false;
        if (_transaction is { } transaction) return Is(args[0], "EXEC") && transaction.IsWorthExecuting;
        if (AsksWho(args)) return true;
        return !door.AsksPassword && facts.Flags.Contains("loading") && !IsAnswered(args);
    }

    static bool IsAnswered(CommandArguments args) => Text(args[0]).ToUpperInvariant() switch
    {
        "HELLO" or "RESET" or "INFO" or "SELECT" or "ECHO" or "QUIT" or "MULTI" or "EXEC" or "DISCARD" => true,
        "CLIENT" => args.Count > 1 && Text(args[1]).ToUpperInvariant() is "ID" or "SETNAME" or "GETNAME" or "SETINFO",
        _ => false,
    };

    // It has waited for long enough.
    void Refuse(CommandArguments args)
    {
        if (_transaction is null)
        {
            Send(Refusal);
            return;
        }
        _transaction = null;
        Send("-EXECABORT Transaction discarded because of: LOADING Aevum is loading the dataset in memory\r\n"u8);
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

    void Answer(CommandArguments args, ReadOnlySpan<byte> request)
    {
        var facts = FactsOf(args);
        if (facts is not null && !LoadingTransaction.Accepts(facts, args.Count))
        {
            _transaction?.Fail();
            Send(RespErrors.WrongCount(facts.Name));
        }
        else if (door.AsksPassword && facts?.Flags.Contains("no_auth") != true)
        {
            Send(RespErrors.NoAuthentication);
        }
        else if (_transaction is { } transaction && !Is(args[0], "QUIT") && !Is(args[0], "RESET"))
        {
            Send(transaction.Take(args, request, facts, out var isOver));
            if (isOver) _transaction = null;
        }
        else
        {
            AnswerAlone(args);
        }
    }

    void AnswerAlone(CommandArguments args)
    {
        switch ((Text(args[0]).ToUpperInvariant(), args.Count))
        {
            case ("HELLO", _):
                _reply.Clear();
                if (HelloArguments.TryParse(args, _reply, out var hello) && door.AsksPassword)
                {
                    _reply.Error(HelloArguments.NotWithoutPassword);
                }
                else if (_reply.Length == 0)
                {
                    if (hello.Name is not null) _name = hello.Name;
                    HelloArguments.Greet(_reply, hello.Version, _id);
                }
                Send(_reply.Written);
                break;
            case ("RESET", 1):
                (_name, _database, _reply.Version, _transaction) = ("", 0, 2, null);
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
            case ("SELECT", _):
                _reply.Clear();
                if (Numbers.TryInteger(args[1], out _)) _reply.Error("ERR DB index is out of range"u8);
                else _reply.Error("ERR value is not an integer or out of range"u8);
                Send(_reply.Written);
                break;
            case ("MULTI", _):
                _transaction = new LoadingTransaction();
                Send("+OK\r\n"u8);
                break;
            case ("EXEC", _):
                Send("-ERR EXEC without MULTI\r\n"u8);
                break;
            case ("DISCARD", _):
                Send("-ERR DISCARD without MULTI\r\n"u8);
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
                if (_name.Length == 0) _reply.Null();
                else _reply.Bulk(Encoding.ASCII.GetBytes(_name));
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
