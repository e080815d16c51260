// VSEARCH: the nearest vectors of a collection.
//
//   VSEARCH idx query k [EF n] [EXACT] [ASOF moment] [WITHVECTORS] [THRESHOLD distance] [OFFSET n]
//   query     a blob | VALUES n x1 .. xn | KEY key: the vector that a key of the collection holds
//
// Answers key, distance, key, distance, ..., nearest first; with WITHVECTORS each followed by the vector. A client that reads as of a moment
// (AEVUM.ASOF) searches as of it.

using Aevum.Core.Time;
using Aevum.Model.Vectors;
using Aevum.Server.Resp.Commands.History;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

sealed class VSearch : SessionCommand
{
    // What was asked for beside the query.
    record struct Wishes(long K)
    {
        public long Ef;
        public long Offset;
        public float? Threshold;
        public bool Exact;
        public bool WithVectors;
        public SystemTime? Moment;
    }

    public override CommandInfo Info { get; } = new("vsearch", CommandGroup.Vector)
    {
        Arity = -4,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "The k vectors of a collection nearest to a blob, to VALUES n x1 .. xn, or to the vector of KEY key: keys and distances, nearest first. EF "
            + "candidates (recall against time), EXACT, ASOF a moment, WITHVECTORS, THRESHOLD distance, OFFSET n.",
        Complexity = "O(log(N)) with N the vectors; with EXACT O(N)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var isOfKey = args.Is(2, "key"u8) && args.Count > 4;
        if (!VectorArguments.TryMeasure(args, 2, reply, out var count)) return;
        if (isOfKey) count = 2;
        if (args.Count < 3 + count)
        {
            reply.Raw(RespErrors.WrongCount(Info.Name));
            return;
        }
        if (!TryParse(args, 2 + count, reply, out var wishes)) return;
        var moment = wishes.Moment ?? client.Moment;
        var collections = client.Engine.Server.Collections;
        if (collections.Find(args[1], moment) is not { } entry)
        {
            reply.Error(VectorArguments.NoSuchIndex);
            return;
        }
        byte[] query = [];
        if (!isOfKey)
        {
            if (!VectorArguments.TryRead(args, 2, count, entry.Options.Collection!, reply, out var elements)) return;
            query = elements.ToArray();
        }
        var key = isOfKey ? args[3].ToArray() : null;
        client.Engine.AnswerBeside(client, Info.Name, answer => Search(answer, collections.Open(entry, moment), query, key, wishes, moment));
    }

    static void Search(ReplyWriter reply, Collection collection, byte[] query, byte[]? key, in Wishes wishes, SystemTime? moment)
    {
        if (key is not null)
        {
            if (collection.GetElements(key) is not { } held)
            {
                reply.Error("ERR no such key"u8);
                return;
            }
            query = held;
        }
        var found = collection.Find(new VectorQuestion
        {
            Elements = query,
            K = (int)Math.Min(wishes.K, VectorQuestion.AnswersMax - wishes.Offset),
            Ef = (int)Math.Min(wishes.Ef, VectorQuestion.AnswersMax),
            Offset = (int)wishes.Offset,
            DistanceMax = wishes.Threshold,
            Exact = wishes.Exact,
            AsOf = moment,
        });
        reply.Array((wishes.WithVectors ? 3L : 2L) * found.Count);
        foreach (var answer in found)
        {
            reply.Bulk(answer.Key);
            reply.Bulk(VectorCommands.TextOf(answer.Distance));
            if (!wishes.WithVectors) continue;
            if (collection.GetElements(answer.Key) is { } vector) reply.Bulk(vector);
            else reply.Null();   // deleted since
        }
    }

    static bool TryParse(CommandArguments args, int at, ReplyWriter reply, out Wishes wishes)
    {
        wishes = default;
        if (!TryNatural(args[at], reply, out var k)) return false;
        wishes = new Wishes(k);
        for (var i = at + 1; i < args.Count; i++)
        {
            if (args.Is(i, "exact"u8))
            {
                wishes.Exact = true;
                continue;
            }
            if (args.Is(i, "withvectors"u8))
            {
                wishes.WithVectors = true;
                continue;
            }
            if (i + 1 == args.Count) return Fail(reply, "ERR syntax error");
            if (args.Is(i, "ef"u8))
            {
                if (!TryNatural(args[++i], reply, out wishes.Ef)) return false;
            }
            else if (args.Is(i, "offset"u8))
            {
                if (!TryNatural(args[++i], reply, out wishes.Offset)) return false;
                if (wishes.Offset > VectorQuestion.AnswersMax) return Fail(reply, $"ERR OFFSET is at most {VectorQuestion.AnswersMax}");
            }
            else if (args.Is(i, "threshold"u8))
            {
                if (!Numbers.TryDouble(args[++i], out var threshold) || double.IsNaN(threshold)) return Fail(reply, "ERR value is not a valid float");
                wishes.Threshold = (float)threshold;
            }
            else if (args.Is(i, "asof"u8))
            {
                if (!MomentText.TryParse(args[++i], out var moment)) return Fail(reply, $"ERR a moment is {MomentText.Forms}");
                wishes.Moment = moment;
            }
            else
            {
                return Fail(reply, "ERR syntax error");
            }
        }
        return true;
    }

    static bool TryNatural(ReadOnlySpan<byte> text, ReplyWriter reply, out long number) =>
        (Numbers.TryInteger(text, out number) && number >= 0) || Fail(reply, "ERR value is not an integer or out of range");

    static bool Fail(ReplyWriter reply, string error)
    {
        reply.Error(error);
        return false;
    }
}
