using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.History;

/// <summary>AEVUM.HISTORY: the versions of a key that can still be asked for, newest first.</summary>
/// <remarks>Read beside the loop: a key may have a great many. Inside MULTI nothing can be waited for, and it is read at once.</remarks>
sealed class HistoryOfKey : SessionCommand
{
    public override CommandInfo Info { get; } = new("aevum.history", CommandGroup.History)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "The versions of a key, newest first, at most LIMIT of them: each its system time, its string, its type (none: deleted), "
            + "its expiry, who wrote it.",
        Complexity = "O(N) with N the versions",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var limit = long.MaxValue;
        if (args.Count is not (2 or 4) || (args.Count == 4 && !Words.EqualsIgnoreCase(args[2], "limit"u8)))
        {
            reply.Error("ERR syntax error"u8);
            return;
        }
        if (args.Count == 4 && (!Numbers.TryInteger(args[3], out limit) || limit < 1))
        {
            reply.Error("ERR LIMIT must be a number from 1 on");
            return;
        }
        var rowKey = new KeyBuffer().HeadOf(client.Keyspace, args[1])[KeyspaceId.PrefixBytes..].ToArray();
        var (session, name, moment) = (client.Engine.Databases.Session, RespDatabases.NameOf(client.Database), client.Moment);
        client.Engine.AnswerBeside(client, Info.Name, answer => Write(answer, session, name, rowKey, moment, limit));
    }

    static void Write(ReplyWriter reply, Session session, string keyspace, byte[] rowKey, SystemTime? moment, long limit)
    {
        var entries = session.RowsOf(keyspace).History(rowKey).Where(e => moment is null || e.Time <= moment).Take((int)Math.Min(limit, int.MaxValue)).ToList();
        reply.Array(entries.Count);
        foreach (var entry in entries)
        {
            var exists = entry.Change == ValueChange.Put;
            VersionReply.Write(reply, entry.Time, exists ? StructureHead.Read(entry.Value) : default, exists, entry.Expiry, entry.Note);
        }
    }
}
