using System.Runtime.InteropServices;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;

namespace Aevum.Engine.Tests.Shards;

/// <summary>Files that the log keeps for later make room for whoever finds the disk full.</summary>
public sealed class FullDiskTests : IDisposable
{
    static readonly KeyspaceId Vectors = new(NamespaceEntry.DefaultId, 1);

    readonly FaultyFileSystem _files = new(1);
    readonly EngineWorld _world;

    public FullDiskTests() =>
        _world = new(files: _files, options: new EngineOptions { FeedLogBytes = 0, LogSegmentBytes = 256 << 10, LogBytesMax = 4 << 20 });

    public void Dispose() => _world.Dispose();

    int Spares => _files.ListFiles("db/log").Count(name => name.Contains("spare", StringComparison.Ordinal));

    // Until the log keeps files for later; and then there is no space but a little.
    void FillDisk(long room)
    {
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 200; i++) _world.Put($"k{i:d3}", new string('x', 5000));
            _world.Shards.Flush();
            _world.Scheduler.RunFor(TimeSpan.FromSeconds(2));
        }
        Assert.InRange(Spares, 2, 20);
        _files.Plan.CapacityBytes = _files.UsedBytes + room;
    }

    void CreateCollection()
    {
        var batch = new StepBatch();
        var options = new KeyspaceOptions { Collection = new CollectionOptions(64) };
        var change = CatalogChange.CreateKeyspace(batch, _world.Shards.Catalog, NamespaceEntry.DefaultId, "c", options, KeyspaceKind.Vectors);
        _world.Shards.CommitCatalog(batch);
        change.ThrowIfRefused();
        var value = new byte[1 + (64 * sizeof(float))];
        for (var i = 0; i < 300; i++)
        {
            float[] vector = [.. Enumerable.Range(0, 64).Select(n => (float)(n + i))];
            VectorRow.Write(value, MemoryMarshal.AsBytes<float>(vector));
            _world.Commit(b => b.Put(KeyLayout.Make(Vectors, Encoding.ASCII.GetBytes($"k{i}")), value));
        }
        _world.Scheduler.RunFor(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void A_save_of_an_index_takes_it()
    {
        CreateCollection();
        FillDisk(16 << 10);
        Assert.Equal(1, _world.Shards.Indexes!.SaveAll());
        Assert.Equal(0, Spares);
    }

    [Fact]
    public void A_backup_takes_it_and_is_whole()
    {
        FillDisk(0);
        var elsewhere = new FaultyFileSystem(2);
        BackupStores.Create(_world.Shards, "backups", new BackupOptions { Files = elsewhere });
        _files.Plan.CapacityBytes += elsewhere.UsedBytes - (100 << 10);
        Assert.InRange(Spares, 2, 20);
        var info = BackupStores.Create(_world.Shards, "backups", new BackupOptions { Files = _files });
        Assert.Equal(0, Spares);
        _files.Plan.CapacityBytes = null;
        Assert.Empty(BackupStores.Verify(_world.Scheduler, "backups", info.Id, new BackupOptions { Files = _files }).Problems);
    }

    [Fact]
    public void Where_that_is_not_enough_it_is_said_as_before()
    {
        CreateCollection();
        FillDisk(0);
        _world.Shards.WithRoom(() => true);
        Assert.NotEqual(0, Spares);   // nobody needed any
        _files.Plan.CapacityBytes = 4096;
        Assert.Equal(ErrorCode.DiskFull, Assert.Throws<AevumException>(() => _world.Shards.Indexes!.SaveAll()).Code);
        Assert.Equal(ErrorCode.DiskFull,
            Assert.Throws<AevumException>(() => BackupStores.Create(_world.Shards, "backups", new BackupOptions { Files = _files })).Code);
        _files.Plan.CapacityBytes = null;
        Assert.Equal(1, _world.Shards.Indexes!.SaveAll());
    }
}
