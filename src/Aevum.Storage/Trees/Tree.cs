// Tree: an ordered, versioned store: a log-structured merge tree (O'Neil et al., 1996) whose keys carry the system time they were written at.
//
//   write   batch -> log -> active memtable -> (full) frozen -> flushed to level 0 -> merged down; what is superseded goes to history tables
//   read    one immutable ReadState: memtables and tables as they were at that moment
//
//   this file            reads, snapshots, closing
//   Tree.Opening         opening, recovery, which files belong
//   Tree.Writing         log, memtable, waiting when the disk is behind
//   Tree.Maintenance     flushes and compactions in the background, installing what they made
//   Tree.Ingest          prebuilt tables
//   TreeCheckpoint       a second tree from links
//
// Locks, always taken in this order; nobody waits for background work while holding one:
//   _installGate    one edit at a time: manifest, then the version
//   _gate           the active memtable, the frozen ones, positions: one writer
//
// Always true:
//   (1) an acknowledged batch is in the log, or in tables that the manifest names, or (own log off) its owner's to replay;
//   (2) times rise strictly per key, not per tree; positions are dense from 1;
//   (3) the history floor alone decides what a past read may ask; nothing is answered from what happens to be left.

using System.Buffers;
using System.Runtime.CompilerServices;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Memtables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

public sealed partial class Tree : IDisposable
{
    readonly StorageEnvironment _environment;
    readonly TreeOptions _options;
    readonly string _directory;
    readonly TableStore _store;
    readonly Floors _floors;
    readonly Manifest? _manifest;
    readonly CommitLog? _log;
    readonly LogStream? _stream;
    readonly IDisposable? _lock;
    readonly Signal _signal;
    readonly TreeStatistics _statistics = new();

    readonly object _installGate = new();
    readonly object _gate = new();

    ReadState _state;
    volatile bool _closed;

    /// <summary>What the tree has done since it was opened.</summary>
    public TreeStatistics Statistics => _statistics;

    public string Directory => _directory;

    /// <summary>True while nothing has been flushed: every read is answered from memory.</summary>
    public bool IsInMemory => Volatile.Read(ref _version).IsEmpty;

    /// <summary>The greatest system time applied.</summary>
    public SystemTime AppliedTime => new(_floors.AppliedTime);

    /// <summary>Reads of the present see versions up to this time; <see cref="SystemTime.Max"/>, unless the owner sets it, for all that are
    /// applied. An owner who applies batches before he may tell of them keeps it behind; it must never fall.</summary>
    public SystemTime VisibleTime
    {
        get => new(_floors.VisibleTime);
        set => _floors.VisibleTime = value.Value;
    }

    /// <summary>The last position applied.</summary>
    public ulong AppliedPosition
    {
        get
        {
            lock (_gate) return _lastPosition;
        }
    }

    /// <summary>Every effect up to this position survives in tables, whatever happens to the log.</summary>
    public ulong FlushedPosition => _manifest?.State.AppliedPosition ?? 0;

    /// <summary>The greatest time of any effect in tables.</summary>
    public SystemTime FlushedTime => new(_manifest?.State.GreatestTime ?? 0);

    /// <summary>Which tables make up the tree at this moment.</summary>
    internal TreeVersion Version => Volatile.Read(ref _version).Picture;

    /// <summary>The history floor of the keyspace that <paramref name="key"/> belongs to: reads below it are refused.</summary>
    public SystemTime HistoryFloorOf(ReadOnlySpan<byte> key) => new(_floors.EffectiveFloor(_floors.KeyspaceOf(key)));

    /// <summary>Looks a key up and holds its value where it lies.</summary>
    /// <param name="value">To be disposed if the key was found.</param>
    /// <returns>False if the key holds no value at the read point.</returns>
    /// <exception cref="HistoryUnavailableException">The read point lies below the keyspace's history floor.</exception>
    public bool TryPin(ReadOnlySpan<byte> key, ReadPoint point, out PinnedValue value)
    {
        value = default;
        var state = AcquireState();
        try
        {
            // After the state was taken: versions dropped later are still in it, versions dropped before were below a floor that shows now.
            if (point.At == SystemTime.Max) point = point with { At = VisibleTime };
            else if (!point.IsPresent) _floors.Require(_floors.KeyspaceOf(key), point.At);
            if (!TreeReader.TryFind(state, _options.Policy, _floors, key, point, ref value))
            {
                value.Unpin();
                state.Release();
                value = default;
                return false;
            }
        }
        catch
        {
            value.Unpin();
            state.Release();
            throw;
        }
        value.State = state;
        return true;
    }

    /// <summary>A hint: these keys will be looked up or written next. What memtables hold of them is brought near, the waits for memory side by
    /// side.</summary>
    /// <param name="withTables">True: what tables hold of the others is brought into memory, too; that may wait for a disk.</param>
    [SkipLocalsInit]
    public unsafe void Prefetch(PackedKeys keys, bool withTables = false)
    {
        var state = AcquireState();
        var part = stackalloc NativeKey[Memtable.PrefetchMax];
        try
        {
            fixed (byte* bytes = keys.Bytes)
            {
                for (int done = 0, start = 0; done < keys.Count;)
                {
                    var count = Math.Min(Memtable.PrefetchMax, keys.Count - done);
                    for (var i = 0; i < count; i++, start = keys.Ends[done++]) part[i] = new NativeKey(bytes + start, keys.Ends[done] - start);
                    var absent = TreeReader.Prefetch(state, new Span<NativeKey>(part, count));
                    if (!withTables || state.Version.IsEmpty) continue;
                    for (var i = 0; i < absent; i++) Touch(state, new ReadOnlySpan<byte>(part[i].Pointer, part[i].Length));
                }
            }
        }
        finally
        {
            state.Release();
        }
    }

    // A lookup brings blocks and filters in.
    void Touch(ReadState state, ReadOnlySpan<byte> key)
    {
        var value = default(PinnedValue);
        _ = TreeReader.TryFind(state, _options.Policy, _floors, key, ReadPoint.Applied, ref value);
        value.Unpin();
    }

    /// <summary>Copies a value into the caller's buffer.</summary>
    /// <param name="length">The value's length, also when the buffer is too short for it; -1 if the key holds none.</param>
    /// <returns>True if the value was copied whole.</returns>
    public bool TryGet(ReadOnlySpan<byte> key, ReadPoint point, Span<byte> target, out int length)
    {
        if (!TryPin(key, point, out var value))
        {
            length = -1;
            return false;
        }
        var span = value.Span;
        length = span.Length;
        var fits = span.TryCopyTo(target);
        value.Dispose();
        return fits;
    }

    /// <summary>The value as an array of its own; null if the key holds none.</summary>
    public byte[]? Get(ReadOnlySpan<byte> key, ReadPoint point)
    {
        if (!TryPin(key, point, out var value)) return null;
        var copy = value.Span.ToArray();
        value.Dispose();
        return copy;
    }

    /// <summary>The newest value of the key.</summary>
    public byte[]? Get(ReadOnlySpan<byte> key) => Get(key, ReadPoint.Latest);

    /// <summary>Looks several keys up as of one and the same state of the tree.</summary>
    /// <param name="values">As many as keys: the value, or null.</param>
    public void GetMany(ReadOnlySpan<ReadOnlyMemory<byte>> keys, ReadPoint point, Span<byte[]?> values)
    {
        if (values.Length < keys.Length) Throw.Invalid("there are fewer places for values than keys");
        var state = AcquireState();
        try
        {
            // Bounded, or batches applied meanwhile would be seen by the later keys only.
            var bounded = point with { At = _floors.Bound(point.At) };
            for (var i = 0; i < keys.Length; i++)
            {
                var key = keys[i].Span;
                if (!point.IsPresent) _floors.Require(_floors.KeyspaceOf(key), point.At);
                var value = default(PinnedValue);
                values[i] = TreeReader.TryFind(state, _options.Policy, _floors, key, bounded, ref value) ? value.Span.ToArray() : null;
                value.Unpin();
            }
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>An iterator over the tree as it is now, seen from a read point. Position it before use; dispose it after.</summary>
    /// <exception cref="HistoryUnavailableException">The read point lies below the history floor of a keyspace in the range. One between the
    /// range's ends that was never flushed is not asked: nothing of it is gone.</exception>
    public TreeIterator Iterate(IterateOptions? options = null)
    {
        options ??= IterateOptions.Default;
        var state = AcquireState();
        try
        {
            if (!options.Point.IsPresent) RequireFloors(options);
            return new TreeIterator(state, _options.Policy, _floors, options);
        }
        catch
        {
            state.Release();
            throw;
        }
    }

    /// <summary>When the key was last written or deleted, visible or not; None if never, as far as is known above the history floor.</summary>
    public SystemTime NewestVersionOf(ReadOnlySpan<byte> key)
    {
        var state = AcquireState();
        try
        {
            return new(TreeReader.NewestVersionOf(state, key));
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>How the last write before a time left a key, visible or not, as far as that is still known.</summary>
    /// <param name="expiry">Of what the key held then; None: it held nothing, or for ever.</param>
    /// <returns>False: it is not known.</returns>
    public bool TryFindLeft(ReadOnlySpan<byte> key, SystemTime before, out SystemTime expiry)
    {
        var state = AcquireState();
        try
        {
            var isKnown = TreeReader.TryFindLeft(state, key, before.Value - 1, out var found);
            expiry = new(found);
            return isKnown;
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>Whether anything in [start, end) was written or deleted after a moment, visible or not.</summary>
    /// <param name="end">Null: to the end.</param>
    /// <param name="withRangeDeletes">False: of what was deleted only keys by themselves count, not ranges.</param>
    /// <exception cref="HistoryUnavailableException">The moment lies below the history floor of the range: nobody can tell.</exception>
    public bool HasNewer(byte[] start, byte[]? end, SystemTime since, bool withRangeDeletes = true)
    {
        if (end is not null && start.AsSpan().SequenceCompareTo(end) >= 0) return false;   // nothing lies in it, and range deletes pass over it
        var state = AcquireState();
        try
        {
            if (NewerVersions.Exist(state, start, end, since.Value, withRangeDeletes)) return true;
            RequireFloors(new IterateOptions { Start = start, End = end, Point = new ReadPoint(since, SystemTime.None) });
            return false;
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>Every version of a key that may still be asked about, newest first, range deletes over it included.</summary>
    public IReadOnlyList<KeyVersion> VersionsOf(ReadOnlySpan<byte> key)
    {
        var state = AcquireState();
        try
        {
            return KeyVersions.List(state, _options.Policy, _floors, key, _floors.EffectiveFloor(_floors.KeyspaceOf(key)));
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>Holds the history floors at or below the newest visible time until the snapshot is disposed, so that reads at that time
    /// stay possible.</summary>
    /// <param name="moment">Another time to hold them at: then reads at that time stay possible where they are possible now.</param>
    public TreeSnapshot OpenSnapshot(SystemTime? moment = null)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        return new TreeSnapshot(_floors, moment);
    }

    // A range over several keyspaces must lie above the floors of all: those at its ends, and those between that jobs have worked on. Others
    // between are all in memory still, and answer truly although they need not.
    void RequireFloors(IterateOptions options)
    {
        var first = _floors.KeyspaceOf(options.Start ?? []);
        _floors.Require(first, options.Point.At);
        _floors.RequireBetween(first, options.End is null ? ulong.MaxValue : _floors.KeyspaceOf(options.End), options.Point.At);
        // An end that is no more than a prefix, as the end of a whole keyspace is, begins a keyspace of which the range holds nothing.
        if (options.End is { } end && end.Length > _options.Policy.KeyspacePrefixBytes) _floors.Require(_floors.KeyspaceOf(end), options.Point.At);
    }

    ReadState AcquireState()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if (state.TryAcquire())
            {
                if (!_closed) return state;
                state.Release();
            }
            if (_closed) Throw.Closed(_directory);
        }
    }

    /// <summary>Stops background work and closes every file. What was acknowledged is in the log: nothing is flushed. Iterators and pinned
    /// values must be gone before.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
        }
        _signal.Raise();
        StopMaintenance();
        _log?.Dispose();
        lock (_installGate)
        {
            lock (_gate)
            {
                _manifest?.Dispose();
                ReleaseMemory();
            }
        }
        _lock?.Dispose();
    }

    void ReleaseMemory()
    {
        _active.Release();
        foreach (var memtable in _frozen) memtable.Release();
        _remembered?.Release();
        _version.Release();
        _state.Release();
    }
}

/// <summary>A moment held: reads at <see cref="At"/> are possible until it is disposed.</summary>
public sealed class TreeSnapshot : IDisposable
{
    readonly Floors _floors;
    bool _disposed;

    internal TreeSnapshot(Floors floors, SystemTime? moment)
    {
        _floors = floors;
        At = floors.OpenSnapshot(moment);
    }

    public SystemTime At { get; }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _floors.CloseSnapshot(At);
    }
}
