using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

static class ServerCommands
{
    public const CommandFlags Admin = CommandFlags.Admin | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale;

    public static IEnumerable<RespCommand> Make() => 
    [
        Config.Make(), new Debug(), CommandCommand.Make(), new InfoCommand(), MemoryCommands.Make(), SlowLogCommands.Make(), LatencyCommands.Make(),
            .. Saving.Make(),
        .. LaterCommands.Make(),
        Known("time", CommandGroup.Server, "2.6.0", "Answers the time of the server: seconds, and microseconds of the present one.", WriteTime),
        Known("monitor", CommandGroup.Server, "1.0.0", "Shows every request from now on.", Monitor),
        Known("role", CommandGroup.Server, "2.8.12", "Answers the part that the server has in replication.", WriteRole),
        Known("lolwut", CommandGroup.Server, "5.0.0", "Answers something nice, and the version.", WriteLolwut),
    ];

    /// <summary>A short command that Redis has too: arity and flags are those it tells.</summary>
    public static SessionVerb Known(string name, CommandGroup group, string since, string summary, SessionAction run, string complexity = "O(1)") =>
        new(CommandFacts.Find(name)!.InfoOf(new CommandInfo(name, group)
        {
            Arity = 1,
            Flags = CommandFlags.None,
            Since = since,
            Summary = summary,
            Complexity = complexity,
        }), run);

    static void WriteTime(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var now = (long)client.Engine.Server.Database.Clock.Now.Microseconds;
        reply.Array(2);
        reply.BulkInteger(now / 1_000_000);
        reply.BulkInteger(now % 1_000_000);
    }

    // Asked once more it says nothing, as Redis does not.
    static void Monitor(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (client.Engine.IsExecuting) reply.Error("ERR MONITOR isn't allowed for DENY BLOCKING client"u8);
        else if (!client.IsMonitor)
        {
            client.Monitor();
            reply.Ok();
        }
    }

    static void WriteRole(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        reply.Array(3);
        reply.Bulk("master"u8);
        reply.Integer(0);
        reply.Array(0);
    }

    // A line of time, with what was and what is.
    static void WriteLolwut(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var chances = client.Engine.Chances;
        var line = string.Concat(Enumerable.Range(0, 48).Select(_ => ".-oO*"[chances.Next(5)]));
        reply.Verbatim(System.Text.Encoding.ASCII.GetBytes($"{line}> now\nAevum keeps what was.\nRedis ver. {RespServer.CompatibleVersion}\n"));
    }

    /// <summary>A short command about the server, whose class would hold nothing but it.</summary>
    public static SessionVerb Verb(
        string name, int arity, CommandFlags flags, string since, string summary, SessionAction run,
        string complexity = "O(1)", CommandGroup group = CommandGroup.Server, string[]? categories = null) => new(new CommandInfo(name, group)
        {
            Arity = arity,
            Flags = flags,
            Since = since,
            Summary = summary,
            Complexity = complexity,
            Categories = categories ?? [],
        }, run);
}
