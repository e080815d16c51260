// ClientCommands: CLIENT: what clients say of themselves, and what is told of them and done to them. KILL and TRACKING have files of their own.
//
// What concerns clients of other loops is read from there as it stands, and done there.

using System.Text;
using Aevum.Server.Resp.Commands.Server;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Connection;

static class ClientCommands
{
    const CommandFlags Plain = CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale;
    const CommandFlags Admin = Plain | CommandFlags.Admin;

    public static SubcommandGroup Make() => new("client", CommandGroup.Connection, "2.4.0", "Connections: what they are, and what becomes of them.",
        Verb("client|id", 2, Plain, "5.0.0", "Answers the number of the connection.", static (client, _, reply) => reply.Integer(client.Id)),
        Verb("client|info", 2, Plain, "6.2.0", "Tells of this connection.",
            static (client, _, reply) => reply.Verbatim(Encoding.UTF8.GetBytes(client.Describe() + "\n"))),
        Verb("client|list", -2, Admin, "2.4.0", "Tells of all connections, or of some.", List),
        Verb("client|kill", -3, Admin, "2.4.0", "Ends connections.", ClientKill.Run),
        Verb("client|getname", 2, Plain, "2.6.9", "Answers what the connection is called.", GetName),
        Verb("client|setname", 3, Plain, "2.6.9", "Calls the connection something.", SetName),
        Verb("client|setinfo", 4, Plain, "7.2.0", "Tells which library speaks for the client.", SetInfo),
        Verb("client|pause", -3, Admin, "3.0.0", "Holds requests back for a time.", Pause),
        Verb("client|unpause", 2, Admin, "6.2.0", "Holds requests back no longer.", Unpause),
        Verb("client|reply", 3, Plain, "3.2.0", "Says whether replies are wanted.", Reply),
        Verb("client|no-evict", 3, Admin, "7.0.0", "Whether the client is kept though all clients hold too much memory.", NoEvict),
        Verb("client|no-touch", 3, Plain, "7.2.0", "Whether reading a key leaves it as idle as it was.", NoTouch),
        Verb("client|unblock", -3, Admin, "5.0.0", "Ends the wait of another connection.", Unblock),
        Verb("client|tracking", -3, Plain, "6.0.0", "Lets the client be told when what it has read changes.", ClientTrackingCommands.Switch),
        Verb("client|trackinginfo", 2, Plain, "6.2.0", "Tells how the client is told of changes.", ClientTrackingCommands.Info),
        Verb("client|caching", 3, Plain, "6.0.0", "Says whether what the next request reads is remembered.", ClientTrackingCommands.Caching),
        Verb("client|getredir", 2, Plain, "6.0.0", "Answers whom changes are told to.", static (client, _, reply) =>
            reply.Integer(client.Tracking?.Redirect ?? -1)),
        new HelpVerb("client|help", CommandGroup.Connection, "5.0.0",
            "CACHING (YES|NO)", "    Whether what the next request reads is remembered.",
            "GETNAME", "    What this connection is called.",
            "GETREDIR", "    Whom changes are told to.",
            "ID", "    The number of this connection.",
            "INFO", "    What is known of this connection.",
            "KILL <ip:port>", "    Ends a connection.",
            "KILL <option> <value> [<option> <value> ...]", "    Ends connections: ADDR, LADDR, ID, TYPE, USER, SKIPME (YES|NO).",
            "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <id> ...]", "    What is known of connections.",
            "NO-EVICT (ON|OFF)", "    Whether this connection is kept though all of them hold too much memory.",
            "NO-TOUCH (ON|OFF)", "    Whether reading a key leaves it as idle as it was.",
            "PAUSE <timeout> [WRITE|ALL]", "    Holds requests back for milliseconds.",
            "REPLY (ON|OFF|SKIP)", "    Whether replies are wanted.",
            "SETINFO (LIB-NAME|LIB-VER) <value>", "    Which library speaks for the client.",
            "SETNAME <name>", "    Calls this connection something.",
            "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
            "    Whether the client is told when what it has read changes.",
            "TRACKINGINFO", "    How the client is told of changes.",
            "UNBLOCK <id> [TIMEOUT|ERROR]", "    Ends the wait of a connection.",
            "UNPAUSE", "    Holds requests back no longer."));

    static SessionVerb Verb(string name, int arity, CommandFlags flags, string since, string summary, SessionAction run) =>
        ServerCommands.Verb(name, arity, flags, since, summary, run, group: CommandGroup.Connection);

    // ------------------------------------------------------------------------------------------------ names

    /// <summary>True if a text may be a connection's name: nothing in it could be taken for the end of a line or of a word.</summary>
    public static bool IsName(ReadOnlySpan<byte> text)
    {
        foreach (var letter in text)
            if (letter is < (byte)'!' or > (byte)'~') return false;
        return true;
    }

    public const string NotAName = "ERR Client names cannot contain spaces, newlines or special characters.";

    static void GetName(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (client.Name.Length == 0) reply.Null();
        else reply.Bulk(client.Name);
    }

    static void SetName(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (!IsName(args[2]))
        {
            reply.Error(NotAName);
            return;
        }
        client.Name = Encoding.ASCII.GetString(args[2]);
        reply.Ok();
    }

    static void SetInfo(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Is(2, "lib-name"u8) || args.Is(2, "lib-ver"u8))
        {
            if (!IsName(args[3]))
            {
                reply.Error($"ERR {(args.Is(2, "lib-name"u8) ? "lib-name" : "lib-ver")} cannot contain spaces, newlines or special characters.");
                return;
            }
            var text = Encoding.ASCII.GetString(args[3]);
            if (args.Is(2, "lib-name"u8)) client.LibraryName = text;
            else client.LibraryVersion = text;
            reply.Ok();
            return;
        }
        reply.Error($"ERR Unrecognized option '{Encoding.UTF8.GetString(args[2])}'");
    }

    // ------------------------------------------------------------------------------------------------ lists

    /// <summary>The words of a class of clients; null: it is none.</summary>
    public static Func<RespClient, bool>? TypeOf(CommandArguments args, int at)
    {
        if (args.Is(at, "normal"u8)) return static client => !client.IsListening;
        if (args.Is(at, "pubsub"u8)) return static client => client.IsListening;
        if (args.Is(at, "master"u8) || args.Is(at, "replica"u8) || args.Is(at, "slave"u8)) return static _ => false;   // there is no replication yet
        return null;
    }

    static void List(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        IEnumerable<RespClient> chosen = client.Engine.Server.Clients.Values.OrderBy(c => c.Id);
        if (args.Count == 4 && args.Is(2, "type"u8))
        {
            if (TypeOf(args, 3) is not { } isOfType)
            {
                reply.Error($"ERR Unknown client type '{Encoding.UTF8.GetString(args[3])}'");
                return;
            }
            chosen = chosen.Where(isOfType);
        }
        else if (args.Count > 3 && args.Is(2, "id"u8))
        {
            var ids = new List<long>();
            for (var i = 3; i < args.Count; i++)
            {
                if (!Numbers.TryInteger(args[i], out var id))
                {
                    reply.Error("ERR Invalid client ID"u8);
                    return;
                }
                ids.Add(id);
            }
            chosen = ids.Select(id => client.Engine.Server.Clients.GetValueOrDefault(id)).OfType<RespClient>();
        }
        else if (args.Count != 2)
        {
            reply.Error("ERR syntax error"u8);
            return;
        }
        var text = new StringBuilder();
        foreach (var one in chosen) text.Append(one.Describe()).Append('\n');
        reply.Verbatim(Encoding.UTF8.GetBytes(text.ToString()));
    }

    // ------------------------------------------------------------------------------------------------ what becomes of requests

    static void Pause(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var all = args.Count == 3 || args.Is(3, "all"u8);
        if (args.Count > 4 || (!all && !args.Is(3, "write"u8)))
        {
            if (args.Count > 4) reply.Error("ERR syntax error"u8);
            else reply.Error("ERR CLIENT PAUSE mode must be WRITE or ALL"u8);
            return;
        }
        if (!Numbers.TryInteger(args[2], out var milliseconds) || milliseconds > (long)TimeSpan.MaxValue.TotalMilliseconds / 2)
        {
            reply.Error("ERR timeout is not an integer or out of range"u8);
            return;
        }
        if (milliseconds < 0)
        {
            reply.Error("ERR timeout is negative"u8);
            return;
        }
        client.Engine.Server.Pauses.Begin(TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue)), all, client.Engine);
        reply.Ok();
    }

    static void Unpause(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        client.Engine.Server.Pauses.End();
        reply.Ok();
    }

    static void Reply(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Is(2, "on"u8))
        {
            client.Replies = ReplyMode.On;
            reply.Ok();
        }
        else if (args.Is(2, "off"u8))
        {
            client.Replies = ReplyMode.Off;
        }
        else if (args.Is(2, "skip"u8))
        {
            if (client.Replies == ReplyMode.On) client.SkipNextReply();
        }
        else
        {
            reply.Error("ERR syntax error"u8);
        }
    }

    static bool TryOnOff(CommandArguments args, ReplyWriter reply, out bool on)
    {
        on = args.Is(2, "on"u8);
        if (on || args.Is(2, "off"u8))
        {
            reply.Ok();
            return true;
        }
        reply.Error("ERR syntax error"u8);
        return false;
    }

    static void NoEvict(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (TryOnOff(args, reply, out var on)) client.NoEvict = on;
    }

    static void NoTouch(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (TryOnOff(args, reply, out var on)) client.NoTouch = on;
    }

    static void Unblock(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var withError = args.Count == 4 && args.Is(3, "error"u8);
        if (args.Count > 4 || (args.Count == 4 && !withError && !args.Is(3, "timeout"u8)))
        {
            if (args.Count > 4) reply.Error("ERR syntax error"u8);
            else reply.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"u8);
            return;
        }
        if (!Numbers.TryInteger(args[2], out var id))
        {
            reply.Error("ERR value is not an integer or out of range"u8);
            return;
        }
        var server = client.Engine.Server;
        if (server.Clients.GetValueOrDefault(id) is not { } other || server.Waiters.Of(other) is not { } call)
        {
            reply.Integer(0);
            return;
        }
        other.Engine.Post(() => other.Engine.End(call, !withError, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"u8));
        reply.Integer(1);
    }
}
