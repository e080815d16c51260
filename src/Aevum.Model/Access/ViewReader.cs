// ViewReader: rows of a database in a view, as procedures see theirs (IRowReader). One thread; kept and used again, so that a read allocates nothing.

using Aevum.Core.Batches;
using Aevum.Core.Time;

namespace Aevum.Model.Access;

public sealed class ViewReader(IShardRouter router) : IRowReader
{
    byte[] _value = new byte[1024];

    /// <summary>Where reads stand.</summary>
    public ReadView View { get; set; } = ReadView.Present;

    /// <summary>The moment that commands are told, with a view of the present: the clock's when they began.</summary>
    public SystemTime Time { get; set; }

    public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value)
    {
        var shard = router.ShardOf(key);
        var info = shard.Read(key, View, _value);
        while (info.Found && info.Length > _value.Length)
        {
            _value = new byte[Math.Max(info.Length, 2 * _value.Length)];
            info = shard.Read(key, View, _value);
        }
        value = info.Found ? new FoundValue { Bytes = _value.AsSpan(0, info.Length), Version = info.Version, Expiry = info.Expiry } : default;
        return info.Found;
    }

    public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false)
    {
        var parts = router.ShardsOf(start.ToArray(), end.IsEmpty ? null : end.ToArray());
        foreach (var (shard, partStart, partEnd) in descending ? parts.Reverse() : parts)
        {
            using var cursor = shard.OpenCursor(partStart, partEnd, View);
            if (descending) cursor.SeekToLast();
            else cursor.SeekToFirst();
            for (; cursor.Valid; Step(cursor))
                if (!visitor.Visit(cursor.Key, new FoundValue { Bytes = cursor.Value, Version = cursor.Version, Expiry = cursor.Expiry })) return;
        }

        void Step(IShardCursor cursor)
        {
            if (descending) cursor.Prev();
            else cursor.Next();
        }
    }
}
