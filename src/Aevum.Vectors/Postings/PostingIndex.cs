// PostingIndex: an index larger than memory that changes in place (SPFresh: Xu et al., SOSP 2023; its layout is SPANN's, Chen et al., NeurIPS 2021). Vectors
// lie on disk in postings, each around a centroid; centroids are in memory, in a graph. A search reads the postings of the nearest centroids.
//
//   Put       appends the vector to the posting of the nearest centroid, and to a few more where it lies near a border (replicas)
//   Delete    forgets the id; its entries are stale from then on
//   upkeep    PostingIndex.Upkeep: splits what grew too long, merges what got too short, moves vectors whose nearest centroid is another now (LIRE)
//   Search    PostingIndex.Searching
//
//   posting   | centroid f32 x d | entries: version u64 (top bit: a replica) | id u64 | vector as stored |
//   in memory centroids (HnswIndex, by posting number), VersionMap (which version of an id counts, and its home), lengths of postings
//
// Who holds what:
//   _writing   Put, Delete, one step of upkeep, Save: one after the other
//   _state     write: the moment in which centroids, store and versions change together. Read: a search
//
// Always true between two writes: every id in the versions has exactly one entry of its version without the top bit, in its home; every posting has a
// centroid and every centroid a posting. What was written is in the store before it is in memory: an index that is opened again makes memory up from the
// store's last saved state and the changes since.
//
// L2 and Cosine of float32, float16, int8: borders between postings are those of Euclidean distance (under Cosine, of vectors of length 1).

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Postings;

public sealed unsafe partial class PostingIndex : IDisposable
{
    const int EntryHeader = 16;
    const ulong ReplicaBit = 1UL << 63;
    const int Candidates = 16;      // centroids weighed for a vector
    const int CentroidEf = 64;

    readonly IPostingStore _store;
    readonly MemoryBudget _budget;
    readonly SeededRandom _random;
    readonly Lock _writing = new();
    readonly ReaderWriterLockSlim _state = new(LockRecursionPolicy.NoRecursion);
    readonly HnswIndex _centroids;
    readonly VersionMap _versions;
    readonly Dictionary<uint, PostingInfo> _postings = [];
    readonly Stack<uint> _freeNumbers = new();
    readonly PostingChanges _changes = new();
    readonly PostingBytes _read, _near;
    readonly NativeBlock _own;                 // a vector as stored, as floats, and a centroid
    readonly VectorMatch[] _matches = new VectorMatch[Candidates];
    uint _nextNumber;
    ulong _version;
    bool _closed;

    PostingIndex(IPostingStore store, VectorShape shape, PostingOptions options, MemoryBudget budget)
    {
        (_store, Shape, Options, _budget) = (store, shape, options, budget);
        _random = new(options.Seed);
        _centroids = new(new(ElementType.Float32, Metric.L2, shape.Dimension), new() { M = 16, EfConstruction = 100, Seed = options.Seed }, budget);
        _versions = new(budget);
        (_read, _near) = (new(budget), new(budget));
        _scratches = new(budget);
        _own = new(shape.Stride + (4L * shape.Dimension * sizeof(float)), budget);
    }

    public VectorShape Shape { get; }

    public PostingOptions Options { get; }

    /// <summary>How many ids it holds.</summary>
    public long Count
    {
        get
        {
            _state.EnterReadLock();
            try
            {
                return _versions.Count;
            }
            finally
            {
                _state.ExitReadLock();
            }
        }
    }

    public int PostingCount => (int)_centroids.Count;

    /// <summary>Native memory of centroids and versions; scratches are not in it.</summary>
    public long MemoryBytes => _centroids.MemoryBytes + _versions.Bytes;

    int EntryBytes => EntryHeader + Shape.Bytes;

    int CentroidBytes => Shape.Dimension * sizeof(float);

    float* Floats => (float*)(_own.Pointer + Shape.Stride);

    float* Centroid => Floats + Shape.Dimension;

    /// <summary>Opens the index that a store holds, or begins one in an empty store.</summary>
    /// <param name="store">The index's from now on, also where this throws.</param>
    /// <param name="scheduler">Runs the upkeep; null: writers do it, a few steps with every write.</param>
    /// <exception cref="AevumException">InvalidArgument: the store holds vectors of another shape; options out of range; bits, or a metric without borders.
    /// Corruption, InputOutput, LimitExceeded.</exception>
    public static PostingIndex Open(
        IPostingStore store, VectorShape shape, PostingOptions? options = null, MemoryBudget? budget = null, IScheduler? scheduler = null)
    {
        PostingIndex? index = null;
        try
        {
            options ??= new();
            options.Validate();
            VectorFloats.Require(shape);
            if (shape.Metric is not (Metric.L2 or Metric.Cosine)) Throw.Invalid($"postings are for L2 and Cosine, not for {shape.Metric}");
            index = new(store, shape, options, budget ?? MemoryBudget.Unlimited());
            index.Load();
            if (scheduler is not null) index.BeginUpkeep(scheduler);
            return index;
        }
        catch
        {
            if (index is not null) index.Dispose();
            else store.Dispose();
            throw;
        }
    }

    /// <summary>Stores a vector under an id, in place of what the id named before.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <returns>Whether the id is new.</returns>
    /// <exception cref="AevumException">InvalidArgument: not a vector of this index. LimitExceeded, DiskFull, InputOutput: nothing changed. Closed.</exception>
    public bool Put(ulong id, ReadOnlySpan<float> vector)
    {
        bool isNew;
        lock (_writing)
        {
            ThrowIfClosed();
            VectorEncoder.Encode(Shape, vector, new(_own.Pointer, Shape.Bytes));
            isNew = PutStored(id);
        }
        Help();
        return isNew;
    }

    /// <summary>Forgets an id.</summary>
    /// <returns>False: there was no such id.</returns>
    public bool Delete(ulong id)
    {
        lock (_writing)
        {
            ThrowIfClosed();
            if (!_versions.TryFind(id, out var version, out var home)) return false;
            _changes.Clear();
            NoteDelete(id, version);
            _state.EnterWriteLock();
            try
            {
                _store.Write(_changes);
                _versions.Remove(id);
            }
            finally
            {
                _state.ExitWriteLock();
            }
            _postings[home].Live--;
            Consider(home);
        }
        Help();
        return true;
    }

    public bool Contains(ulong id)
    {
        _state.EnterReadLock();
        try
        {
            ThrowIfClosed();
            return _versions.TryFind(id, out _, out _);
        }
        finally
        {
            _state.ExitReadLock();
        }
    }

    /// <summary>On return everything written survives a power cut.</summary>
    public void Sync()
    {
        lock (_writing)
        {
            ThrowIfClosed();
            _store.Sync();
        }
    }

    /// <summary>Saves what is in memory, so that opening need not look at all that was ever written; the store tidies up. Writers wait, searches do
    /// not.</summary>
    public void Save()
    {
        lock (_writing)
        {
            ThrowIfClosed();
            _store.Save(WriteState);
        }
    }

    public void Dispose()
    {
        EndUpkeep();
        lock (_writing)
        {
            _state.EnterWriteLock();
            try
            {
                if (_closed) return;
                _closed = true;
                _centroids.Dispose();
                _versions.Dispose();
                _scratches.Dispose();
                _read.Dispose();
                _near.Dispose();
                _own.Dispose();
                _store.Dispose();
            }
            finally
            {
                _state.ExitWriteLock();
            }
        }
    }

    bool PutStored(ulong id)
    {
        VectorFloats.Read(Shape, _own.Pointer, Floats);
        Span<uint> targets = stackalloc uint[Options.ReplicasMax];
        targets = targets[..Choose(Floats, null, targets)];
        var version = NextVersion();
        var isFirst = targets.Length == 0;
        _versions.EnsureRoom(1);
        _changes.Clear();
        if (isFirst)
        {
            targets = stackalloc uint[1];
            targets[0] = TakeNumber();
            var bytes = _changes.Put(targets[0], CentroidBytes + EntryBytes);
            new ReadOnlySpan<byte>(Floats, CentroidBytes).CopyTo(bytes);
            WriteEntry(bytes[CentroidBytes..], version, id, _own.Pointer);
        }
        else
        {
            AppendTo(targets, version, id, _own.Pointer);
        }
        var isKnown = _versions.TryFind(id, out _, out var oldHome);
        _state.EnterWriteLock();
        try
        {
            if (isFirst) _centroids.Put(targets[0], new ReadOnlySpan<float>(Floats, Shape.Dimension));
            try
            {
                _store.Write(_changes);
            }
            catch when (isFirst)
            {
                _centroids.Delete(targets[0]);
                _freeNumbers.Push(targets[0]);
                throw;
            }
            _version = version;
            _versions.Set(id, version, targets[0]);
        }
        finally
        {
            _state.ExitWriteLock();
        }
        if (isFirst) _postings[targets[0]] = new();
        foreach (var target in targets) _postings[target].Entries++;
        _postings[targets[0]].Live++;
        if (isKnown) _postings[oldHome].Live--;
        foreach (var target in targets) Consider(target);
        if (isKnown) Consider(oldHome);
        return !isKnown;
    }

    // The posting of the nearest centroid; then others hardly farther, unless one chosen before lies as near to them as the vector does (SPANN, section 3.2.1).
    // Returns how many.
    int Choose(float* vector, uint? excluded, Span<uint> targets)
    {
        if (_centroids.Count == 0) return 0;
        var found = _centroids.Search(new(vector, Shape.Dimension), new(Candidates) { Ef = CentroidEf }, _matches);
        var (count, limit) = (0, 0f);
        for (var i = 0; i < found && count < targets.Length; i++)
        {
            var number = (uint)_matches[i].Id;
            if (number == excluded) continue;
            var distance = _matches[i].Distance;
            if (count == 0) limit = distance * (float)((1 + Options.ReplicaSlack) * (1 + Options.ReplicaSlack));
            else if (distance > limit || IsBehind(number, distance, targets[..count])) continue;
            targets[count++] = number;
        }
        return count;
    }

    bool IsBehind(uint number, float distance, ReadOnlySpan<uint> chosen)
    {
        float* one = Centroid, other = Centroid + Shape.Dimension;
        if (!_centroids.TryGet(number, new(one, Shape.Dimension))) return true;
        foreach (var before in chosen)
            if (_centroids.TryGet(before, new(other, Shape.Dimension)) && TwoMeans.Squared(one, other, Shape.Dimension) <= distance) return true;
        return false;
    }

    void AppendTo(ReadOnlySpan<uint> targets, ulong version, ulong id, byte* stored)
    {
        for (var i = 0; i < targets.Length; i++) WriteEntry(_changes.Append(targets[i], EntryBytes), i == 0 ? version : version | ReplicaBit, id, stored);
    }

    void WriteEntry(Span<byte> target, ulong version, ulong id, byte* stored)
    {
        MemoryMarshal.Write(target, version);
        MemoryMarshal.Write(target[8..], id);
        new ReadOnlySpan<byte>(stored, Shape.Bytes).CopyTo(target[EntryHeader..]);
    }

    // How many entries a posting has, which begin behind its centroid.
    int EntriesOf(int length, uint posting)
    {
        if (length < CentroidBytes || (length - CentroidBytes) % EntryBytes != 0)
            Throw.Corruption($"posting {posting}", length, $"a centroid and entries of {EntryBytes} bytes");
        return (length - CentroidBytes) / EntryBytes;
    }

    bool IsLive(byte* entry) => _versions.IsLive(Unsafe.ReadUnaligned<ulong>(entry + 8), Unsafe.ReadUnaligned<ulong>(entry) & ~ReplicaBit);

    static bool IsReplica(byte* entry) => (Unsafe.ReadUnaligned<ulong>(entry) & ReplicaBit) != 0;

    ulong NextVersion()
    {
        if (_version >= VersionMap.VersionMax) Throw.Limit("the number of writes", long.MaxValue, (long)VersionMap.VersionMax);
        return _version + 1;
    }

    uint TakeNumber()
    {
        if (_freeNumbers.TryPop(out var number)) return number;
        if (_nextNumber > VersionMap.HomeMax) Throw.Limit("the number of postings", _nextNumber, VersionMap.HomeMax);
        return _nextNumber++;
    }

    void ThrowIfClosed()
    {
        if (_closed) Throw.Closed("the index");
    }

    sealed class PostingInfo
    {
        /// <summary>Entries on disk, stale ones and replicas included.</summary>
        public int Entries;

        /// <summary>Ids that have it as their home.</summary>
        public int Live;

        public bool IsQueued;
    }
}
