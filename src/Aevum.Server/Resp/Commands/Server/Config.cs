// CONFIG: GET, SET, RESETSTAT, REWRITE over RespSettings. What is set lasts until the server ends: REWRITE says so, for there is no file of Redis' form.

using System.Text;
using Aevum.Server.Resp.Protocol;
using Aevum.Server.Resp.Settings;

namespace Aevum.Server.Resp.Commands.Server;

static class Config
{
    public static SubcommandGroup Make() => new("config", CommandGroup.Server, "2.0.0", "Reads and sets parameters of the server.",
        ServerCommands.Verb("config|get", -3, ServerCommands.Admin, "2.0.0", "Answers parameters whose names match patterns.", Get,
            "O(N) with N the parameters"),
        ServerCommands.Verb("config|set", -4, ServerCommands.Admin, "2.0.0", "Sets parameters, all or none.", Set, "O(N) with N the parameters"),
        ServerCommands.Verb("config|resetstat", 2, ServerCommands.Admin, "2.0.0", "Counts anew what INFO tells.", ResetStatistics),
        ServerCommands.Verb("config|rewrite", 2, ServerCommands.Admin, "2.8.0", "Is refused: what lasts is in the server's own configuration.", Rewrite),
        new HelpVerb("config|help", CommandGroup.Server, "5.0.0",
            "GET <pattern> [<pattern> ...]", "    Answers the parameters whose names match, and what they stand at.",
            "SET <parameter> <value> [<parameter> <value> ...]", "    Sets parameters, all of them or none.",
            "RESETSTAT", "    Counts anew what INFO tells.",
            "REWRITE", "    Is refused: what lasts is in the server's own configuration."));

    static void Get(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var found = new List<(string Name, Setting Setting)>();
        foreach (var (name, setting) in client.Engine.Server.Settings.All)
        {
            for (var i = 2; i < args.Count; i++)
            {
                var pattern = Encoding.Latin1.GetString(args[i]).ToLowerInvariant();
                if (setting.IsHidden ? pattern != name : !GlobPattern.Matches(Encoding.Latin1.GetBytes(pattern), Encoding.ASCII.GetBytes(name))) continue;
                found.Add((name, setting));
                break;
            }
        }
        reply.Map(found.Count);
        foreach (var (name, setting) in found)
        {
            reply.Bulk(name);
            reply.Bulk(Encoding.Latin1.GetBytes(setting.Text));
        }
    }

    static void Set(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count % 2 != 0)
        {
            reply.Error("ERR syntax error"u8);
            return;
        }
        var pairs = new List<(string, string)>();
        for (var i = 2; i < args.Count; i += 2) pairs.Add((Encoding.Latin1.GetString(args[i]), Encoding.Latin1.GetString(args[i + 1])));
        if (client.Engine.Server.Settings.TrySet(pairs) is { } wrong) reply.Error(wrong);
        else reply.Ok();
    }

    static void ResetStatistics(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        client.Engine.Server.ResetStatistics();
        reply.Ok();
    }

    static void Rewrite(RespClient client, CommandArguments args, ReplyWriter reply) => reply.Error("ERR The server is running without a config file"u8);
}
