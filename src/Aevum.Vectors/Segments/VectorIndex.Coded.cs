// Live rows as codes: what an index does otherwise when it was made with codes (VectorIndexOptions.Codes), or opened from files that have some. What ids hold
// then lies in parts (LiveParts); writes go to the open one; VectorIndex.Sealing turns it into codes.
//
// A write holds the lock of its id throughout, with history or without: parts are replaced only when all of these are held, so a writer sees one list of parts.
// A search holds nothing: it takes the parts, asks coded segments first and the open graph last, and asks again if the index has other parts by then.

using Aevum.Core.Errors;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

public sealed partial class VectorIndex
{
    volatile LiveParts? _parts;           // null: without codes

    HnswIndex MakeLive() =>
        new(Shape, Options.Graph with { Lifetimes = Options.KeepHistory ? LifetimeKind.From : LifetimeKind.None }, _budget);

    // Held until it is released.
    LiveParts AcquireParts()
    {
        while (true)
        {
            var parts = _parts!;
            if (parts.TryAcquire()) return parts;
            ThrowIfClosed();
        }
    }

    long CountParts()
    {
        if (_closed) return 0;
        var parts = AcquireParts();
        try
        {
            return parts.Count;
        }
        finally
        {
            parts.Release();
        }
    }

    bool ContainsInParts(ulong id)
    {
        lock (StripeOf(id)) return !_closed && HolderOf(id, out _, out _) != Holder.None;
    }

    bool TryGetInParts(ulong id, Span<float> vector)
    {
        if (vector.Length != Shape.Dimension) Throw.Invalid($"there is room for {vector.Length} components where {Shape.Dimension} are asked for");
        lock (StripeOf(id))
        {
            ThrowIfClosed();
            switch (HolderOf(id, out var segment, out var row))
            {
                case Holder.None: return false;
                case Holder.Open: return _parts!.Open.TryGet(id, vector);
                case Holder.Frozen: return _parts!.Frozen!.TryGet(id, vector);
            }
            VectorEncoder.Decode(Shape, segment!.Vector(row), vector);
            return true;
        }
    }

    enum Holder
    {
        None,
        Open,
        Frozen,
        Coded,
    }

    // Under the lock of the id.
    Holder HolderOf(ulong id, out CodedSegment? segment, out uint row)
    {
        var parts = _parts!;
        (segment, row) = (null, 0);
        if (parts.Open.Contains(id)) return Holder.Open;
        if (parts.Frozen is { } frozen && frozen.Contains(id)) return Holder.Frozen;
        foreach (var coded in parts.Coded)
        {
            if (!coded.TryFind(id, out row)) continue;
            segment = coded;
            return Holder.Coded;
        }
        return Holder.None;
    }

    // What the id holds, and since when; without history only whether it holds something.
    Holder ReadHeld(ulong id, Span<byte> stored, out ulong from, out CodedSegment? segment, out uint row)
    {
        from = 0;
        var holder = HolderOf(id, out segment, out row);
        if (!Options.KeepHistory) return holder;
        switch (holder)
        {
            case Holder.Open: _parts!.Open.ReadEntry(id, stored, out from); break;
            case Holder.Frozen: _parts!.Frozen!.ReadEntry(id, stored, out from); break;
            case Holder.Coded:
                segment!.Vector(row).CopyTo(stored);
                from = segment.From(row);
                break;
        }
        return holder;
    }

    bool PutInParts(ulong id, byte[] stored, ulong from)
    {
        lock (StripeOf(id))
        {
            ThrowIfClosed();
            // What the id holds comes into the second half.
            var held = stored.AsSpan(Shape.Bytes, Shape.Bytes);
            var holder = ReadHeld(id, held, out var heldFrom, out var segment, out var row);
            if (holder != Holder.None && Options.KeepHistory)
            {
                if (from <= heldFrom) return false;
                Supersede(id, held, heldFrom, from);
            }
            _live.PutEncoded(id, stored, from);
            if (holder == Holder.Frozen) _parts!.Frozen!.Delete(id);
            if (holder == Holder.Coded) segment!.Dead.Add(row);
            ShowToKeeper(stored);
            if (Options.KeepHistory) Note(from);
            return holder == Holder.None;
        }
    }

    bool DeleteInParts(ulong id, ulong at)
    {
        var stored = System.Buffers.ArrayPool<byte>.Shared.Rent(Shape.Bytes);
        try
        {
            lock (StripeOf(id))
            {
                ThrowIfClosed();
                var holder = ReadHeld(id, stored.AsSpan(0, Shape.Bytes), out var from, out var segment, out var row);
                if (holder == Holder.None || (Options.KeepHistory && at <= from)) return false;
                if (Options.KeepHistory) Supersede(id, stored, from, at);
                if (holder == Holder.Open) _live.Delete(id);
                else if (holder == Holder.Frozen) _parts!.Frozen!.Delete(id);
                else segment!.Dead.Add(row);
                if (Options.KeepHistory) Note(at);
                return true;
            }
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(stored);
        }
    }

    int SearchParts(ReadOnlySpan<byte> stored, in HnswQuery query, ulong? asOf, Span<VectorHit> results)
    {
        if (asOf is { } moment)
        {
            if (!Options.KeepHistory) throw new AevumException(ErrorCode.HistoryUnavailable, "the index keeps no history");
            RequireAbove(moment);
            if (moment == 0) return 0;
        }
        var k = Math.Min(query.K, results.Length);
        var wanted = (int)Math.Min((long)k + query.Offset, int.MaxValue);
        if (k == 0) return 0;
        var joined = new JoinedMatches(wanted);
        try
        {
            while (true)
            {
                joined.Clear();
                var parts = AcquireParts();
                try
                {
                    var ef = Math.Max(query.Ef == 0 ? Options.Graph.EfSearch : query.Ef, Math.Min(wanted, HnswOptions.EfMax));
                    var asked = query with { Offset = 0, AsOf = asOf ?? 0, Ef = ef };
                    foreach (var segment in parts.Coded) SearchCoded(segment, stored, asked, wanted, ref joined);
                    if (asOf is null)
                    {
                        if (parts.Frozen is { } frozen) joined.Add(frozen, stored, asked);
                        joined.Add(parts.Open, stored, asked);
                    }
                    else SearchPastParts(parts, stored, asked, wanted, ref joined);
                    // Where the parts are others by now, an id may have moved to one that was not looked at.
                    if (_parts != parts) continue;
                }
                finally
                {
                    parts.Release();
                }
                if (asOf is { } past) RequireAbove(past);
                return joined.Take(query.Offset, results[..k]);
            }
        }
        finally
        {
            joined.Return();
        }
    }

    static void SearchCoded(CodedSegment segment, ReadOnlySpan<byte> stored, in HnswQuery query, int wanted, ref JoinedMatches joined)
    {
        var room = Math.Min(wanted, segment.Rows);
        var coded = new CodedQuery(room) { Ef = query.Ef, Patience = query.Patience, DistanceMax = query.DistanceMax, Exact = query.Exact };
        joined.Took(segment.Search(stored, coded, query.Ids, query.AsOf, joined.Room(room)));
    }

    // What leaves these graphs from the pins on is still seen there; what has left them, or codes, before is in history.
    void SearchPastParts(LiveParts parts, ReadOnlySpan<byte> stored, in HnswQuery query, int wanted, ref JoinedMatches joined)
    {
        HistorySegment[] history = [];
        uint death = 0;
        var frozenPin = parts.Frozen?.Pin(out death);
        var openPin = parts.Open.Pin(out var openDeath);
        try
        {
            history = AcquireHistory();
            if (parts.Frozen is { } frozen) joined.Add(frozen, stored, query with { Death = death });
            joined.Add(parts.Open, stored, query with { Death = openDeath });
            foreach (var segment in history)
                if (segment.Spans(query.AsOf)) joined.Add(segment.Graph, stored, query);
        }
        finally
        {
            parts.Open.Unpin(openPin);
            if (frozenPin is not null) parts.Frozen!.Unpin(frozenPin);
            foreach (var segment in history) segment.Release();
        }
    }

    VectorIndexStatistics DescribeParts(VectorIndexStatistics open)
    {
        if (_parts is null) return open;
        var parts = AcquireParts();
        try
        {
            var coded = parts.Coded;
            var codes = coded.Sum(c => c.CodeBytes);
            return open with
            {
                Count = parts.Count, CodedCount = coded.Sum(c => c.Count), CodedSegments = coded.Length, CodedDead = coded.Sum(c => c.Dead.Count),
                CodedBytes = codes,
                LiveBytes = parts.Open.MemoryBytes + (parts.Frozen?.MemoryBytes ?? 0) + codes + coded.Sum(c => c.VectorBytes),
                MappedBytes = parts.Open.MappedBytes + (parts.Frozen?.MappedBytes ?? 0) + coded.Sum(c => c.MappedBytes),
            };
        }
        finally
        {
            parts.Release();
        }
    }

    void DisposeParts()
    {
        // Nobody replaces or writes any more.
        var held = 0;
        try
        {
            for (; held < Stripes; held++) _stripes[held].Enter();
            _parts!.Release();
        }
        finally
        {
            while (held > 0) _stripes[--held].Exit();
        }
        lock (_keeperGate)
        {
            _keeper?.Current?.Dispose();
            _keeper?.Dispose();
            _keeper = null;
        }
    }
}
