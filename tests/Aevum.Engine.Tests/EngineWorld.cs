using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Tests;

/// <summary>Shards on a file system in memory, on virtual time, with short ways to say things.</summary>
sealed class EngineWorld : IDisposable
{
    public static readonly KeyspaceId Default = new(NamespaceEntry.DefaultId, KeyspaceEntry.DefaultId);

    readonly EngineOptions _options;

    public EngineWorld(ulong seed = 1, EngineOptions? options = null, IFileSystem? files = null, KeyspaceOptions? keyspace = null)
    {
        _options = options ?? EngineOptions.Default;
        Files = files ?? new MemoryFileSystem();
        Scheduler = new SimulatedScheduler(seed);
        Open();
        if (keyspace is not null) Alter(Default, keyspace);
    }

    public IFileSystem Files { get; set; }

    public SimulatedScheduler Scheduler { get; }

    public StorageEnvironment Storage { get; private set; } = null!;

    public LocalShards Shards { get; private set; } = null!;

    public LocalShard Shard => Shards.Shards[0];

    public void Open()
    {
        Storage = new StorageEnvironment(new StorageOptions { Files = Files, Scheduler = Scheduler, BlockCacheBytes = 1 << 20 });
        Shards = LocalShards.Open(Storage, "db", _options);
    }

    public void Close()
    {
        Shards.Dispose();
        Storage.Dispose();
    }

    public void Reopen()
    {
        Close();
        Open();
    }

    public void Alter(KeyspaceId id, KeyspaceOptions options)
    {
        var batch = new StepBatch();
        var change = CatalogChange.AlterKeyspace(batch, Shards.Catalog, id, options);
        Shards.CommitCatalog(batch);
        change.ThrowIfRefused();
    }

    public static byte[] Key(string key) => KeyLayout.Make(Default, Encoding.UTF8.GetBytes(key));

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public SystemTime Put(string key, string value, SystemTime expiry = default) => Commit(b => b.Put(Key(key), Bytes(value), expiry)).Time;

    public SystemTime Delete(string key) => Commit(b => b.Delete(Key(key))).Time;

    public StepBatch Commit(Action<StepBatch> fill)
    {
        var batch = new StepBatch();
        fill(batch);
        Shard.Commit(batch);
        return batch;
    }

    public string? Get(string key, SystemTime? at = null) =>
        Shard.Read(Key(key), at is { } moment ? ReadView.AsOf(moment) : ReadView.Present, out _) is { } value ? Encoding.UTF8.GetString(value) : null;

    public ValueInfo Info(string key) => Shard.Read(Key(key), ReadView.Present, []);

    /// <summary>All keys and values of the default keyspace in a view, as "a=1 b=2".</summary>
    public string Scan(SystemTime? at = null)
    {
        var (start, end) = KeyLayout.RangeOf(Default);
        using var cursor = Shard.OpenCursor(start, end, at is { } moment ? ReadView.AsOf(moment) : ReadView.Present);
        var found = new List<string>();
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next())
            found.Add($"{Encoding.UTF8.GetString(KeyLayout.UserKeyOf(cursor.Key))}={Encoding.UTF8.GetString(cursor.Value)}");
        return string.Join(' ', found);
    }

    public void Dispose()
    {
        Close();
        Scheduler.Dispose();
    }
}
