// DEBUG: what tests and people who look for faults want of a server. Each subcommand does what it says in this server's terms; those that speak of
// something that is not here (hash tables, jemalloc, replication ids) are unknown.
//
//   SLEEP seconds                  stops the loop that the connection belongs to
//   SET-ACTIVE-EXPIRE 0|1          whether expiry is told by itself (notifications); what has expired is gone in any case
//   OBJECT key                     what is known of a value in one line
//   RELOAD, LOADAOF                everything in memory goes to tables: what follows is read from them
//   DIGEST, DIGEST-VALUE key ...   one number for what a database, or a key, holds
//   STRINGMATCH-LEN n pattern      matches n letters "A" against a pattern
//   QUICKLIST-PACKED-THRESHOLD n   is checked; lists have no such nodes
//   LOG text, ERROR text, PROTOCOL type, HELP
//
// Who may use it says enable-debug-command.

using System.Net;
using System.Text;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Resp.Settings;

namespace Aevum.Server.Resp.Commands.Server;

sealed class Debug : SessionCommand
{
    const string Denied = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, "
        + "otherwise you need to set this option in the configuration file, and then restart the server.";

    public override CommandInfo Info { get; } = new("debug", CommandGroup.Server)
    {
        Arity = -2,
        Flags = ServerCommands.Admin,
        Since = "1.0.0",
        Summary = "What tests want of a server.",
        Complexity = "Depends on subcommand.",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var server = client.Engine.Server;
        var who = server.Settings.DebugCommand.Value;
        if (who == "no" || (who == "local" && !IPAddress.IsLoopback(client.Channel.Remote.Address)))
        {
            reply.Error(Denied);
            return;
        }
        var count = args.Count;
        if (args.Is(1, "sleep"u8) && count == 3) Sleep(server, args[2], reply);
        else if (args.Is(1, "set-active-expire"u8) && count == 3) SetActiveExpire(server, args[2], reply);
        else if (args.Is(1, "object"u8) && count is 3 or 4) WriteObject(client, args[2], reply);
        else if (args.Is(1, "reload"u8) || (args.Is(1, "loadaof"u8) && count == 2)) Reload(server, reply);
        else if (args.Is(1, "digest"u8) && count == 2) reply.Simple(ValueDigest.OfAll(client));
        else if (args.Is(1, "digest-value"u8)) WriteDigests(client, args, reply);
        else if (args.Is(1, "stringmatch-len"u8) && count == 4) MatchLong(args, reply);
        else if (args.Is(1, "quicklist-packed-threshold"u8) && count == 3) CheckThreshold(args[2], reply);
        else if (args.Is(1, "log"u8) && count == 3) reply.Ok();
        else if (args.Is(1, "error"u8) && count == 3) reply.Error(args[2]);
        else if (args.Is(1, "protocol"u8) && count == 3) WriteSample(args, reply);
        else if (args.Is(1, "help"u8) && count == 2) WriteHelp(reply);
        else reply.Error($"ERR unknown subcommand or wrong number of arguments for '{Encoding.UTF8.GetString(args[1])}'. Try DEBUG HELP.");
    }

    static void WriteHelp(ReplyWriter reply) => HelpVerb.Write(reply, "debug",
    [
        "SLEEP <seconds>", "    Stops the loop of this connection. Decimals allowed.",
        "SET-ACTIVE-EXPIRE <0|1>", "    Whether expiry is told by itself.",
        "OBJECT <key>", "    What is known of a value.",
        "RELOAD", "    Writes everything in memory to tables.",
        "LOADAOF", "    The same.",
        "DIGEST", "    One number for everything the server holds.",
        "DIGEST-VALUE <key> [<key> ...]", "    One number for what each key holds.",
        "STRINGMATCH-LEN <len> <pattern>", "    Matches many letters against a pattern.",
        "QUICKLIST-PACKED-THRESHOLD <size>", "    Is checked; lists have no such nodes.",
        "LOG <text>", "    Nothing: values are never logged.",
        "ERROR <text>", "    Answers an error.",
        "PROTOCOL <type>", "    Answers a sample of a type: string, integer, double, null, array, set, map, verbatim, true, false, push.",
    ]);

    static void Sleep(RespServer server, ReadOnlySpan<byte> text, ReplyWriter reply)
    {
        _ = Numbers.TryDouble(text, out var seconds);
        if (seconds is > 0 and < 3600) server.Scheduler.CreateSignal("resp debug sleep").WaitUntil(static () => false, TimeSpan.FromSeconds(seconds));
        reply.Ok();
    }

    static void SetActiveExpire(RespServer server, ReadOnlySpan<byte> text, ReplyWriter reply)
    {
        server.TellsExpiry = !text.SequenceEqual("0"u8);
        reply.Ok();
    }

    static void Reload(RespServer server, ReplyWriter reply)
    {
        server.Database.Flush();
        reply.Ok();
    }

    static void WriteObject(RespClient client, ReadOnlySpan<byte> key, ReplyWriter reply)
    {
        var call = client.Engine.BeginReading(client, new ReplyWriter());
        if (!call.TryReadHead(key, out var head, out var row))
        {
            reply.Error("ERR no such key"u8);
            return;
        }
        // Told before anything else is read: the head lies where reads put what they find.
        var rest = $"serializedlength:{row.Bytes.Length} lru:0 lru_seconds_idle:0" + (head.IsLarge ? $" elements:{head.Count} "
            + $"incarnation:{head.Incarnation}" : "");
        var encoding = ValueDigest.Ask(client, client.Keyspace, "object"u8.ToArray(), "encoding"u8.ToArray(), key.ToArray());
        var told = encoding is [(byte)'$', ..] ? Encoding.ASCII.GetString(encoding.AsSpan(encoding.AsSpan().IndexOf((byte)'\n') + 1)).TrimEnd() : "unknown";
        reply.Simple($"Value at:0x0 refcount:1 encoding:{told} {rest}");
    }

    static void WriteDigests(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        reply.Array(args.Count - 2);
        for (var i = 2; i < args.Count; i++) reply.Simple(ValueDigest.Of(client, client.Keyspace, args[i].ToArray()));
    }

    static void MatchLong(CommandArguments args, ReplyWriter reply)
    {
        if (!Numbers.TryInteger(args[2], out var length) || length is < 0 or > 1 << 28)
        {
            reply.Error("ERR value is not an integer or out of range"u8);
            return;
        }
        var text = new byte[length];
        text.AsSpan().Fill((byte)'A');
        reply.Integer(GlobPattern.Matches(args[3], text) ? 1 : 0);
    }

    static void CheckThreshold(ReadOnlySpan<byte> text, ReplyWriter reply)
    {
        if (ByteSizes.TryRead(Encoding.Latin1.GetString(text), out var bytes) && bytes is >= 0 and < 1L << 32) reply.Ok();
        else reply.Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb"u8);
    }

    static void WriteSample(CommandArguments args, ReplyWriter reply)
    {
        if (args.Is(2, "string"u8)) reply.Bulk("Hello World"u8);
        else if (args.Is(2, "integer"u8)) reply.Integer(12345);
        else if (args.Is(2, "double"u8)) reply.Double(3.141);
        else if (args.Is(2, "null"u8)) reply.Null();
        else if (args.Is(2, "true"u8)) reply.Boolean(true);
        else if (args.Is(2, "false"u8)) reply.Boolean(false);
        else if (args.Is(2, "verbatim"u8)) reply.Verbatim("This is a verbatim\nstring"u8);
        else if (args.Is(2, "array"u8)) Numbered(reply, static r => r.Array(3), isMap: false);
        else if (args.Is(2, "set"u8)) Numbered(reply, static r => r.Set(3), isMap: false);
        else if (args.Is(2, "map"u8)) Numbered(reply, static r => r.Map(3), isMap: true);
        else if (args.Is(2, "push"u8) && reply.Version < 3) reply.Error("ERR RESP2 is not supported by this command"u8);
        else if (args.Is(2, "push"u8)) Push(reply);
        else reply.Error("ERR Wrong protocol type name. Please use one of the following: string|integer|double|null|array|set|map|verbatim|true|false|push"u8);
    }

    static void Numbered(ReplyWriter reply, Action<ReplyWriter> begin, bool isMap)
    {
        begin(reply);
        for (var i = 0; i < 3; i++)
        {
            reply.Integer(i);
            if (isMap) reply.Boolean(i == 1);
        }
    }

    static void Push(ReplyWriter reply)
    {
        reply.Push(2);
        reply.Bulk("server-cpu-usage"u8);
        reply.Integer(42);
    }
}
