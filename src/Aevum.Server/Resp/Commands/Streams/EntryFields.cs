using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>The fields of an entry as they lie in its row: their number, then field, value, field, value.</summary>
static class EntryFields
{
    /// <summary>How many fields there are.</summary>
    /// <param name="at">Where the first begins.</param>
    public static int Count(ReadOnlySpan<byte> row, out int at) =>
        Varint.TryRead(row, out uint count, out at) && count <= int.MaxValue ? (int)count : throw Malformed();

    /// <summary>Replies with an entry: its id, and fields and values.</summary>
    public static void Reply(ReplyWriter reply, StreamId id, ReadOnlySpan<byte> row)
    {
        reply.Array(2);
        Reply(reply, id);
        var left = 2L * Count(row, out var at);
        reply.Array(left);
        for (; PackedEntries.TryRead(row, ref at, out var part); left--) reply.Bulk(part);
        if (left != 0) throw Malformed();
    }

    /// <summary>Replies with an id.</summary>
    public static void Reply(ReplyWriter reply, StreamId id)
    {
        Span<byte> text = stackalloc byte[StreamId.TextBytesMax];
        reply.Bulk(text[..id.Format(text)]);
    }

    static CorruptionException Malformed() => (CorruptionException)DataCall.Corrupt("an entry of a stream");
}
