// ElementScan: what HSCAN, SSCAN and ZSCAN share: a cursor, MATCH, COUNT, and a reply of two parts. Cursors are positions (MemberPosition): a scan
// remembers nothing, and an element that is there all the time is told exactly once. A packed object is told whole, whatever COUNT says.

using System.Buffers.Text;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands;

static class ElementScan
{
    const int DefaultCount = 10;

    /// <summary>Answers a scan of the object that the first argument names.</summary>
    /// <param name="parts">Parts of the reply for each element: 1 or 2.</param>
    /// <param name="tell">Writes one element.</param>
    public static void Run<T>(DataCall call, RowsPool<T> pool, CommandArguments args, int parts, ElementVisitor tell)
        where T : MemberRows, new()
    {
        if (!Utf8Parser.TryParse(args[2], out ulong position, out var read) || read != args[2].Length)
        {
            call.Reply.Error("ERR invalid cursor"u8);
            return;
        }
        if (pool.Open(args[1]) is not { } rows) return;
        byte[]? pattern = null;
        long count = DefaultCount;
        for (var i = 3; i < args.Count && rows.Exists; i += 2)
        {
            if (i + 1 < args.Count && args.Is(i, "count"u8))
            {
                if (!call.TryInteger(args[i + 1], out count)) return;
                if (count >= 1) continue;
            }
            else if (i + 1 < args.Count && args.Is(i, "match"u8))
            {
                pattern = args[i + 1].ToArray();
                continue;
            }
            call.SyntaxError();
            return;
        }
        Tell(call.Reply, rows, position, count, pattern, parts, tell);
    }

    static void Tell(ReplyWriter reply, MemberRows rows, ulong position, long count, byte[]? pattern, int parts, ElementVisitor tell)
    {
        // The cursor comes first and is known last: the elements are written behind a place that is long enough for any.
        reply.Array(2);
        var start = reply.Length;
        reply.Bulk("00000000000000000000"u8);
        var elements = reply.BeginArray();
        var told = 0L;
        var next = rows.Scan(position, count, (name, value) =>
        {
            if (pattern is not null && !GlobPattern.Matches(pattern, name)) return true;
            told += parts;
            return tell(name, value);
        });
        reply.EndArray(elements, told);
        var tail = reply.Written[elements..].ToArray();
        reply.Truncate(start);
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(next, text, out var length);
        reply.Bulk(text[..length]);
        reply.Raw(tail);
    }
}
