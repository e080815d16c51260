// LaterCommands: scripts, functions, modules, replication, cluster: not yet here. Each says so; those that ask for what is there, or take away
// all of what is there, have a true answer already: nothing.

using Aevum.Server.Resp.Access;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Server;

static class LaterCommands
{
    const string Scripts = "scripts come with a later version", Functions = "functions come with a later version";
    const string Replication = "replication comes with a later version", NoCluster = "ERR This instance has cluster support disabled";

    public static IEnumerable<RespCommand> Make() =>
    [
        new Later("eval", CommandGroup.Scripting, "2.6.0", Scripts), new Later("eval_ro", CommandGroup.Scripting, "7.0.0", Scripts),
        new Later("evalsha", CommandGroup.Scripting, "2.6.0", Scripts), new Later("evalsha_ro", CommandGroup.Scripting, "7.0.0", Scripts),
        new Later("script", CommandGroup.Scripting, "2.6.0", Scripts, Script), new Later("function", CommandGroup.Scripting, "7.0.0", Functions, Function),
        new Later("fcall", CommandGroup.Scripting, "7.0.0", Functions), new Later("fcall_ro", CommandGroup.Scripting, "7.0.0", Functions),
        new Later("module", CommandGroup.Server, "4.0.0", "there are no modules", Module),
        new Later("replicaof", CommandGroup.Server, "5.0.0", Replication, NoOne), new Later("slaveof", CommandGroup.Server, "1.0.0", Replication, NoOne),
        new Later("sync", CommandGroup.Server, "1.0.0", Replication), new Later("psync", CommandGroup.Server, "2.8.0", Replication),
        new Later("replconf", CommandGroup.Server, "3.0.0", Replication), new Later("failover", CommandGroup.Server, "6.2.0", Replication),
        new Later("cluster", CommandGroup.Cluster, "3.0.0", "", static (_, reply) => Say(reply, NoCluster)),
        new Later("asking", CommandGroup.Cluster, "3.0.0", "", static (_, reply) => Say(reply, NoCluster)),
        new Later("readonly", CommandGroup.Cluster, "3.0.0", "", static (_, reply) => Say(reply, NoCluster)),
        new Later("readwrite", CommandGroup.Cluster, "3.0.0", "", static (_, reply) => Say(reply, NoCluster)),
        new Later("shutdown", CommandGroup.Server, "1.0.0", "the server ends on SIGTERM, and loses nothing by it"),
    ];

    /// <returns>False: it has no answer yet.</returns>
    delegate bool Answer(CommandArguments args, ReplyWriter reply);

    sealed class Later(string name, CommandGroup group, string since, string why, Answer? answer = null) : SessionCommand
    {
        public override CommandInfo Info { get; } = CommandFacts.Find(name)!.InfoOf(new CommandInfo(name, group)
        {
            Arity = -1,
            Flags = CommandFlags.None,
            Since = since,
            Summary = "Is not here yet.",
            Complexity = "O(1)",
        });

        // Keys of EVAL and FCALL, so that access lists and COMMAND GETKEYS see them.
        public override bool FindKeys(CommandArguments args, List<int> found) =>
            group != CommandGroup.Scripting || name is "script" or "function" || args.Count < 3 || !Numbers.TryInteger(args[2], out var count)
            || count == 0 || CountedKeys.Find(args, 2, found);

        public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
        {
            if (answer is null || !answer(args, reply)) reply.Error($"ERR {name.ToUpperInvariant()} is not available: {why}");
        }
    }

    static bool Say(ReplyWriter reply, string error)
    {
        reply.Error(error);
        return true;
    }

    static bool Script(CommandArguments args, ReplyWriter reply)
    {
        if (args.Is(1, "exists"u8))
        {
            reply.Array(args.Count - 2);
            for (var i = 2; i < args.Count; i++) reply.Integer(0);
            return true;
        }
        return TryFlush(args, reply);
    }

    static bool Function(CommandArguments args, ReplyWriter reply)
    {
        if (!args.Is(1, "list"u8)) return TryFlush(args, reply);
        reply.Array(0);
        return true;
    }

    static bool TryFlush(CommandArguments args, ReplyWriter reply)
    {
        if (!args.Is(1, "flush"u8)) return false;
        if (args.Count == 2 || (args.Count == 3 && (args.Is(2, "async"u8) || args.Is(2, "sync"u8)))) reply.Ok();
        else reply.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option"u8);
        return true;
    }

    static bool Module(CommandArguments args, ReplyWriter reply)
    {
        if (!args.Is(1, "list"u8)) return false;
        reply.Array(0);
        return true;
    }

    static bool NoOne(CommandArguments args, ReplyWriter reply)
    {
        if (!args.Is(1, "no"u8) || !args.Is(2, "one"u8)) return false;
        reply.Ok();
        return true;
    }
}
