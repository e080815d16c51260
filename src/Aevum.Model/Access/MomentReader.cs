// MomentReader: rows of a database as all of them were when the first was read, of each shard: for whoever reads several and must not mix two states.
//
// What is shown is held until the reader is disposed; nobody waits for it, and commits go on beside. Expiries are held against one time. Where a plain
// ViewReader will do (one row, or nothing that came to light between the reads) it is cheaper: holding takes a lock.

using Aevum.Core.Batches;
using Aevum.Core.Time;

namespace Aevum.Model.Access;

/// <param name="time">The present: expiries are held against it.</param>
public sealed class MomentReader(IShardRouter router, SystemTime time) : IRowReader, IDisposable
{
    readonly ViewReader _reader = new(router);
    readonly List<(IShard Shard, IHeldMoment Moment)> _held = [];

    public SystemTime Time => time;

    public bool TryRead(ReadOnlySpan<byte> key, out FoundValue value)
    {
        _reader.View = ViewOf(router.ShardOf(key));
        return _reader.TryRead(key, out value);
    }

    public void Scan(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, IRowVisitor visitor, bool descending = false)
    {
        var until = new UntilStopped(visitor);
        var parts = router.ShardsOf(start.ToArray(), end.IsEmpty ? null : end.ToArray());
        foreach (var (shard, partStart, partEnd) in descending ? parts.Reverse() : parts)
        {
            _reader.View = ViewOf(shard);
            _reader.Scan(partStart, partEnd, until, descending);
            if (until.HasStopped) return;
        }
    }

    /// <summary>Holds every shard now, not when it is read first.</summary>
    public void Hold()
    {
        foreach (var shard in router.Shards) _ = ViewOf(shard);
    }

    ReadView ViewOf(IShard shard)
    {
        foreach (var (known, moment) in _held)
            if (known == shard) return ReadView.AsOf(moment.At) with { Now = time };
        var held = shard.HoldShown();
        _held.Add((shard, held));
        return ReadView.AsOf(held.At) with { Now = time };
    }

    public void Dispose()
    {
        foreach (var (_, moment) in _held) moment.Dispose();
        _held.Clear();
    }

    sealed class UntilStopped(IRowVisitor visitor) : IRowVisitor
    {
        public bool HasStopped { get; private set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            if (visitor.Visit(key, value)) return true;
            HasStopped = true;
            return false;
        }
    }
}
