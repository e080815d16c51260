// LocalShards, statistics: what a database holds, counted when somebody asks. Changes nothing and stops nobody.

using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

/// <summary>What one shard holds.</summary>
/// <param name="Id">Names it in its database.</param>
/// <param name="Start">Its first key; empty for the first shard.</param>
/// <param name="Position">Of its last batch.</param>
/// <param name="FlushedPosition">Up to here everything is in tables.</param>
/// <param name="LastTime">System time of its last batch.</param>
/// <param name="Shape">Levels and memtables.</param>
/// <param name="Work">What was done since it was opened.</param>
public sealed record ShardStatistics(
    uint Id, byte[] Start, ulong Position, ulong FlushedPosition, SystemTime LastTime, TreeShape Shape, TreeStatistics Work);

/// <summary>What one keyspace holds.</summary>
/// <param name="Namespace">Name of its namespace.</param>
/// <param name="Name">Its own.</param>
/// <param name="Id">Its prefix in keys.</param>
/// <param name="Options">As it was made or altered.</param>
/// <param name="HistoryFloor">Below it reads are refused; where shards differ, the greatest.</param>
/// <param name="TableBytes">About how many bytes of tables hold its keys, history tables included; what is in memory yet is not counted.</param>
public sealed record KeyspaceStatistics(
    string Namespace, string Name, KeyspaceId Id, KeyspaceOptions Options, SystemTime HistoryFloor, long TableBytes);

/// <summary>What a database holds.</summary>
/// <param name="DatabaseId">Different for every database ever made.</param>
/// <param name="Timeline">Its line of descent.</param>
/// <param name="Now">What the clock shows.</param>
/// <param name="Ceiling">No time above it is used until a higher one stands in the log.</param>
/// <param name="LogBytes">Files of the log, spare ones not counted.</param>
/// <param name="Shards">In key order.</param>
/// <param name="Keyspaces">By namespace and id, the system's left out.</param>
public sealed record DatabaseStatistics(
    Guid DatabaseId, uint Timeline, SystemTime Now, SystemTime Ceiling, long LogBytes,
    IReadOnlyList<ShardStatistics> Shards, IReadOnlyList<KeyspaceStatistics> Keyspaces);

public sealed partial class LocalShards
{
    /// <summary>Counts what each shard holds, in key order. Reads no file.</summary>
    public IReadOnlyList<ShardStatistics> CountShards()
    {
        var shards = new List<ShardStatistics>();
        for (var i = 0; i < _shards.Count; i++)
        {
            var tree = _trees[i];
            shards.Add(new(_shards[i].Id, _starts[i], _shards[i].Position, tree.FlushedPosition, tree.AppliedTime, tree.Describe(), tree.Statistics));
        }
        return shards;
    }

    /// <summary>Why flushes, compactions or the log do not work at present; null: they do. Work is tried again; a log that has stopped stays so.</summary>
    public Exception? BackgroundFailure
    {
        get
        {
            if (_log.Failure is { } stopped) return stopped;
            for (var i = 0; i < _shards.Count; i++)
                if (_trees[i].MaintenanceFailure is { } failure) return failure;
            return null;
        }
    }

    /// <summary>The database in numbers, all shards together. Reads no file.</summary>
    public DatabaseCounters Count()
    {
        var found = CountShards();
        var cache = _storage.CountCache();
        return new DatabaseCounters
        {
            Commits = found.Aggregate(0UL, (sum, s) => sum + s.Position),
            LogBytes = _log.TotalBytes,
            LogWrittenBytes = _log.WrittenBytes,
            LogSyncs = _log.SyncCount,
            MemtableBytes = found.Sum(s => s.Shape.MemtableBytes),
            MemtableVersions = found.Sum(s => s.Shape.MemtableVersions),
            Flushes = found.Sum(s => s.Work.Flushes),
            FlushBytes = found.Sum(s => s.Work.FlushBytes),
            Compactions = found.Sum(s => s.Work.Compactions),
            CompactionReadBytes = found.Sum(s => s.Work.CompactionBytesRead),
            CompactionWrittenBytes = found.Sum(s => s.Work.CompactionBytesWritten),
            CompactionMoves = found.Sum(s => s.Work.Moves),
            DroppedVersions = found.Sum(s => s.Work.VersionsDropped),
            WriteSlowdowns = found.Sum(s => s.Work.Slowdowns),
            WriteStops = found.Sum(s => s.Work.Stops),
            WriteWaits = TimeSpan.FromTicks(found.Sum(s => s.Work.Waited.Ticks)),
            CacheHits = cache.Hits,
            CacheMisses = cache.Misses,
            CacheEvictions = cache.Evictions,
            CacheBlocks = cache.Blocks,
            CacheBytes = cache.Bytes,
            CacheBytesMax = cache.BytesMax,
            Levels = [.. found.SelectMany(s => s.Shape.Levels).GroupBy(l => (l.History, l.Level)).OrderBy(g => g.Key).Select(g =>
                new LevelCounters(g.Key.History, g.Key.Level, g.Sum(l => l.Tables), g.Sum(l => l.Bytes), g.Sum(l => l.Versions)))],
        };
    }

    /// <summary>Counts what there is.</summary>
    public DatabaseStatistics CountAll()
    {
        var shards = CountShards();
        var catalog = Catalog;
        var keyspaces = new List<KeyspaceStatistics>();
        foreach (var entry in catalog.Keyspaces)
        {
            if (entry.Id.Namespace == 0) continue;   // the system's own
            var (start, end) = KeyLayout.RangeOf(entry.Id);
            long bytes = 0;
            var floor = SystemTime.None;
            foreach (var (shard, partStart, partEnd) in ShardsOf(start, end))
            {
                bytes += ((LocalShard)shard).Tree.ApproximateBytes(partStart, partEnd);
                var partFloor = shard.HistoryFloorOf(partStart);
                if (partFloor > floor) floor = partFloor;
            }
            var tenant = catalog.FindNamespace(entry.Id.Namespace)!.Name;
            keyspaces.Add(new(tenant, entry.Name, entry.Id, entry.Options, floor, bytes));
        }
        return new(DatabaseId, Timeline, _environment.Clock.Now, Clock.Ceiling, _log.TotalBytes, shards, keyspaces);
    }

    /// <summary>Keys of [start, end) of which any version is kept, deleted ones too, in order.</summary>
    /// <param name="end">Null: to the end of the key order.</param>
    public IEnumerable<byte[]> KeysWithHistory(byte[] start, byte[]? end)
    {
        const int pageKeys = 1000;
        foreach (var (shard, partStart, partEnd) in ShardsOf(start, end))
            for (var from = partStart; ;)
            {
                var page = ((LocalShard)shard).Tree.ListKeys(from, partEnd, pageKeys);
                foreach (var key in page) yield return key;
                if (page.Count < pageKeys) break;
                from = [.. page[^1], 0];
            }
    }
}
