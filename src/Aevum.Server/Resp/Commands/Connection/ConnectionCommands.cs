// ConnectionCommands: PING, ECHO, SELECT, QUIT, RESET, HELLO: what a client says of itself, a few lines each.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Connection;

static class ConnectionCommands
{
    public static IEnumerable<RespCommand> Make() => [new Ping(), new Echo(), new Select(), new Quit(), new Reset(), new Hello()];

    /// <summary>As a client that has just come.</summary>
    public static void Reset(RespClient client)
    {
        client.Transaction = null;
        client.Unwatch();
        client.Database = 0;
        client.Version = 2;
        client.Moment = null;
        client.Note = null;
        client.Name = "";
    }
}

sealed class Ping : SessionCommand
{
    public override CommandInfo Info { get; } = new("ping", CommandGroup.Connection)
    {
        Arity = -1,
        Flags = CommandFlags.Fast,
        Since = "1.0.0",
        Summary = "Answers PONG, or what was said.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count > 2) reply.Error("ERR wrong number of arguments for 'ping' command"u8);
        else if (args.Count == 2) reply.Bulk(args[1]);
        else reply.Simple("PONG"u8);
    }
}

sealed class Echo : SessionCommand
{
    public override CommandInfo Info { get; } = new("echo", CommandGroup.Connection)
    {
        Arity = 2,
        Flags = CommandFlags.Fast | CommandFlags.Loading | CommandFlags.Stale,
        Since = "1.0.0",
        Summary = "Answers what was said.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply) => reply.Bulk(args[1]);
}

sealed class Select : SessionCommand
{
    public override CommandInfo Info { get; } = new("select", CommandGroup.Connection)
    {
        Arity = 2,
        Flags = CommandFlags.Fast | CommandFlags.Loading | CommandFlags.Stale,
        Since = "1.0.0",
        Summary = "Goes to another database.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (!Numbers.TryInteger(args[1], out var number))
        {
            reply.Error("ERR value is not an integer or out of range"u8);
            return;
        }
        if (number < 0 || number >= client.Engine.Databases.Count)
        {
            reply.Error("ERR DB index is out of range"u8);
            return;
        }
        client.Database = (int)number;
        reply.Ok();
    }
}

sealed class Quit : SessionCommand
{
    public override CommandInfo Info { get; } = new("quit", CommandGroup.Connection)
    {
        Arity = -1,
        Flags = CommandFlags.Fast | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale | CommandFlags.NoAuth | CommandFlags.NotQueued,
        Since = "1.0.0",
        Summary = "Ends the connection.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        reply.Ok();
        client.CloseAfterReply();
    }
}

sealed class Reset : SessionCommand
{
    public override CommandInfo Info { get; } = new("reset", CommandGroup.Connection)
    {
        Arity = 1,
        Flags = CommandFlags.Fast | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale | CommandFlags.NoAuth | CommandFlags.NotQueued,
        Since = "6.2.0",
        Summary = "Makes the connection as if it had just been opened.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        ConnectionCommands.Reset(client);
        reply.Version = 2;
        reply.Simple("RESET"u8);
    }
}

sealed class Hello : SessionCommand
{
    public override CommandInfo Info { get; } = new("hello", CommandGroup.Connection)
    {
        Arity = -1,
        Flags = CommandFlags.Fast | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale | CommandFlags.NoAuth,
        Since = "6.0.0",
        Summary = "Agrees on the version of the protocol, and tells about the server.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var version = client.Version;
        if (args.Count > 1)
        {
            if (!Numbers.TryInteger(args[1], out var asked))
            {
                reply.Error("ERR Protocol version is not an integer or out of range"u8);
                return;
            }
            if (asked is not (2 or 3))
            {
                reply.Error("NOPROTO unsupported protocol version"u8);
                return;
            }
            version = (int)asked;
        }
        for (var i = 2; i < args.Count; i++)
        {
            if (args.Is(i, "setname"u8) && i + 1 < args.Count)
            {
                client.Name = System.Text.Encoding.UTF8.GetString(args[++i]);
                continue;
            }
            reply.Error("ERR syntax error in HELLO"u8);
            return;
        }
        client.Version = reply.Version = version;
        reply.Map(7);
        reply.Bulk("server"u8);
        reply.Bulk("redis"u8);
        reply.Bulk("version"u8);
        reply.Bulk(RespServer.CompatibleVersion);
        reply.Bulk("proto"u8);
        reply.Integer(version);
        reply.Bulk("id"u8);
        reply.Integer(client.Id);
        reply.Bulk("mode"u8);
        reply.Bulk("standalone"u8);
        reply.Bulk("role"u8);
        reply.Bulk("master"u8);
        reply.Bulk("modules"u8);
        reply.Array(0);
    }
}
