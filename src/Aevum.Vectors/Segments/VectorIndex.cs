// VectorIndex: the one face of nearness for whoever keeps rows: vectors under 64-bit ids, found by nearness now and as of any moment since the history floor.
//
//   live        what ids hold: HnswIndex, each row with the time it was put; deletion repairs the graph. With codes: LiveParts (VectorIndex.Coded)
//   history     what they held before: segments of entries with lifetimes [from, to); the last one is open, the others are sealed
//
// A put over an id, or a delete, first appends what the id held to history, then changes the live rows. A search as of t looks at the live rows first and at
// history afterwards, so an entry that moves meanwhile is seen at least once; seen twice, it is named once.
//
// Who holds what: one of 64 locks by id while an id is written; _historyGate while the list of segments changes; searches hold nothing, and count as users
// of the segments they visit.
//
// Always true: Put and Delete are seen by every search that begins after they return. A write whose time is not above that of what its id holds changes
// nothing: it was applied already, so a stream of writes may be applied again from an earlier position on.

using System.Buffers;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

public sealed partial class VectorIndex : IDisposable
{
    const int Stripes = 64;

    readonly MemoryBudget _budget;
    volatile HnswIndex _live;             // with codes: the part that takes writes
    readonly Lock[] _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new Lock())];
    readonly Lock _historyGate = new();
    volatile HistorySegment[] _history = [];
    ulong _floor;
    ulong _lastTime;
    volatile bool _closed;

    /// <param name="budget">What all native memory is taken from; null: from an unlimited one of its own.</param>
    /// <exception cref="AevumException">InvalidArgument: an option is out of its range.</exception>
    public VectorIndex(VectorShape shape, VectorIndexOptions? options = null, MemoryBudget? budget = null)
    {
        Shape = shape;
        Options = options ?? new();
        Options.Validate(shape);
        _budget = budget ?? MemoryBudget.Unlimited();
        _live = MakeLive();
        if (Options.Codes is not null) _parts = new(_live, null, []);
    }

    public VectorShape Shape { get; }

    public VectorIndexOptions Options { get; }

    /// <summary>How many ids have a vector.</summary>
    public long Count => _parts is null ? _live.Count : CountParts();

    /// <summary>Searches as of a moment before this are refused.</summary>
    public SystemTime HistoryFloor => new(Volatile.Read(ref _floor));

    /// <summary>The latest time that was written.</summary>
    public SystemTime LastTime => new(Volatile.Read(ref _lastTime));

    public bool Contains(ulong id) => _parts is null ? _live.Contains(id) : ContainsInParts(id);

    /// <summary>Copies the vector of an id out, as floats.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <returns>False: there is no such id.</returns>
    /// <remarks>Under Cosine it has length 1; the last bits of a component may differ from what was put.</remarks>
    public bool TryGet(ulong id, Span<float> vector) => _parts is null ? _live.TryGet(id, vector) : TryGetInParts(id, vector);

    /// <summary>Stores a vector under an id, in place of what the id held before, which goes to history.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <param name="from">When; not looked at without history.</param>
    /// <returns>Whether the id is new.</returns>
    /// <exception cref="AevumException">InvalidArgument: not a vector of this index (VectorEncoder), or no time. LimitExceeded: the budget has no room;
    /// what ids hold is unchanged. Closed.</exception>
    public bool Put(ulong id, ReadOnlySpan<float> vector, SystemTime from = default)
    {
        var stored = ArrayPool<byte>.Shared.Rent(2 * Shape.Bytes);
        try
        {
            VectorEncoder.Encode(Shape, vector, stored.AsSpan(0, Shape.Bytes));
            return PutEncoded(id, stored, from.Value);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    /// <summary>The same for components in their own element type.</summary>
    /// <param name="elements"><see cref="VectorShape.ElementBytes"/> bytes.</param>
    public bool PutElements(ulong id, ReadOnlySpan<byte> elements, SystemTime from = default)
    {
        var stored = ArrayPool<byte>.Shared.Rent(2 * Shape.Bytes);
        try
        {
            VectorEncoder.EncodeElements(Shape, elements, stored.AsSpan(0, Shape.Bytes));
            return PutEncoded(id, stored, from.Value);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    /// <summary>Ends what an id holds.</summary>
    /// <param name="at">When; not looked at without history.</param>
    /// <returns>False: there was no such id, or what it holds is not older than <paramref name="at"/>.</returns>
    /// <exception cref="AevumException">InvalidArgument: no time. LimitExceeded: the budget has no room for the history entry; nothing changed.</exception>
    public bool Delete(ulong id, SystemTime at = default)
    {
        ThrowIfClosed();
        RequireTime(at.Value);
        if (_parts is not null) return DeleteInParts(id, at.Value);
        if (!Options.KeepHistory) return _live.Delete(id);
        var stored = ArrayPool<byte>.Shared.Rent(Shape.Bytes);
        try
        {
            lock (StripeOf(id))
            {
                if (!_live.ReadEntry(id, stored.AsSpan(0, Shape.Bytes), out var from) || at.Value <= from) return false;
                Supersede(id, stored, from, at.Value);
                _live.Delete(id);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
        Note(at.Value);
        return true;
    }

    /// <summary>From now on nothing is asked as of a moment before this, and what ended at or before it is forgotten.</summary>
    /// <remarks>The floor never sinks.</remarks>
    public void RaiseFloor(SystemTime floor)
    {
        ThrowIfClosed();
        lock (_historyGate)
        {
            if (floor.Value <= _floor) return;
            Volatile.Write(ref _floor, floor.Value);
            var gone = _history.Where(s => s.MaxTo <= floor.Value && s != _history[^1]).ToArray();
            if (gone.Length == 0) return;
            _history = [.. _history.Except(gone)];
            foreach (var segment in gone) segment.Release();
        }
    }

    public VectorIndexStatistics Statistics()
    {
        ThrowIfClosed();
        var history = AcquireHistory();
        try
        {
            var live = DescribeParts(new() { Count = Count, LiveBytes = _live.MemoryBytes, MappedBytes = _live.MappedBytes });
            return live with
            {
                HistoryEntries = history.Sum(s => s.Count), HistorySegments = history.Length,
                HistoryBytes = history.Sum(s => s.Graph.MemoryBytes),
                MappedBytes = live.MappedBytes + history.Sum(s => s.Graph.MappedBytes),
                UsedBytes = _budget.UsedBytes, BytesMax = _budget.BytesMax,
                HistoryFloor = HistoryFloor, LastTime = LastTime,
            };
        }
        finally
        {
            foreach (var segment in history) segment.Release();
        }
    }

    /// <summary>Waits for searches and writes that run, then frees everything. Afterwards all answer Closed.</summary>
    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        if (_parts is null) _live.Dispose();
        else DisposeParts();
        lock (_historyGate)
        {
            foreach (var segment in _history) segment.Release();
            _history = [];
        }
    }

    bool PutEncoded(ulong id, byte[] stored, ulong from)
    {
        ThrowIfClosed();
        RequireTime(from);
        if (_parts is not null) return PutInParts(id, stored, from);
        if (!Options.KeepHistory) return _live.PutEncoded(id, stored, 0);
        bool isNew;
        lock (StripeOf(id))
        {
            // What the id holds comes into the second half.
            var held = stored.AsSpan(Shape.Bytes, Shape.Bytes);
            if (_live.ReadEntry(id, held, out var heldFrom))
            {
                if (from <= heldFrom) return false;
                Supersede(id, held, heldFrom, from);
            }
            isNew = _live.PutEncoded(id, stored, from);
        }
        Note(from);
        return isNew;
    }

    void Supersede(ulong id, ReadOnlySpan<byte> stored, ulong from, ulong to)
    {
        if (to <= Volatile.Read(ref _floor)) return;
        while (true)
        {
            var segment = OpenSegment();
            if (segment.TryAppend(id, stored, from, to)) return;
        }
    }

    // The segment that takes entries; one that is full is sealed and followed by another.
    HistorySegment OpenSegment()
    {
        var history = _history;
        if (history.Length > 0 && history[^1].Count < Options.SealRows) return history[^1];
        lock (_historyGate)
        {
            ThrowIfClosed();
            history = _history;
            if (history.Length > 0 && history[^1].Count < Options.SealRows) return history[^1];
            var next = new HistorySegment(Shape, Options.Graph, _budget);
            _history = [.. history, next];
            if (history.Length > 0) history[^1].Seal();
            return next;
        }
    }

    // All segments, each held until it is released.
    HistorySegment[] AcquireHistory()
    {
        while (true)
        {
            var history = _history;
            var held = 0;
            while (held < history.Length && history[held].TryAcquire()) held++;
            if (held == history.Length) return history;
            for (var i = 0; i < held; i++) history[i].Release();
            ThrowIfClosed();
        }
    }

    Lock StripeOf(ulong id) => _stripes[(id * 0x9E3779B97F4A7C15) >> 58];

    void Note(ulong time)
    {
        for (var seen = Volatile.Read(ref _lastTime); time > seen; seen = Volatile.Read(ref _lastTime))
            if (Interlocked.CompareExchange(ref _lastTime, time, seen) == seen) return;
    }

    void RequireTime(ulong time)
    {
        if (time == 0 && Options.KeepHistory) Throw.Invalid("an index with history wants to know when a vector was put or deleted");
    }

    void ThrowIfClosed()
    {
        if (_closed) Throw.Closed("the index");
    }
}
