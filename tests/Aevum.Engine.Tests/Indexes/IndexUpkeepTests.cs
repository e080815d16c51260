using System.Runtime.InteropServices;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Engine.Indexes;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;
using Aevum.Vectors;

namespace Aevum.Engine.Tests.Indexes;

/// <summary>What happens to graphs in the background: history that merges and is shed, in collections without codes too.</summary>
public sealed class IndexUpkeepTests : IDisposable
{
    const int SealRows = 40;
    static readonly KeyspaceId Id = new(NamespaceEntry.DefaultId, 1);

    readonly MemoryFileSystem _files = new();
    readonly EngineWorld _world;

    public IndexUpkeepTests() => _world = new(options: new EngineOptions { VectorSealRows = SealRows }, files: _files);

    CollectionIndex Index => _world.Shards.Indexes!.Find(Id)!;

    public void Dispose() => _world.Dispose();

    void Create(HistoryPolicy history)
    {
        var batch = new StepBatch();
        var options = new KeyspaceOptions { History = history, Collection = new CollectionOptions(1) { Metric = VectorMetric.L2 } };
        var change = CatalogChange.CreateKeyspace(batch, _world.Shards.Catalog, NamespaceEntry.DefaultId, "c", options, KeyspaceKind.Vectors);
        _world.Shards.CommitCatalog(batch);
        change.ThrowIfRefused();
        _world.Scheduler.RunUntilIdle();
    }

    void Put(int key, float component)
    {
        var value = new byte[1 + sizeof(float)];
        _world.Commit(b => b.Put(KeyLayout.Make(Id, Encoding.ASCII.GetBytes($"k{key}")), VectorRow.Write(value, MemoryMarshal.AsBytes<float>([component]))));
    }

    // What the files of a save hold.
    VectorIndexStatistics Save()
    {
        Assert.True(Index.Save());
        using var saved = VectorIndex.Open(_files, FilePaths.Combine("db/indexes", $"{Id.Value:x16}"));
        return saved.Statistics();
    }

    [Fact]
    public void History_of_whole_vectors_merges()
    {
        const int Keys = 4 * SealRows, Rounds = 8;
        Create(HistoryPolicy.Forever);
        var moments = new List<SystemTime>();
        for (var round = 0; round < Rounds; round++)
        {
            for (var key = 0; key < Keys; key++) Put(key, (1000 * round) + key);
            moments.Add(_world.Shards.TakeNow());
            _world.Scheduler.RunUntilIdle();
        }
        Assert.True(Index.WaitIndexed());
        _world.Scheduler.RunUntilIdle();
        for (var round = 0; round < Rounds; round++)
        {
            var question = new VectorQuestion { Elements = MemoryMarshal.AsBytes<float>([1000 * round]).ToArray(), K = Keys + 1, AsOf = moments[round] };
            Assert.Equal(Enumerable.Range(0, Keys).Select(key => (float)key), Index.Search(question).Select(answer => answer.Distance));
        }
        var saved = Save();
        // 28 segments filled, with entries that lived for as long as four take to fill: four at a time become one.
        Assert.Equal((Rounds - 1) * Keys, saved.HistoryEntries);
        Assert.InRange(saved.HistorySegments, 1, 10);
    }

    [Fact]
    public void What_the_floor_has_passed_is_shed_though_nothing_is_written()
    {
        Create(HistoryPolicy.For(TimeSpan.FromMinutes(10)));
        void PutAll(int count, float component)
        {
            for (var key = 0; key < count; key++) Put(key, component + key);
            Assert.True(Index.WaitIndexed());
            _world.Scheduler.RunFor(TimeSpan.FromMinutes(2));
        }

        PutAll(SealRows, 0);
        PutAll(30, 100);            // 30 entries of the first segment end
        PutAll(20, 200);            // 10 more, and 10 of the second
        Assert.Equal(50, Save().HistoryEntries);
        _world.Scheduler.RunFor(TimeSpan.FromMinutes(7));   // 13 minutes have passed: the first 30 have been history for more than ten
        Put(1000, 0);               // so that there is something to save; too little to look for upkeep
        Assert.True(Index.WaitIndexed());
        Assert.Equal(20, Save().HistoryEntries);
    }
}
