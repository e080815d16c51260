// IndexTail: what was written to a collection and is not in its graph yet, in the order of the stream. Entries are counted from 0 and never renumbered:
//
//   kept  <=  taken  <=  end              [kept, end) lies in memory
//
//   Append    entry `end` comes to be                                          the follower
//   Take      entry `taken` went into the graph                                the indexer
//   Pin       a search looks at [taken, end) of its moment: kept stays below    any thread
//
// A search first pins, scans its entries, and asks the graph last: whatever leaves the tail meanwhile was in the graph before. An entry counts for a
// search if no later one of the same number lay below its end (Next); what the graph says about a number that has an entry in the pinned stretch is
// out of date, or the same (IsOverridden).
//
// Always true: an entry is whole before `end` passes it; its memory stays until no pin can reach it. Vectors lie in their stored form in native chunks
// that never move, so a scan needs no lock.

using System.Diagnostics;
using Aevum.Core.Time;
using Aevum.Vectors;

namespace Aevum.Engine.Indexes;

sealed unsafe class IndexTail(VectorShape shape, KeyTable keys, MemoryBudget budget) : IDisposable
{
    const int ChunkBits = 10;
    const int ChunkEntries = 1 << ChunkBits;
    const int SpareChunks = 2;

    /// <summary>One change of one key.</summary>
    public struct Entry
    {
        /// <summary>Of the key.</summary>
        public uint Number;

        public bool IsDelete;

        /// <summary>System time.</summary>
        public ulong Time;

        /// <summary>The entry of the same number before this one; -1: none.</summary>
        public long Previous;

        /// <summary>The entry of the same number behind this one; <see cref="long.MaxValue"/>: none yet.</summary>
        public long Next;
    }

    sealed class Chunk(VectorShape shape, MemoryBudget budget) : IDisposable
    {
        public readonly NativeBlock Vectors = new((long)ChunkEntries * shape.Stride, budget);
        public readonly Entry[] Entries = new Entry[ChunkEntries];

        public void Dispose() => Vectors.Dispose();
    }

    /// <summary>What a search looks at.</summary>
    public readonly record struct Pinned(long From, long End)
    {
        public int Count => (int)(End - From);
    }

    readonly Lock _gate = new();
    readonly Dictionary<long, int> _pins = [];      // by From: how many; under the gate
    readonly Stack<Chunk> _spare = new();
    Chunk?[] _chunks = new Chunk?[16];              // a ring; replaced when it grows
    long _kept;
    long _taken;
    long _end;

    /// <summary>Entries that are not in the graph yet.</summary>
    public long Count => Volatile.Read(ref _end) - Volatile.Read(ref _taken);

    public long Taken => Volatile.Read(ref _taken);

    public long End => Volatile.Read(ref _end);

    ref Entry At(long entry) => ref ChunkOf(entry).Entries[entry & (ChunkEntries - 1)];

    public ref readonly Entry this[long entry] => ref At(entry);

    /// <summary>The stored vector of an entry that is pinned or not taken yet.</summary>
    public byte* VectorOf(long entry) =>
        ChunkOf(entry).Vectors.Pointer + ((entry & (ChunkEntries - 1)) * shape.Stride);

    Chunk ChunkOf(long entry)
    {
        var chunks = Volatile.Read(ref _chunks);
        return chunks[(int)((entry >> ChunkBits) & (chunks.Length - 1))]!;
    }

    // ------------------------------------------------------------------------------------------------ writing

    /// <summary>Adds a change. One thread at a time.</summary>
    /// <param name="elements">Of a put; empty: a delete.</param>
    /// <exception cref="Core.Errors.AevumException">LimitExceeded: there is no memory for it; nothing was added.</exception>
    public void Append(uint number, ulong time, ReadOnlySpan<byte> elements)
    {
        var entry = _end;
        if ((entry & (ChunkEntries - 1)) == 0) AddChunk(entry >> ChunkBits);
        var isDelete = elements.IsEmpty;
        if (!isDelete) VectorEncoder.EncodeElements(shape, elements, new Span<byte>(VectorOf(entry), shape.Bytes));
        ref var last = ref keys.StateOf(number).LastEntry;
        At(entry) = new Entry { Number = number, IsDelete = isDelete, Time = time, Previous = last, Next = long.MaxValue };
        if (last >= 0 && last >= Volatile.Read(ref _kept)) Volatile.Write(ref At(last).Next, entry);
        Volatile.Write(ref last, entry);
        Volatile.Write(ref _end, entry + 1);
    }

    void AddChunk(long chunk)
    {
        lock (_gate)
        {
            var first = _kept >> ChunkBits;
            if (ChunkAt(chunk) is not null) return;   // an append that was refused came so far
            if (chunk - first >= _chunks.Length) GrowLocked(first, chunk);
            _chunks[(int)(chunk & (_chunks.Length - 1))] = _spare.TryPop(out var spare) ? spare : new Chunk(shape, budget);
        }

        Chunk? ChunkAt(long at) => at - (_kept >> ChunkBits) < _chunks.Length ? _chunks[(int)(at & (_chunks.Length - 1))] : null;
    }

    void GrowLocked(long first, long end)
    {
        var grown = new Chunk?[2 * _chunks.Length];
        for (var chunk = first; chunk < end; chunk++) grown[(int)(chunk & (grown.Length - 1))] = _chunks[(int)(chunk & (_chunks.Length - 1))];
        Volatile.Write(ref _chunks, grown);
    }

    /// <summary>The entries below a bound are in the graph. One thread at a time.</summary>
    public void Take(long taken)
    {
        Debug.Assert(taken >= _taken && taken <= _end);
        lock (_gate)
        {
            Volatile.Write(ref _taken, taken);
            LetGoLocked();
        }
    }

    // ------------------------------------------------------------------------------------------------ searching

    public Pinned Pin()
    {
        lock (_gate)
        {
            var pin = new Pinned(_taken, Volatile.Read(ref _end));
            _pins[pin.From] = _pins.GetValueOrDefault(pin.From) + 1;
            return pin;
        }
    }

    public void Unpin(Pinned pin)
    {
        lock (_gate)
        {
            if (_pins[pin.From] is > 1 and var more) _pins[pin.From] = more - 1;
            else _pins.Remove(pin.From);
            LetGoLocked();
        }
    }

    /// <summary>True if an entry of the pinned stretch says what became of a number: by a moment, if one is given.</summary>
    public bool IsOverridden(uint number, Pinned pin, SystemTime? moment)
    {
        var entry = Volatile.Read(ref keys.StateOf(number).LastEntry);
        while (entry >= pin.End || (entry >= pin.From && At(entry).Time > (moment?.Value ?? ulong.MaxValue))) entry = At(entry).Previous;
        return entry >= pin.From;
    }

    // Whether an entry is what its number holds, for who sees [.., end) at a moment.
    bool Counts(in Entry entry, long end, ulong moment)
    {
        if (entry.IsDelete || entry.Time > moment) return false;
        var next = Volatile.Read(in entry.Next);
        return next >= end || At(next).Time > moment;
    }

    /// <summary>Offers the entries of a pinned stretch to a search that has begun: rows numbered from the stretch's first.</summary>
    /// <param name="bits">Room for a bit an entry.</param>
    public void Scan(Pinned pin, SystemTime? moment, ExactSearch search, ulong* bits)
    {
        var live = 0;
        var at = moment?.Value ?? ulong.MaxValue;
        new Span<ulong>(bits, (pin.Count + 63) / 64).Clear();
        for (var entry = pin.From; entry < pin.End; entry++)
        {
            if (!Counts(this[entry], pin.End, at)) continue;
            var row = (int)(entry - pin.From);
            bits[row >> 6] |= 1UL << (row & 63);
            live++;
        }
        if (live == 0) return;
        var filter = new RowFilter(bits, pin.Count);
        for (var entry = pin.From; entry < pin.End;)
        {
            var count = Math.Min(ChunkEntries - (entry & (ChunkEntries - 1)), pin.End - entry);
            search.Scan(new VectorRows(VectorOf(entry), shape.Stride, (uint)(entry - pin.From), (int)count), filter);
            entry += count;
        }
    }

    // Chunks below what anybody can reach go.
    void LetGoLocked()
    {
        var needed = _taken;
        foreach (var from in _pins.Keys) needed = Math.Min(needed, from);
        for (var chunk = _kept >> ChunkBits; chunk < needed >> ChunkBits; chunk++)
        {
            ref var gone = ref _chunks[(int)(chunk & (_chunks.Length - 1))];
            if (_spare.Count < SpareChunks) _spare.Push(gone!);
            else gone!.Dispose();
            gone = null;
        }
        Volatile.Write(ref _kept, Math.Max(_kept, needed));
    }

    /// <summary>Nobody looks at it any more.</summary>
    public void Dispose()
    {
        foreach (var chunk in _chunks) chunk?.Dispose();
        foreach (var chunk in _spare) chunk.Dispose();
        _chunks = new Chunk?[1];
        _spare.Clear();
    }
}
