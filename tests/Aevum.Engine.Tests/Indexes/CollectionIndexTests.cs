using System.Runtime.InteropServices;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Indexes;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Tests.Indexes;

/// <summary>What the model does not bring about: limits, and threads.</summary>
public sealed class CollectionIndexTests
{
    static readonly KeyspaceId Id = new(NamespaceEntry.DefaultId, 1);

    static CollectionOptions Options(int dimension) => new(dimension) { Metric = VectorMetric.L2 };

    static void Create(LocalShards shards, CollectionOptions options)
    {
        var batch = new StepBatch();
        var change = CatalogChange.CreateKeyspace(batch, shards.Catalog, NamespaceEntry.DefaultId, "c",
            new KeyspaceOptions { History = HistoryPolicy.Forever, Collection = options }, KeyspaceKind.Vectors);
        shards.CommitCatalog(batch);
        change.ThrowIfRefused();
    }

    static void Put(LocalShards shards, int number, params float[] vector)
    {
        var batch = new StepBatch();
        var value = new byte[1 + (4 * vector.Length)];
        batch.Put(KeyLayout.Make(Id, Encoding.ASCII.GetBytes($"k{number}")), VectorRow.Write(value, MemoryMarshal.AsBytes<float>(vector)));
        shards.Shards[0].Commit(batch);
    }

    static VectorQuestion Near(int k, params float[] vector) => new() { Elements = MemoryMarshal.AsBytes<float>(vector).ToArray(), K = k };

    [Fact]
    public void Writers_wait_while_the_tail_is_full_and_go_on_when_there_is_room()
    {
        using var world = new EngineWorld(options: new EngineOptions { VectorTailRows = 10 });
        Create(world.Shards, Options(1));
        world.Scheduler.RunUntilIdle();
        var index = world.Shards.Indexes!.Find(Id)!;
        for (var i = 0; i < 40; i++) Put(world.Shards, i, i);
        Assert.False(index.IsBehind);            // nobody has looked
        Assert.Equal(40, index.CountRows());     // now somebody has
        Assert.True(index.IsBehind);
        Assert.Equal(40, index.TailRows);
        index.WaitForRoom();
        Assert.InRange(index.TailRows, 0, 10);
        Assert.False(index.IsBehind);
    }

    [Fact]
    public void An_index_at_rest_is_woken_by_who_is_about_to_write()
    {
        using var world = new EngineWorld();
        Create(world.Shards, Options(1));
        world.Scheduler.RunUntilIdle();
        var index = world.Shards.Indexes!.Find(Id)!;
        world.Scheduler.RunFor(TimeSpan.FromSeconds(10));   // by now it looks once a second
        index.WaitForRoom();
        Put(world.Shards, 1, 1);
        world.Scheduler.RunFor(TimeSpan.FromMilliseconds(25));
        Assert.Equal(1, index.Indexed);
        world.Scheduler.RunFor(TimeSpan.FromSeconds(10));
        Put(world.Shards, 2, 2);                            // past the doors: found when it looks next
        world.Scheduler.RunFor(TimeSpan.FromMilliseconds(1100));
        Assert.Equal(2, index.Indexed);
    }

    [Fact]
    public void An_index_without_memory_refuses_writes_and_searches_look_at_the_rows()
    {
        using var world = new EngineWorld(options: new EngineOptions { VectorMemoryBytes = 3 << 20 });
        Create(world.Shards, Options(256));
        world.Scheduler.RunUntilIdle();
        var index = world.Shards.Indexes!.Find(Id)!;
        var written = 0;
        var random = new SeededRandom(3);
        var vectors = new List<float[]>();
        while (index.Refusal is null && written < 10_000)
        {
            vectors.Add([.. Enumerable.Range(0, 256).Select(_ => (float)random.NextDouble())]);
            Put(world.Shards, written, vectors[written]);
            if (++written % 100 == 0) world.Scheduler.RunFor(TimeSpan.FromMilliseconds(50));
        }
        Assert.Equal(ErrorCode.LimitExceeded, index.Refusal?.Code);
        Assert.Contains("no memory for more vectors", index.Refusal!.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(index.WaitForRoom).Code);
        Assert.True(world.Shards.Indexes.Budget.UsedBytes <= 3 << 20);
        for (var i = 0; i < written; i += 97)
        {
            var found = index.Search(Near(1, vectors[i]));
            Assert.Equal($"k{i}", Encoding.ASCII.GetString(found[0].Key));
        }
        Assert.False(index.WaitIndexed());
    }

    [Fact]
    public void Searches_beside_writers_on_threads_see_every_acknowledged_write_and_no_deleted_row()
    {
        const int Dimension = 8, Keys = 400, Writes = 1500;
        using var scheduler = new ThreadScheduler(new ThreadSchedulerOptions { Seed = 1 });
        using var storage = new StorageEnvironment(new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using var shards = LocalShards.Open(storage, "db");
        Create(shards, Options(Dimension));
        var index = shards.Indexes!.Find(Id)!;
        var failures = new List<string>();
        var writers = Enumerable.Range(0, 2).Select(w => scheduler.Start($"writer {w}", WorkClass.Flush, _ =>
        {
            var random = new SeededRandom((ulong)w + 7);
            for (var i = 0; i < Writes; i++)
            {
                // Keys of its own, so that nobody else changes what it has just written. Far from everything else: it must come first.
                var key = (2 * random.Next(Keys / 2)) + w;
                float[] vector = [.. Enumerable.Range(0, Dimension).Select(_ => (float)random.Next(-1000, 1000))];
                Put(shards, key, vector);
                var found = index.Search(Near(1, vector) with { Ef = 200 });
                if (found.Count == 0 || found[0].Distance > 0) Fail($"a row that was just written is not found: {key}");
                if (i % 5 != 0) continue;
                var batch = new StepBatch();
                batch.Delete(KeyLayout.Make(Id, Encoding.ASCII.GetBytes($"k{key}")));
                shards.Shards[0].Commit(batch);
                if (index.Search(Near(20, vector)).Any(a => Encoding.ASCII.GetString(a.Key) == $"k{key}")) Fail($"a row that was just deleted is found: {key}");
            }
            return Task.CompletedTask;
        })).ToList();
        foreach (var writer in writers) writer.Wait();
        Assert.Empty(failures);
        Assert.All(writers, w => Assert.Null(w.Failure));
        Assert.True(index.WaitIndexed());
        Assert.Equal(index.CountRows(), index.Indexed);

        void Fail(string what)
        {
            lock (failures) failures.Add(what);
        }
    }

    [Fact]
    public void Questions_without_meaning_are_refused()
    {
        using var world = new EngineWorld();
        Create(world.Shards, Options(2));
        world.Scheduler.RunUntilIdle();
        var index = world.Shards.Indexes!.Find(Id)!;
        Assert.Empty(index.Search(Near(10, 1, 1)));
        Assert.Empty(index.Search(Near(0, 1, 1)));
        Assert.Empty(index.Search(Near(VectorQuestion.AnswersMax, 1, 1)));
        foreach (var question in new[]
        {
            Near(-1, 1, 1), Near(1, 1, 1) with { Offset = -1 }, Near(1, 1, 1) with { Ef = -1 }, Near(1, 1, 1) with { DistanceMax = float.NaN },
            Near(1, 1, 1) with { AsOf = new(world.Shards.Clock.Now.Value + (1UL << 40)) },
        })
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => index.Search(question)).Code);
        var most = Near(VectorQuestion.AnswersMax, 1, 1) with { Offset = 1 };
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => index.Search(most)).Code);
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => index.Search(Near(int.MaxValue, 1, 1))).Code);
    }
}
