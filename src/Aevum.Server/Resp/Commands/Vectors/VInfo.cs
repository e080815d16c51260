using Aevum.Model.Vectors;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

/// <summary>VINFO: what a collection is, and how many vectors it has.</summary>
sealed class VInfo : SessionCommand
{
    public override CommandInfo Info { get; } = new("vinfo", CommandGroup.Vector)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "Answers dimension, metric and count of a collection; with FULL also how it is built, and how far its index is.",
        Complexity = "O(1); O(N) while the index is built",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        var isFull = args.Count == 3 && args.Is(2, "full"u8);
        if (args.Count > 2 && !isFull)
        {
            reply.Error("ERR syntax error"u8);
            return;
        }
        var moment = client.Moment;
        var collections = client.Engine.Server.Collections;
        if (collections.Find(args[1], moment) is not { } entry)
        {
            reply.Error(VectorArguments.NoSuchIndex);
            return;
        }
        client.Engine.AnswerBeside(client, Info.Name, answer => Write(answer, collections.Open(entry, moment), isFull));
    }

    static void Write(ReplyWriter reply, Collection collection, bool isFull)
    {
        var options = collection.Options;
        reply.Map(isFull ? 16 : 3);
        Field("dim", options.Dimension);
        reply.Bulk("metric");
        reply.Bulk(VectorWords.WordOf(options.Metric));
        if (!isFull)
        {
            Field("count", collection.Count);
            return;
        }
        var statistics = collection.Describe();
        Field("count", statistics.Count);
        reply.Bulk("type");
        reply.Bulk(VectorWords.WordOf(options.Element));
        reply.Bulk("quantization");
        reply.Bulk(VectorWords.WordOf(options.Quantization));
        Field("m", options.M);
        Field("ef_construction", options.EfConstruction);
        Field("ef_search", options.EfSearch);
        reply.Bulk("history");
        reply.Bulk(collection.Rows.Options.History.ToText());
        reply.Bulk("index");
        reply.Bulk(statistics.State);
        Field("indexed", statistics.Indexed);
        Field("coded", statistics.Coded);
        Field("tail", statistics.Tail);
        Field("memory", statistics.MemoryBytes);
        Field("bytes_per_vector", (long)Math.Ceiling(statistics.BytesPerVector));
        reply.Bulk("damage");
        if (statistics.Damage is { } damage) reply.Bulk(damage);
        else reply.Null();

        void Field(string name, long number)
        {
            reply.Bulk(name);
            reply.Integer(number);
        }
    }
}
