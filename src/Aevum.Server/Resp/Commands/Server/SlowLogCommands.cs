using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

/// <summary>SLOWLOG GET, LEN, RESET (<see cref="Measuring.SlowLog"/>).</summary>
static class SlowLogCommands
{
    public static SubcommandGroup Make() => new("slowlog", CommandGroup.Server, "2.2.12", "Requests that took long.",
        ServerCommands.Known("slowlog|get", CommandGroup.Server, "2.2.12", "Answers the newest entries.", Get, "O(N) with N the entries"),
        ServerCommands.Known("slowlog|len", CommandGroup.Server, "2.2.12", "Answers how many entries there are.",
            static (client, _, reply) => reply.Integer(client.Engine.Server.Statistics.SlowLog.Length)),
        ServerCommands.Known("slowlog|reset", CommandGroup.Server, "2.2.12", "Forgets every entry.", Reset),
        new HelpVerb("slowlog|help", CommandGroup.Server, "6.2.0",
            "GET [<count>]", "    The newest entries, 10 by default, all of them for -1: number, time, microseconds, arguments, address, name.",
            "LEN", "    How many entries there are.",
            "RESET", "    Forgets every entry."));

    static void Get(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var count = 10L;
        if (args.Count > 3 || (args.Count == 3 && (!Numbers.TryInteger(args[2], out count) || count < -1)))
        {
            if (args.Count > 3) reply.Error("ERR wrong number of arguments for 'slowlog|get' command"u8);
            else reply.Error("ERR count should be greater than or equal to -1"u8);
            return;
        }
        var entries = client.Engine.Server.Statistics.SlowLog.Newest(count < 0 ? int.MaxValue : (int)Math.Min(count, int.MaxValue));
        reply.Array(entries.Count);
        foreach (var entry in entries)
        {
            reply.Array(6);
            reply.Integer(entry.Id);
            reply.Integer(entry.UnixSeconds);
            reply.Integer(entry.Microseconds);
            reply.Array(entry.Arguments.Length);
            foreach (var argument in entry.Arguments) reply.Bulk(argument);
            reply.Bulk(entry.Address);
            reply.Bulk(entry.ClientName);
        }
    }

    static void Reset(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        client.Engine.Server.Statistics.SlowLog.Reset();
        reply.Ok();
    }
}
