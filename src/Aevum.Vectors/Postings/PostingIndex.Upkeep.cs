// Upkeep: keeps postings between their lengths, and every vector in the posting of its nearest centroid, as near as can be told (LIRE: Xu et al., SOSP 2023,
// section 3). One step tends one posting:
//
//   too many entries     stale ones are dropped; if there are still too many, it is split in two by balanced 2-means, both parts under new numbers
//   too few vectors      each of them goes to the nearest other posting, and it is gone
//
// A split changes the centroids around; LIRE tells which vectors may have another nearest one now, without looking at all:
//   of the split posting    v may belong elsewhere only if the old centroid was nearer to v than its new one is
//   of a posting nearby     v may belong into a new posting only if one of the new centroids is nearer to v than the old one was; then that one is compared
//                           with v's own centroid at once (only new centroids can have become nearest)
// What passes is looked up among all centroids, and moved if its nearest is strictly nearer than its home: so moves cannot go round in circles.
//
// A move is an entry under a new version in another posting; the old entry is stale. Everything a step writes is a batch or two of the store: after a crash a
// vector is at its old place or at its new one. A step that fails changes nothing it has not written; its posting comes up again with its next write.
//
// With a scheduler steps run on its threads, and writers help where too many wait; without one every write does a few.

using System.Runtime.CompilerServices;
using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Postings;

public sealed unsafe partial class PostingIndex
{
    readonly Queue<uint> _waiting = new();
    int _waitingCount;

    /// <summary>Postings that wait to be tended.</summary>
    public int WaitingCount => Volatile.Read(ref _waitingCount);

    /// <summary>What the last step of upkeep failed with; null: it did not fail.</summary>
    public AevumException? UpkeepFailure { get; private set; }

    /// <summary>How many splits, merges and moves of single vectors there were since the index was opened.</summary>
    public (long Splits, long Merges, long Moves) UpkeepCounts { get; private set; }

    /// <summary>Does steps until none waits, or so many.</summary>
    /// <returns>How many were done.</returns>
    public int RunUpkeep(int stepsMax = int.MaxValue)
    {
        var steps = 0;
        while (steps < stepsMax && Step()) steps++;
        return steps;
    }

    // Under _writing.
    void Consider(uint number)
    {
        if (!_postings.TryGetValue(number, out var info) || info.IsQueued || !(IsTooLong(info) || IsTooShort(info))) return;
        info.IsQueued = true;
        _waiting.Enqueue(number);
        Volatile.Write(ref _waitingCount, _waiting.Count);
    }

    bool IsTooLong(PostingInfo info) => info.Entries > Options.LengthMax;

    bool IsTooShort(PostingInfo info) => info.Live < Options.LengthMin && _postings.Count > 1;

    bool Step()
    {
        lock (_writing)
        {
            if (_closed || !_waiting.TryDequeue(out var number)) return false;
            Volatile.Write(ref _waitingCount, _waiting.Count);
            if (!_postings.TryGetValue(number, out var info)) return true;
            info.IsQueued = false;
            try
            {
                Tend(number, info);
                UpkeepFailure = null;
            }
            catch (AevumException e)
            {
                UpkeepFailure = e;
            }
            return true;
        }
    }

    void Tend(uint number, PostingInfo info)
    {
        if (!IsTooLong(info) && !IsTooShort(info)) return;
        ReadOnlySpan<uint> one = [number];
        _store.Read(one, _read);
        var posting = _read.Posting(0, out var length);
        if (length < 0) Throw.Corruption($"posting {number}", 0, "the posting of a centroid");
        var all = EntriesOf(length, number);
        var live = new List<nint>(all);
        for (var i = 0; i < all; i++)
        {
            var entry = posting + CentroidBytes + ((nint)i * EntryBytes);
            if (IsLive(entry)) live.Add((nint)entry);
        }
        if (IsTooShort(info)) Merge(number, live);
        else if (live.Count > Options.LengthMax) Split(number, posting, live);
        else Clean(number, posting, live);
    }

    void Clean(uint number, byte* posting, List<nint> live)
    {
        _changes.Clear();
        WritePosting(number, posting, live);
        WriteTogether(() => { });
        _postings[number].Entries = live.Count;
    }

    void Split(uint number, byte* posting, List<nint> live)
    {
        var dimension = Shape.Dimension;
        using var memory = new NativeBlock((live.Count + 2L) * CentroidBytes, _budget);
        var means = (float*)memory.Pointer;
        var vectors = means + (2 * dimension);
        for (var i = 0; i < live.Count; i++) VectorFloats.Read(Shape, (byte*)live[i] + EntryHeader, vectors + ((nint)i * dimension));
        var isSecond = new bool[live.Count];
        TwoMeans.Split(vectors, live.Count, dimension, means, isSecond, _random);
        var parts = new[] { new List<nint>(), new List<nint>() };
        for (var i = 0; i < live.Count; i++) parts[isSecond[i] ? 1 : 0].Add(live[i]);
        uint[] numbers = [TakeNumber(), TakeNumber()];
        try
        {
            _changes.Clear();
            for (var side = 0; side < 2; side++) WritePosting(numbers[side], (byte*)(means + (side * dimension)), parts[side]);
            _changes.Delete(number);
            WriteTogether(() =>
            {
                foreach (var side in (int[])[0, 1])
                    foreach (var entry in parts[side])
                        if (!IsReplica((byte*)entry)) Rehome((byte*)entry, numbers[side]);
                _centroids.Delete(number);
            }, numbers, means);
        }
        catch
        {
            foreach (var taken in numbers) _freeNumbers.Push(taken);
            throw;
        }
        for (var side = 0; side < 2; side++)
            _postings[numbers[side]] = new() { Entries = parts[side].Count, Live = parts[side].Count(e => !IsReplica((byte*)e)) };
        _postings.Remove(number);
        _freeNumbers.Push(number);
        UpkeepCounts = UpkeepCounts with { Splits = UpkeepCounts.Splits + 1 };
        MoveAround((float*)posting, numbers, means, parts, vectors);
        foreach (var side in numbers) Consider(side);
    }

    // The reassignment of LIRE after a split.
    void MoveAround(float* old, uint[] numbers, float* means, List<nint>[] parts, float* vectors)
    {
        var dimension = Shape.Dimension;
        using var memory = new NativeBlock(CentroidBytes, _budget);
        var vector = (float*)memory.Pointer;
        _changes.Clear();
        var moves = new List<Moved>();
        for (var side = 0; side < 2; side++)
        {
            var own = means + (side * dimension);
            foreach (var entry in parts[side])
            {
                if (IsReplica((byte*)entry)) continue;
                VectorFloats.Read(Shape, (byte*)entry + EntryHeader, vector);
                var distance = TwoMeans.Squared(vector, own, dimension);
                if (TwoMeans.Squared(vector, old, dimension) <= distance) Move((byte*)entry, vector, numbers[side], distance, moves);
            }
        }
        var matches = new VectorMatch[Math.Min(Options.Neighbourhood + 2, (int)_centroids.Count)];
        var found = _centroids.Search(new(old, dimension), new(matches.Length) { Ef = Math.Max(CentroidEf, matches.Length) }, matches);
        var near = matches.Take(found).Select(m => (uint)m.Id).Where(n => !numbers.Contains(n)).ToArray();
        _store.Read(near, _near);
        for (var i = 0; i < near.Length; i++)
        {
            var posting = _near.Posting(i, out var length);
            if (length < 0) Throw.Corruption($"posting {near[i]}", 0, "the posting of a centroid");
            var count = EntriesOf(length, near[i]);
            for (var j = 0; j < count; j++)
            {
                var entry = posting + CentroidBytes + ((nint)j * EntryBytes);
                if (IsReplica(entry) || !IsLive(entry)) continue;
                VectorFloats.Read(Shape, entry + EntryHeader, vector);
                var nearest = Math.Min(TwoMeans.Squared(vector, means, dimension), TwoMeans.Squared(vector, means + dimension, dimension));
                if (nearest > TwoMeans.Squared(vector, old, dimension)) continue;
                var distance = TwoMeans.Squared(vector, (float*)posting, dimension);
                if (nearest < distance) Move(entry, vector, near[i], distance, moves);
            }
        }
        if (moves.Count == 0) return;
        _versions.EnsureRoom(0);
        WriteTogether(() => Settle(moves));
        CountMoves(moves);
        UpkeepCounts = UpkeepCounts with { Moves = UpkeepCounts.Moves + moves.Count };
    }

    // Notes that a vector belongs to another posting, if its nearest centroid is that of another.
    void Move(byte* entry, float* vector, uint home, float distance, List<Moved> moves)
    {
        Span<uint> targets = stackalloc uint[Options.ReplicasMax];
        var count = Choose(vector, null, targets);
        // Choose leaves what it weighed behind, nearest first.
        if (count == 0 || targets[0] == home || !(_matches[0].Distance < distance)) return;
        Place(entry, home, targets[..count], moves);
    }

    void Place(byte* entry, uint home, ReadOnlySpan<uint> targets, List<Moved> moves)
    {
        var version = NextVersion();
        _version = version;
        var id = Unsafe.ReadUnaligned<ulong>(entry + 8);
        AppendTo(targets, version, id, entry + EntryHeader);
        moves.Add(new(id, version, home, targets.ToArray()));
    }

    void Merge(uint number, List<nint> live)
    {
        using var memory = new NativeBlock(CentroidBytes, _budget);
        var vector = (float*)memory.Pointer;
        // One target each, and none that would have to be split for it: else what a split made short would be merged and split again, for ever. A posting that
        // finds no room stays short until it changes again.
        Span<uint> targets = stackalloc uint[1];
        _changes.Clear();
        var moves = new List<Moved>();
        foreach (var entry in live)
        {
            // A replica is no loss: the vector is at home elsewhere.
            if (IsReplica((byte*)entry)) continue;
            VectorFloats.Read(Shape, (byte*)entry + EntryHeader, vector);
            var count = Choose(vector, number, targets);
            if (count == 0) return;   // nobody else was found
            var target = targets[0];
            if (_postings[target].Entries + moves.Count(m => m.Targets[0] == target) >= Options.LengthMax) return;
            Place((byte*)entry, number, targets[..count], moves);
        }
        _changes.Delete(number);
        WriteTogether(() =>
        {
            Settle(moves);
            _centroids.Delete(number);
        });
        CountMoves(moves);
        _postings.Remove(number);
        _freeNumbers.Push(number);
        UpkeepCounts = UpkeepCounts with { Merges = UpkeepCounts.Merges + 1 };
    }

    void Settle(List<Moved> moves)
    {
        foreach (var move in moves) _versions.Set(move.Id, move.Version, move.Targets[0]);
    }

    void CountMoves(List<Moved> moves)
    {
        foreach (var move in moves)
        {
            _postings[move.From].Live--;
            _postings[move.Targets[0]].Live++;
            foreach (var target in move.Targets) _postings[target].Entries++;
        }
        foreach (var move in moves)
        {
            Consider(move.From);
            foreach (var target in move.Targets) Consider(target);
        }
    }

    void Rehome(byte* entry, uint home) =>
        _versions.Set(Unsafe.ReadUnaligned<ulong>(entry + 8), Unsafe.ReadUnaligned<ulong>(entry) & ~ReplicaBit, home);

    void WritePosting(uint number, byte* centroid, List<nint> entries)
    {
        var bytes = _changes.Put(number, checked(CentroidBytes + (entries.Count * EntryBytes)));
        new ReadOnlySpan<byte>(centroid, CentroidBytes).CopyTo(bytes);
        for (var i = 0; i < entries.Count; i++) new ReadOnlySpan<byte>((byte*)entries[i], EntryBytes).CopyTo(bytes[(CentroidBytes + (i * EntryBytes))..]);
    }

    // Store and memory change in one moment, as searches see it. What memory must do cannot fail once the store has written.
    void WriteTogether(Action remember, uint[]? begun = null, float* centroids = null)
    {
        _state.EnterWriteLock();
        try
        {
            var added = 0;
            try
            {
                for (; added < (begun?.Length ?? 0); added++)
                    _centroids.Put(begun![added], new ReadOnlySpan<float>(centroids + (added * Shape.Dimension), Shape.Dimension));
                _store.Write(_changes);
            }
            catch
            {
                for (var i = 0; i < added; i++) _centroids.Delete(begun![i]);
                throw;
            }
            remember();
        }
        finally
        {
            _state.ExitWriteLock();
        }
    }

    readonly record struct Moved(ulong Id, ulong Version, uint From, uint[] Targets);
}
