// Saving: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE. Every write that was answered is in the log, so nothing waits to be saved; what these do is write what
// memory holds to tables, so that the next start has nothing to read again.

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

static class Saving
{
    public static IEnumerable<RespCommand> Make() =>
    [
        Verb("save", "Writes everything in memory to tables.", Save),
        Verb("bgsave", "The same, without waiting for it.", SaveBeside),
        Verb("bgrewriteaof", "The same: the log gives back what tables hold.", Rewrite),
        Verb("lastsave", "Answers when that was done last.", static (client, _, reply) => reply.Integer(client.Engine.Server.LastSaved)),
    ];

    static SessionVerb Verb(string name, string summary, SessionAction run) => ServerCommands.Known(name, CommandGroup.Server, "1.0.0", summary, run,
        "O(N) with N the bytes in memory");

    static void Save(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var server = client.Engine.Server;
        client.Engine.AnswerBeside(client, "save", answer =>
        {
            server.Save();
            answer.Ok();
        });
    }

    static void SaveBeside(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (args.Count > 2 || (args.Count == 2 && !args.Is(1, "schedule"u8)))
        {
            reply.Error("ERR syntax error"u8);
            return;
        }
        client.Engine.Server.RunBeside("resp bgsave", client.Engine.Server.Save);
        reply.Simple("Background saving started");
    }

    static void Rewrite(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        client.Engine.Server.RunBeside("resp bgrewriteaof", client.Engine.Server.Save);
        reply.Simple("Background append only file rewriting started");
    }
}
