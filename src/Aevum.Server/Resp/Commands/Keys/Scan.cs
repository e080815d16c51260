// Scan: SCAN, a walk over the heads of a database in the order of their keys, from the place that the cursor stands for.
//
// COUNT bounds the heads that are looked at, not those that are told: MATCH and TYPE pass over the rest, so an answer may be empty and the scan not
// at its end. The next cursor stands in front of the keys but is known behind them: the keys are written first, and put back after the cursor.
//
// Always true: a call looks at COUNT heads at most, one more to know where the next begins; cursor 0 begins, and 0 is answered at the end alone.
//
// Not here: where cursors' places are kept and what happens to those that are forgotten (ScanPlaces); walks within one key (HSCAN, SSCAN, ZSCAN).

using System.Buffers.Text;
using Aevum.Core.Scheduling;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Keys;

/// <summary>SCAN: keys in the order of their bytes, COUNT of them at each call; how a cursor finds its place: <see cref="ScanPlaces"/>.</summary>
/// <remarks>A key that is there from the first call to the last is told, and once unless the scan had to begin anew.</remarks>
sealed class Scan(SeededRandom chances) : DataCommand
{
    const long DefaultCount = 10;
    const long SlowCount = 1000;

    readonly ScanPlaces _places = new(chances);

    public override CommandInfo Info { get; } = new("scan", CommandGroup.Generic)
    {
        Arity = -2,
        Flags = CommandFlags.ReadOnly,
        Since = "2.8.0",
        Summary = "Walks over the keys of the database, some at a time.",
        Complexity = "O(COUNT) for each call, O(N) for a whole scan",
    };

    public override bool IsSlow(DataCall call, CommandArguments args)
    {
        for (var i = 2; i + 1 < args.Count; i += 2)
            if (args.Is(i, "count"u8) && Numbers.TryInteger(args[i + 1], out var count) && count > SlowCount) return true;
        return false;
    }

    public override void Run(DataCall call, CommandArguments args)
    {
        if (!Utf8Parser.TryParse(args[1], out ulong cursor, out var read) || read != args[1].Length)
        {
            call.Reply.Error("ERR invalid cursor"u8);
            return;
        }
        byte[]? pattern = null, type = null;
        var count = DefaultCount;
        for (var i = 2; i < args.Count; i += 2)
        {
            var hasValue = i + 1 < args.Count;
            if (hasValue && args.Is(i, "count"u8))
            {
                if (!call.TryInteger(args[i + 1], out count)) return;
                if (count >= 1) continue;
            }
            else if (hasValue && args.Is(i, "match"u8))
            {
                pattern = args[i + 1].ToArray();
                continue;
            }
            else if (hasValue && args.Is(i, "type"u8))
            {
                type = args[i + 1].ToArray();
                continue;
            }
            call.SyntaxError();
            return;
        }
        Tell(call, cursor, count, pattern, type);
    }

    void Tell(DataCall call, ulong cursor, long count, byte[]? pattern, byte[]? type)
    {
        // The cursor comes first and is known last.
        var reply = call.Reply;
        reply.Array(2);
        var start = reply.Length;
        var keys = reply.BeginArray();
        byte[]? next = null;
        var told = 0L;
        HeadWalk.Run(call.Rows, call.Keyspace, From(call, cursor), (key, head, _) =>
        {
            if (count-- <= 0)
            {
                next = call.HeadKey(key)[KeyspaceId.PrefixBytes..].ToArray();
                return false;
            }
            if (type is not null && !Words.EqualsIgnoreCase(type, TypeOf.NameOf(head.Kind))) return true;
            if (pattern is not null && !GlobPattern.Matches(pattern, key)) return true;
            reply.Bulk(key);
            told++;
            return true;
        });
        reply.EndArray(keys, told);
        var tail = reply.Written[start..].ToArray();
        reply.Truncate(start);
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(next is null ? 0 : _places.Add(next, cursor), text, out var length);
        reply.Bulk(text[..length]);
        reply.Raw(tail);
    }

    // Places are kept without the keyspace: SWAPDB changes that.
    byte[] From(DataCall call, ulong cursor)
    {
        if (cursor == 0 || _places.Find(cursor) is not { } place) return [];
        var from = new byte[KeyspaceId.PrefixBytes + place.Length];
        call.Keyspace.WriteTo(from);
        place.CopyTo(from, KeyspaceId.PrefixBytes);
        return from;
    }
}
