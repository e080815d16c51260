// VNEW: makes a collection.
//
//   VNEW idx dim [METRIC cosine|l2|dot|l1|hamming|jaccard] [TYPE f32|f16|int8|bit] [QUANT none|int8|pq] [M n] [EFC n] [EF n] [HISTORY forever|none|duration]
//
// Dimension and METRIC with its aliases are the seed's; the rest is ours. What does not go together (bits by cosine) the catalog's options refuse.

using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Model.Vectors;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Vectors;

sealed class VNew : SessionCommand
{
    public override CommandInfo Info { get; } = new("vnew", CommandGroup.Vector)
    {
        Arity = -3,
        Flags = CommandFlags.Write | CommandFlags.DenyOom,
        Keys = KeyPlaces.One,
        Since = "aevum",
        Summary = "Makes a vector collection of a dimension: METRIC cosine (unless told otherwise), l2 (euclidean), dot (ip), l1, hamming, jaccard; "
            + "TYPE f32, f16, int8, bit; QUANT none, int8, pq: codes in memory, vectors in files; "
            + "M links, EFC candidates of an insert, EF of a search; HISTORY forever, none or a duration.",
        Complexity = "O(1)",
    };

    public override void Run(RespClient client, CommandArguments args, ReplyWriter reply)
    {
        if (!TryParse(args, reply, out var options, out var history)) return;
        var name = RespCollections.NameOf(args[1]);
        var session = client.Engine.Server.Collections.Session;
        client.Engine.AnswerBeside(client, Info.Name, answer =>
        {
            try
            {
                options.Validate();
                session.CreateCollection(name, options, history);
                answer.Ok();
            }
            catch (AevumException taken) when (taken.Code == ErrorCode.AlreadyExists)
            {
                answer.Error("ERR index already exists"u8);
            }
        });
    }

    static bool TryParse(CommandArguments args, ReplyWriter reply, out CollectionOptions options, out HistoryPolicy history)
    {
        options = null!;
        history = HistoryPolicy.Forever;
        if (!Numbers.TryInteger(args[2], out var dimension) || dimension < 1)
        {
            reply.Error("ERR dimension must be a positive integer"u8);
            return false;
        }
        if (dimension > CollectionOptions.DimensionMax)
        {
            reply.Error($"ERR dimension must be at most {CollectionOptions.DimensionMax}");
            return false;
        }
        var made = new CollectionOptions((int)dimension);
        for (var i = 3; i < args.Count; i += 2)
        {
            if (i + 1 == args.Count) return Fail(reply, "ERR syntax error");
            var value = args[i + 1];
            if (args.Is(i, "metric"u8))
            {
                if (!VectorWords.TryMetric(TextOf(value), out var metric)) return Fail(reply, "ERR unknown metric");
                made = made with { Metric = metric };
            }
            else if (args.Is(i, "type"u8))
            {
                if (!VectorWords.TryElement(TextOf(value), out var element)) return Fail(reply, "ERR unknown type");
                made = made with { Element = element };
            }
            else if (args.Is(i, "quant"u8))
            {
                if (!VectorWords.TryQuantization(TextOf(value), out var quantization)) return Fail(reply, "ERR unknown quantization");
                made = made with { Quantization = quantization };
            }
            else if (args.Is(i, "history"u8))
            {
                if (!HistoryPolicy.TryParse(TextOf(value), out history))
                    return Fail(reply, $"ERR a history policy is none, forever, or a duration: {DurationText.Forms}");
            }
            else if (args.Is(i, "m"u8) || args.Is(i, "efc"u8) || args.Is(i, "ef"u8))
            {
                if (!Numbers.TryInteger(value, out var number) || number is < 0 or > int.MaxValue)
                    return Fail(reply, "ERR value is not an integer or out of range");
                made = args.Is(i, "m"u8) ? made with { M = (int)number }
                    : args.Is(i, "efc"u8) ? made with { EfConstruction = (int)number } : made with { EfSearch = (int)number };
            }
            else
            {
                return Fail(reply, "ERR syntax error");
            }
        }
        options = made;
        return true;
    }

    static string TextOf(ReadOnlySpan<byte> word) => Encoding.Latin1.GetString(word);

    static bool Fail(ReplyWriter reply, string error)
    {
        reply.Error(error);
        return false;
    }
}
