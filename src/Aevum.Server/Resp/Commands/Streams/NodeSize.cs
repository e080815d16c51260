// NodeSize: what entries of a stream would take in one of Redis' nodes, a listpack. Nothing is kept in that form; the number decides where one node ends
// and the next begins, so that approximate trimming stops where clients of Redis see it stop.
//
//   listpack     6 bytes, elements, 1 byte
//   element      a number or text, and behind it its own length, so that it can be read backwards
//   node         live, deleted, number of fields, the fields of its first entry, 0; then its entries
//   entry        flags, time and sequence less those of the node's first id, values, number of elements; with its fields, if they are not those of
//                the node's first entry
//
// Source: the public description of the format, "Listpack: a specification" (S. Sanfilippo).

namespace Aevum.Server.Resp.Commands.Streams;

static class NodeSize
{
    const int ListpackBytes = 7;

    /// <summary>Of a node without entries.</summary>
    /// <param name="fields">Every second argument from <paramref name="from"/> on.</param>
    public static long OfNode(Protocol.CommandArguments args, int from)
    {
        var count = (args.Count - from) / 2;
        var size = ListpackBytes + OfNumber(1) + OfNumber(0) + OfNumber(count) + OfNumber(0);
        for (var i = from; i < args.Count; i += 2) size += OfText(args[i]);
        return size;
    }

    /// <summary>Of an entry.</summary>
    /// <param name="hasNodesFields">Its fields are those of the node's first entry.</param>
    public static long OfEntry(Protocol.CommandArguments args, int from, bool hasNodesFields, ulong milliseconds, ulong sequence)
    {
        var count = (args.Count - from) / 2;
        var size = OfNumber(0) + OfNumber((long)milliseconds) + OfNumber((long)sequence) + OfNumber(hasNodesFields ? count + 3 : (2 * count) + 4);
        if (!hasNodesFields) size += OfNumber(count);
        for (var i = from; i < args.Count; i += 2)
        {
            if (!hasNodesFields) size += OfText(args[i]);
            size += OfText(args[i + 1]);
        }
        return size;
    }

    /// <summary>Of a number.</summary>
    public static long OfNumber(long number) => WithLength(number switch
    {
        >= 0 and <= 127 => 1,
        >= -4096 and <= 4095 => 2,
        >= short.MinValue and <= short.MaxValue => 3,
        >= -(1 << 23) and <= (1 << 23) - 1 => 4,
        >= int.MinValue and <= int.MaxValue => 5,
        _ => 9,
    });

    /// <summary>Of text, which is kept as a number where it is one.</summary>
    public static long OfText(ReadOnlySpan<byte> text)
    {
        if (Numbers.TryInteger(text, out var number)) return OfNumber(number);
        return WithLength(text.Length + (text.Length < 64 ? 1 : text.Length < 4096 ? 2 : 5));
    }

    static long WithLength(long bytes) => bytes + bytes switch
    {
        <= 127 => 1,
        < 16383 => 2,
        < 2097151 => 3,
        < 268435455 => 4,
        _ => 5,
    };
}
