// Walks: commands that look at every key of a database. They run beside the loop (IsSlow).

using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

sealed class KeysCommand : DataCommand
{
    public override CommandInfo Info { get; } = new("keys", CommandGroup.Generic)
    {
        Arity = 2,
        Flags = CommandFlags.ReadOnly,
        Categories = ["dangerous"],
        Since = "1.0.0",
        Summary = "Answers every key that matches a pattern.",
        Complexity = "O(N) with N the keys of the database",
    };

    public override bool IsSlow(DataCall call, CommandArguments args) => true;

    public override void Run(DataCall call, CommandArguments args)
    {
        var pattern = args[1].ToArray();
        var count = 0L;
        var at = call.Reply.BeginArray();
        HeadWalk.Run(call.Rows, call.Keyspace, default, (key, _, _) =>
        {
            if (!GlobPattern.Matches(pattern, key)) return true;
            call.Reply.Bulk(key);
            count++;
            return true;
        });
        call.Reply.EndArray(at, count);
    }
}

sealed class DatabaseSize : DataCommand
{
    public override CommandInfo Info { get; } = new("dbsize", CommandGroup.Server)
    {
        Arity = 1,
        Flags = CommandFlags.ReadOnly | CommandFlags.Fast,
        Since = "1.0.0",
        Summary = "Answers how many keys the database has, those that expired by now not counted.",
        Complexity = "O(N) with N the keys of the database",
    };

    public override bool IsSlow(DataCall call, CommandArguments args) => true;

    public override void Run(DataCall call, CommandArguments args)
    {
        var count = 0L;
        HeadWalk.Run(call.Rows, call.Keyspace, default, (_, _, _) =>
        {
            count++;
            return true;
        });
        call.Reply.Integer(count);
    }
}
