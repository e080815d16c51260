using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>SWAPDB: two names of the catalog change places; not a row is touched. Nobody is in the middle of anything meanwhile (DatabaseSwaps).</summary>
sealed class SwapDb : SessionCommand
{
    public override CommandInfo Info { get; } = new("swapdb", CommandGroup.Server)
    {
        Arity = 3,
        Flags = CommandFlags.Write | CommandFlags.Fast,
        Categories = ["keyspace", "dangerous"],
        Since = "4.0.0",
        Summary = "Gives two databases each other's keys; all clients see it at once.",
        Complexity = "O(N) with N the clients that wait for a key of either",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (!Numbers.TryInteger(args[1], out var first))
        {
            reply.Error("ERR invalid first DB index"u8);
            return;
        }
        if (!Numbers.TryInteger(args[2], out var second))
        {
            reply.Error("ERR invalid second DB index"u8);
            return;
        }
        var databases = client.Engine.Databases;
        if (first < 0 || first >= databases.Count || second < 0 || second >= databases.Count)
        {
            reply.Error("ERR DB index is out of range"u8);
            return;
        }
        var engine = client.Engine;
        engine.AnswerBeside(client, Info.Name, answer =>
        {
            databases.Swap((int)first, (int)second);
            engine.FollowDatabases();
            answer.Ok();
        }, start: work => engine.Server.Swaps.Run("resp swapdb", work));
    }
}
