using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>FLUSHDB and FLUSHALL: one range delete for each database, whatever it holds, so ASYNC and SYNC are the same.</summary>
sealed class Flush(RespDatabases databases, bool isAll) : DataCommand
{
    public override CommandInfo Info { get; } = new(isAll ? "flushall" : "flushdb", CommandGroup.Server)
    {
        Arity = -1,
        Flags = CommandFlags.Write,
        Categories = ["keyspace", "dangerous"],
        Since = "1.0.0",
        Summary = isAll ? "Deletes every key of every database." : "Deletes every key of the database.",
        Complexity = "O(1); space is given back in the background",
    };

    public override void Run(DataCall call, CommandArguments args)
    {
        if (args.Count > 2 || (args.Count == 2 && !args.Is(1, "async"u8) && !args.Is(1, "sync"u8)))
        {
            call.SyntaxError();
            return;
        }
        if (!isAll) Clear(call, call.Keyspace);
        for (var i = 0; isAll && i < databases.Count; i++)
            if (databases.TryIdOf(i, out var keyspace)) Clear(call, keyspace);
        call.Reply.Ok();
    }

    static void Clear(DataCall call, KeyspaceId keyspace)
    {
        var (start, end) = KeyLayout.RangeOf(keyspace);
        call.Writes.DeleteRange(start, end ?? []);
        call.SignalFlush(keyspace);
    }
}
