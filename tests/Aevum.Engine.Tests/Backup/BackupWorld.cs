using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Tests.Backup;

/// <summary>A database of three shards in memory on virtual time, its backups, and what was restored from them.</summary>
sealed class BackupWorld : IDisposable
{
    public const string Store = "backups";
    static readonly KeyspaceId Default = new(NamespaceEntry.DefaultId, KeyspaceEntry.DefaultId);

    public static readonly EngineOptions Small = new()
    {
        ShardBoundaries = [Key("h"), Key("p")],
        DefaultKeyspace = new KeyspaceOptions { History = HistoryPolicy.Forever },
        LogSegmentBytes = 64 << 10,
        FeedLogBytes = 256 << 10,
        Tree = TreeOptions.Default with { MemtableBytes = 128 << 10 },
    };

    readonly EngineOptions _options;
    int _restores;

    public BackupWorld(EngineOptions? options = null, IFileSystem? files = null, IFileSystem? storeFiles = null, bool open = true)
    {
        _options = options ?? Small;
        Files = files ?? new MemoryFileSystem();
        StoreFiles = storeFiles ?? new MemoryFileSystem();
        if (open) Open();
    }

    public IFileSystem Files { get; set; }

    public IFileSystem StoreFiles { get; set; }

    public SimulatedScheduler Scheduler { get; } = new(1);

    public LocalShards Shards { get; private set; } = null!;

    public void Open() => Shards = LocalShards.Open(Files, Scheduler, "db", _options);

    public void Reopen()
    {
        Shards.Dispose();
        Open();
    }

    public static byte[] Key(string key) => KeyLayout.Make(Default, Encoding.UTF8.GetBytes(key));

    public void Put(params (string Key, string Value)[] puts)
    {
        var parts = new Dictionary<IShard, StepBatch>();
        foreach (var (key, value) in puts)
        {
            var shard = Shards.ShardOf(Key(key));
            if (!parts.TryGetValue(shard, out var part)) parts[shard] = part = new StepBatch();
            part.Put(Key(key), Encoding.UTF8.GetBytes(value));
        }
        Shards.CommitJointly([.. parts.Select(p => (p.Key, p.Value))]);
    }

    public BackupInfo Backup(BackupOptions? options = null) =>
        BackupStores.Create(Shards, Store, (options ?? BackupOptions.Default) with { Files = StoreFiles });

    public BackupList List() => BackupStores.List(StoreFiles, Store);

    public BackupReport Verify(ulong? id = null) => BackupStores.Verify(Scheduler, Store, id, new BackupOptions { Files = StoreFiles });

    public RestoredDatabase Restore(string target, SystemTime? to = null, ulong? id = null) =>
        BackupStores.Restore(Scheduler, Store, target, new RestoreOptions { Files = StoreFiles, TargetFiles = Files, To = to, Id = id });

    /// <summary>Restores, checks the files, opens, and says what is in it: all keys and values now, or at a moment.</summary>
    public string Restored(SystemTime? to = null, ulong? id = null, Action<LocalShards>? look = null)
    {
        var target = $"restored-{++_restores}";
        Restore(target, to, id);
        var report = DatabaseChecker.Check(Files, target);
        Assert.Empty(report.Problems);
        using var shards = LocalShards.Open(Files, Scheduler, target, _options);
        look?.Invoke(shards);
        return Scan(shards);
    }

    public string Scan(SystemTime? at = null) => Scan(Shards, at);

    public static string Scan(LocalShards shards, SystemTime? at = null)
    {
        var (start, end) = KeyLayout.RangeOf(Default);
        var found = new List<string>();
        foreach (var (shard, partStart, partEnd) in shards.ShardsOf(start, end))
        {
            using var cursor = shard.OpenCursor(partStart, partEnd, at is { } moment ? ReadView.AsOf(moment) : ReadView.Present);
            for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
                found.Add($"{Encoding.UTF8.GetString(KeyLayout.UserKeyOf(cursor.Key))}={Encoding.UTF8.GetString(cursor.Value)}@{cursor.Version}");
        }
        return string.Join(' ', found);
    }

    public void Dispose()
    {
        Shards?.Dispose();
        Scheduler.Dispose();
    }
}
