// ConnectionCommands: PING, ECHO, SELECT, QUIT, RESET: what a client says of itself, a few lines each. HELLO and AUTH: Hello.cs.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Connection;

static class ConnectionCommands
{
    public static IEnumerable<RespCommand> Make() =>
        [new Ping(), new Echo(), new Select(), new Quit(), new Reset(), new Hello(), new Auth(), ClientCommands.Make()];

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
        client.ForgetSession();
        client.BecomeDefault();
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
        if (args.Count > 2)
        {
            reply.Error("ERR wrong number of arguments for 'ping' command"u8);
        }
        else if (client.IsListening && client.Version < 3)
        {
            // Among messages: in their form, so that nobody takes it for something else.
            reply.Array(2);
            reply.Bulk("pong"u8);
            reply.Bulk(args.Count == 2 ? args[1] : default);
        }
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
