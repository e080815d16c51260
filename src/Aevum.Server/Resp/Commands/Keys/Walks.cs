// Walks: commands that look at every key of a database, or take every key away. Those that look run beside the loop (IsSlow).

using Aevum.Core.Bytes;
using Aevum.Model.Keyspace;
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

/// <summary>FLUSHDB: one range delete, whatever the database holds.</summary>
sealed class FlushDatabase : DataCommand
{
    public override CommandInfo Info { get; } = new("flushdb", CommandGroup.Server)
    {
        Arity = -1,
        Flags = CommandFlags.Write,
        Categories = ["dangerous"],
        Since = "1.0.0",
        Summary = "Deletes every key of the database.",
        Complexity = "O(1); space is given back in the background",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (args.Count > 2 || (args.Count == 2 && !args.Is(1, "async"u8) && !args.Is(1, "sync"u8)))
        {
            call.SyntaxError();
            return;
        }
        var (start, end) = KeyLayout.RangeOf(call.Keyspace);
        call.Writes.DeleteRange(start, end ?? []);
        call.Reply.Ok();
    }
}
