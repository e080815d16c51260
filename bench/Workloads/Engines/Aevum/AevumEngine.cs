// AevumEngine: the tree as a program that embeds it uses it: one environment, its own log (sync = os), system times from a hybrid clock.
//
// Every put is stamped by the clock and goes through log and memtable, exactly as in production; nothing is switched off. The
// environment (threads, cache, memtable memory) is the process's, as it is meant to be and as the peer's threads and allocator are.

using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;

namespace Aevum.Bench.Workloads.Engines.Aevum;

#pragma warning disable CA1001 // Close is what disposes, as the interface has it.
struct AevumEngine : IStoreEngine<AevumCursor>
{
    static readonly ThreadScheduler Scheduler = new();
    static StorageEnvironment? s_environment;

    HybridClock _clock;
    Tree _tree;
    WriteBatch _batch;

    public static string Name => "aevum";

    public static string Version => $"Aevum {typeof(Tree).Assembly.GetName().Version} (storage)";

    public void Open(string directory, in StoreOptions options)
    {
        s_environment ??= new StorageEnvironment(new StorageOptions
        {
            Files = new DiskFileSystem(),
            Scheduler = Scheduler,
            BlockCacheBytes = options.CacheBytes,
        });
        _tree = Tree.Open(s_environment, directory, new TreeOptions
        {
            Policy = new UniformTreePolicy
            {
                Compression = options.Compression == CompressionKind.Lz4 ? Compression.Lz4 : Compression.None,
                HistoryFloor = options.History == HistoryKind.Forever ? SystemTime.None : SystemTime.Max,
            },
            MemtableBytes = options.MemtableBytes,
        });
        _clock = new HybridClock(Scheduler.Time, _tree.AppliedTime);
        _clock.RaiseCeiling(new SystemTime(SystemTime.Max.Value - 1));
        _batch = new WriteBatch();
    }

    public readonly void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _tree.Put(key, value, _clock.Next());

    public readonly void BeginBatch() => _batch.Clear();

    public readonly void AddToBatch(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _batch.Put(key, value);

    public readonly void CommitBatch()
    {
        _batch.SystemTime = _clock.Next();
        _tree.Write(_batch);
    }

    public readonly int Get(ReadOnlySpan<byte> key, Span<byte> target) => _tree.TryGet(key, ReadPoint.Latest, target, out var length) ? length : -1;

    public readonly AevumCursor OpenCursor() => new(_tree.Iterate());

    public readonly void Flush() => _tree.Flush();

    public readonly void WaitIdle() => _tree.WaitIdle();

    /// <summary>The log's mapped pages do not show in the process's counters, so the tree counts for itself.</summary>
    public readonly long BytesWritten
    {
        get
        {
            var statistics = _tree.Statistics;
            return statistics.LogBytes + statistics.FlushBytes + statistics.CompactionBytesWritten;
        }
    }

    public void Close()
    {
        _tree.Dispose();
        this = default;
    }
}

/// <summary>An iterator over now.</summary>
readonly struct AevumCursor(TreeIterator iterator) : IStoreCursor
{
    public void First() => iterator.SeekToFirst();

    public void Seek(ReadOnlySpan<byte> key) => iterator.Seek(key);

    public void Next() => iterator.Next();

    public bool IsValid => iterator.Valid;

    public ReadOnlySpan<byte> Key => iterator.Key;

    public ReadOnlySpan<byte> Value => iterator.Value;

    public void Dispose() => iterator.Dispose();
}
