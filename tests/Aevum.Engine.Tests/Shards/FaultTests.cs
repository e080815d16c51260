using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;
using static Aevum.Engine.Tests.EngineWorld;

namespace Aevum.Engine.Tests.Shards;

/// <summary>What the simulation of the engine has found, each once more by itself.</summary>
public sealed class FaultTests
{
    static readonly KeyspaceOptions Forever = new() { History = HistoryPolicy.Forever };

    static readonly EngineOptions Always = EngineOptions.Default with { Sync = SyncPolicy.Always };

    [Fact]
    public void Commits_of_several_bodies_go_on_within_their_world()
    {
        using var world = new EngineWorld(options: Always);
        var clients = Enumerable.Range(0, 4).Select(i => world.Scheduler.Start($"client {i}", WorkClass.Urgent, async _ =>
        {
            for (var n = 0; n < 20; n++)
            {
                var batch = new StepBatch();
                batch.Put(Key($"k{i}"), Bytes($"{n}"));
                await world.Shard.CommitAsync(batch, CancellationToken.None);
            }
        })).ToArray();
        foreach (var client in clients) client.Wait();
        Assert.All(clients, client => Assert.Null(client.Failure));
        Assert.Equal("k0=19 k1=19 k2=19 k3=19", world.Scan());
    }

    [Fact]
    public void Who_waits_for_room_holds_nobody_up()
    {
        var options = EngineOptions.Default with { Tree = TreeOptions.Default with { MemtableBytes = 32 << 10, FrozenStop = 1 } };
        using var world = new EngineWorld(options: options);
        var clients = Enumerable.Range(0, 4).Select(i => world.Scheduler.Start($"client {i}", WorkClass.Urgent, async _ =>
        {
            for (var n = 0; n < 30; n++)
            {
                var batch = new StepBatch();
                batch.Put(Key($"k{i}"), new byte[2000]);
                world.Shard.Commit(batch);
                await world.Scheduler.Yield();
            }
        })).ToArray();
        foreach (var client in clients) client.Wait();
        Assert.All(clients, client => Assert.Null(client.Failure));
    }

    [Theory]
    [InlineData(FileOperation.Sync, true)]
    [InlineData(FileOperation.Sync, false)]
    [InlineData(FileOperation.Publish, false)]
    public void Nobody_is_told_that_nothing_was_done_when_nobody_can_know(FileOperation operation, bool asynchronous)
    {
        var files = new FaultyFileSystem(1, new FaultPlan { RegionsAreMapped = false });
        using var world = new EngineWorld(options: Always, files: files);
        world.Put("a", "1");
        files.Plan.FailNth(operation, 1);
        AevumException? failure = null;
        world.Scheduler.Start("client", WorkClass.Urgent, async _ =>
        {
            var batch = new StepBatch();
            batch.Put(Key("a"), Bytes("2"));
            try
            {
                if (asynchronous) await world.Shard.CommitAsync(batch, CancellationToken.None);
                else world.Shard.Commit(batch);
            }
            catch (AevumException e)
            {
                failure = e;
            }
        }).Wait();
        Assert.Equal(ErrorCode.OutcomeUnknown, failure?.Code);
        world.Reopen();
        Assert.Contains(world.Get("a"), new[] { "1", "2" });
    }

    [Fact]
    public void A_disk_that_fails_is_no_answer_to_a_step()
    {
        var files = new FaultyFileSystem(1);
        files.Plan.FilesCanBeMapped = false;
        using var world = new EngineWorld(files: files);
        for (var i = 0; i < 100; i++) world.Commit(b => b.Put(Key($"k{i:d3}"), new byte[2000]));
        world.Shard.Tree.Flush();
        world.Reopen();
        files.Plan.FailWithProbability(FileOperation.Read, 1);
        var failure = Assert.Throws<AevumException>(() => world.Commit(b =>
        {
            b.Policy = CommitPolicy.EachForItself;
            b.Put(Key("b"), Bytes("1"));
            b.Put(Key("k050"), Bytes("2"), Precondition.Present);
        }));
        Assert.Equal(ErrorCode.InputOutput, failure.Code);
        files.Plan.Heal();
        Assert.Null(world.Get("b"));
    }

    [Fact]
    public void Nothing_is_stamped_below_a_moment_that_was_read_in_an_earlier_life()
    {
        IFileSystem files;
        SystemTime moment;
        using (var world = new EngineWorld(keyspace: Forever))
        {
            files = world.Files;
            world.Put("a", "1");
            world.Scheduler.RunFor(TimeSpan.FromMinutes(5));
            moment = world.Shards.Clock.Now;
            Assert.Equal("1", world.Get("a", moment));
        }
        using var later = new EngineWorld(files: files);    // whose wall clock begins anew
        Assert.True(later.Put("a", "2") > moment, "a time below a moment that was read");
        Assert.Equal("1", later.Get("a", moment));
    }

    [Fact]
    public void What_an_open_shows_survives_a_power_cut_where_commits_do()
    {
        var files = new FaultyFileSystem(1);
        var world = new EngineWorld(options: Always, files: files, keyspace: Forever);
        world.Put("a", "1");
        files.Plan.FailNth(FileOperation.Sync, 1);
        Assert.Throws<AevumException>(() => world.Put("a", "2"));
        files.KillProcess();
        world.Dispose();
        files = files.Successor!;
        string? seen;
        using (world = new EngineWorld(seed: 2, options: Always, files: files))
        {
            seen = world.Get("a");
            files = files.PowerCut(PowerCutMode.LoseUnsynced);
        }
        using var last = new EngineWorld(seed: 3, options: Always, files: files);
        Assert.Equal(seen, last.Get("a"));
    }

    [Fact]
    public void A_merge_operator_that_nobody_knows_never_gets_into_the_catalog()
    {
        using var world = new EngineWorld();
        var batch = new StepBatch();
        CatalogChange.CreateKeyspace(batch, world.Shards.Catalog, NamespaceEntry.DefaultId, "x", new KeyspaceOptions { MergeOperator = "nobody's" });
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => world.Shards.CommitCatalog(batch)).Code);
        world.Reopen();
        Assert.Null(world.Shards.Catalog.FindKeyspace(NamespaceEntry.DefaultId, "x"));
    }

    [Theory]
    [InlineData("every:5")]
    [InlineData("10s")]
    public void What_a_process_left_unsynced_is_synced_by_the_next(string sync)
    {
        var files = new FaultyFileSystem(1);
        using var world = new EngineWorld(files: files, options: EngineOptions.Default with { SyncName = sync });
        world.Put("a", "1");
        world.Put("b", "1");
        var left = files.KillProcess();
        world.Close();
        world.Files = left;
        world.Open();
        world.Put("c", "1");
        left = left.PowerCut(PowerCutMode.LoseUnsynced);
        world.Close();
        world.Files = left;
        world.Open();
        Assert.Equal("a=1 b=1", world.Scan());
    }

    sealed class TellExpiry : IProcedure
    {
        public string Name => "test.expiry";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            Assert.True(context.TryRead(key, out var found));
            context.Return((long)found.Expiry.Value);
        }
    }

    [Fact]
    public void What_is_merged_over_an_expired_value_does_not_inherit_its_expiry()
    {
        using var world = new EngineWorld(keyspace: new KeyspaceOptions { MergeOperator = "append" });
        var past = world.Put("before", "1");
        var batch = world.Commit(b =>
        {
            b.Put(Key("a"), Bytes("gone"), past);
            b.Merge(Key("a"), Bytes("new"));
            b.Call(new TellExpiry(), Key("a"));
        });
        Assert.Equal(0, batch.ResultOf(2).Number);
        Assert.Equal("new", world.Get("a"));
        Assert.Equal(SystemTime.None, world.Info("a").Expiry);
    }

    [Fact]
    public void A_keyspace_that_begins_to_keep_history_begins_there()
    {
        using var world = new EngineWorld();   // no history
        world.Put("a", "1");
        world.Put("a", "2");
        var floor = world.Shard.HistoryFloorOf(Key("a"));
        world.Alter(Default, Forever);
        var begun = world.Shard.HistoryFloorOf(Key("a"));
        Assert.True(begun >= floor, "the floor fell");
        world.Put("a", "3");
        Assert.Equal("2", world.Get("a", begun));
        world.Reopen();
        Assert.Equal(begun, world.Shard.HistoryFloorOf(Key("a")));
    }

    [Fact]
    public void A_longer_history_does_not_bring_floors_down()
    {
        using var world = new EngineWorld(keyspace: new KeyspaceOptions { History = HistoryPolicy.For(TimeSpan.FromSeconds(2)) });
        world.Put("a", "1");
        world.Scheduler.RunFor(TimeSpan.FromSeconds(20));
        var floor = world.Shard.HistoryFloorOf(Key("a"));
        Assert.True(floor > SystemTime.None);
        world.Alter(Default, new KeyspaceOptions { History = HistoryPolicy.For(TimeSpan.FromSeconds(15)) });
        world.Reopen();
        world.Scheduler.RunFor(TimeSpan.FromSeconds(5));
        world.Shards.Flush();
        world.Put("a", "2");
        world.Reopen();
        Assert.True(world.Shard.HistoryFloorOf(Key("a")) >= floor, "the floor fell");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Operands_of_a_dropped_keyspace_are_folded_as_ever(bool inTables)
    {
        using var world = new EngineWorld();
        var create = new StepBatch();
        var id = new KeyspaceId(NamespaceEntry.DefaultId, CatalogChange.CreateKeyspace(create, world.Shards.Catalog, NamespaceEntry.DefaultId, "x",
            new KeyspaceOptions { History = HistoryPolicy.Forever, MergeOperator = "append" }).Id);
        world.Shards.CommitCatalog(create);
        var key = KeyLayout.Make(id, "m"u8);
        world.Commit(b => b.Merge(key, "1"u8));
        var moment = world.Commit(b => b.Merge(key, "2"u8)).Time;
        var drop = new StepBatch();
        CatalogChange.DropKeyspace(drop, world.Shards.Catalog, id);
        world.Shards.CommitCatalog(drop);
        if (inTables) world.Shards.Flush();
        world.Reopen();
        Assert.Equal("12"u8.ToArray(), world.Shard.Read(key, ReadView.AsOf(moment), out _));
        Assert.Throws<AevumException>(() => world.Commit(b => b.Merge(key, "3"u8)));
        world.Shard.Tree.Flush();
        world.Shard.Tree.CompactAll();
        Assert.Equal("12"u8.ToArray(), world.Shard.Read(key, ReadView.AsOf(moment), out _));
    }

    [Fact]
    public void A_range_delete_over_nothing_is_a_change_also_when_it_lies_in_history()
    {
        using var world = new EngineWorld(keyspace: Forever);
        var before = world.Put("z", "1");
        world.Commit(b => b.DeleteRange(Key("a"), Key("c")));
        world.Shard.Tree.Flush();
        world.Shard.Tree.CompactAll();
        Assert.Equal(CommitStatus.Refused, world.Commit(b => b.Put(Key("b"), Bytes("1"), Precondition.UnchangedSince(before))).Status);
        Assert.Equal(CommitStatus.Refused, world.Commit(b => b.CheckUnchanged(Key("b"), Key("bb"), before)).Status);
        Assert.Equal(CommitStatus.Committed, world.Commit(b => b.CheckUnchanged(Key("b"), Key("b"), before)).Status);
        Assert.Equal(CommitStatus.Committed, world.Commit(b => b.CheckUnchanged(Key("c"), Key("d"), before)).Status);
    }
}
