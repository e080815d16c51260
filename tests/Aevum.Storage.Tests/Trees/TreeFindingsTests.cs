// What the simulation found, each in the fewest steps that show it.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Log;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

public sealed class TreeFindingsTests
{
    static readonly ulong Now = SystemTime.Max.Value;

    // The iterator kept the folded value, and the key, of what had expired, and showed it for the next key.
    [Fact]
    public void A_walk_passes_merges_that_have_expired()
    {
        using var world = new SimulatedTree(SimulatedTree.Keep(0, AppendOperator.Instance));
        world.Put(10, "a", "old", expiry: 30);
        world.Merge(20, "a", "er");
        world.Put(21, "b", "next");
        world.Put(22, "0", "before");
        Assert.Equal("0=before b=next", world.Scan(ReadPoint.LatestAt(new(40))));
        Assert.Equal("b=next 0=before", world.Scan(ReadPoint.LatestAt(new(40)), backward: true));
        Assert.Equal("0=before a=older b=next", world.Scan(ReadPoint.LatestAt(new(25))));
    }

    // Before a compaction the value stood for its batch and was left out, as it had expired; after it the range delete stood alone and was told.
    [Fact]
    public void A_range_delete_beside_a_value_that_has_expired_is_told_before_and_after_compaction()
    {
        var policy = new RisingPolicy();
        using var world = new SimulatedTree(policy);
        world.Put(10, "a", "1");
        world.Tree.Flush();
        var batch = new WriteBatch { SystemTime = new(20) };
        batch.DeleteRange("a"u8, "b"u8);
        batch.Put("a"u8, "2"u8, new(12));
        world.Tree.Write(batch);
        policy.Floor = new(15);
        string Told() => string.Join(' ', world.Tree.VersionsOf("a"u8).Select(v => $"{v.Version.Value}{v.Kind}"));
        var before = Told();
        world.Tree.Flush();
        world.Tree.CompactAll();
        Assert.Equal("20DeleteRange 10Put", before);
        Assert.Equal(before, Told());
    }

    // Writers waited for ever for a compaction that was not due before they stopped.
    [Theory]
    [InlineData(0, 20, 36)]
    [InlineData(40, 20, 36)]
    [InlineData(4, 40, 36)]
    public void Bounds_of_level_zero_that_would_stop_writers_for_good_are_refused(int trigger, int slowdown, int stop)
    {
        var options = new CompactionOptions { LevelZeroTrigger = trigger, LevelZeroSlowdown = slowdown, LevelZeroStop = stop };
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(options.Check).Code);
        CompactionOptionsOf(4, 4, 4).Check();

        static CompactionOptions CompactionOptionsOf(int a, int b, int c) => new() { LevelZeroTrigger = a, LevelZeroSlowdown = b, LevelZeroStop = c };
    }

    // It read the memtable, which others go on writing to.
    [Fact]
    public void An_iterator_does_not_see_what_is_written_after_it_was_made()
    {
        using var world = new SimulatedTree(SimulatedTree.Keep(Now));
        world.Put(10, "a", "1");
        world.Put(11, "b", "1");
        using var iterator = world.Tree.Iterate();
        world.Put(12, "b", "2");
        world.Put(13, "c", "2");
        world.Delete(14, "a");
        Assert.Equal("a=1 b=1", SimulatedTree.Walk(iterator));
        Assert.Equal("b=1 a=1", SimulatedTree.Walk(iterator, backward: true));
    }

    // The expired version was dropped, though it had not ended yet, and the one below it, out of the flush's sight, seemed to live on.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_expired_still_hides_what_lies_below_it(bool compact)
    {
        var policy = new RisingPolicy();
        using var world = new SimulatedTree(policy);
        world.Put(10, "a", "first");
        world.Tree.Flush();
        world.Put(20, "a", "second", expiry: 25);
        world.Put(40, "a", "third");
        policy.Floor = new(30);
        world.Tree.Flush();
        if (compact) world.Tree.CompactAll();
        Assert.Null(world.Get("a", 35));
        Assert.Equal("third", world.Get("a", 40));
    }

    // The listing took a version for the present one when the delete behind it was gone.
    [Fact]
    public void The_listing_knows_what_ended_though_the_delete_is_gone()
    {
        var policy = new RisingPolicy();
        using var world = new SimulatedTree(policy, compaction: new CompactionOptions { LevelZeroTrigger = 2 });
        world.Put(10, "a", "1");
        world.Put(15, "a", "2");
        world.Put(11, "c", "1");
        world.Put(40, "c", "2");
        world.Tree.Flush();   // a history table: a from 10 to 15, and c from 11 to 40, which keeps the table
        world.Delete(20, "a");
        Assert.Equal("20:Delete 15:Put=2 10:Put=1", world.Versions("a"));
        policy.Floor = new(25);
        Assert.Equal("", world.Versions("a"));
        world.Tree.Flush();
        world.Tree.WaitIdle();   // the main tables were merged, and hold nothing of a any more
        Assert.Equal("", world.Versions("a"));
        Assert.Equal("40:Put=2 11:Put=1", world.Versions("c"));
    }

    // A range delete that begins in a keyspace without history was no longer listed in the one with history.
    [Fact]
    public void A_range_delete_over_two_keyspaces_stays_listed_where_history_is_kept()
    {
        using var world = new SimulatedTree(new TwoKeyspaces());
        world.Put(10, TwoKeyspaces.Kept + "a", "1");
        world.Write(20, b => b.DeleteRange(SimulatedTree.Bytes(TwoKeyspaces.Gone + "a"), SimulatedTree.Bytes(TwoKeyspaces.Kept + "z")));
        world.Put(30, TwoKeyspaces.Kept + "a", "2");
        world.Tree.CompactAll();
        world.Tree.CompactAll();
        Assert.Equal("30:Put=2 20:DeleteRange 10:Put=1", world.Versions(TwoKeyspaces.Kept + "a"));
    }

    // The tree's own directory was a name that nobody had synced.
    [Fact]
    public void A_new_tree_survives_a_power_cut_with_all_it_acknowledged()
    {
        using var world = new SimulatedTree(SimulatedTree.Keep(Now), SyncPolicy.Always);
        world.Put(10, "a", "1");
        world.PowerCut();
        Assert.Equal("1", world.Get("a", 10));
    }

    // CURRENT could become durable before the name of the manifest that it names.
    [Fact]
    public void A_power_cut_at_any_moment_of_an_open_leaves_a_tree_that_opens()
    {
        for (ulong seed = 1; seed <= 4; seed++)
        {
            using var world = new SimulatedTree(SimulatedTree.Keep(Now), SyncPolicy.Always, seed: seed);
            world.Put(10, "a", "1");
            world.Tree.Flush();
            world.Put(11, "b", "1");
            for (var change = 1; ; change++)
            {
                world.Close();
                world.Files.Plan.PowerCutAt = world.Files.ChangeCount + change;
                var error = Record.Exception(world.Open);
                if (error is null && world.Files.Successor is null) break;
                world.TakeOver();
                world.Open();
                Assert.Equal("1", world.Get("a", 11));
                Assert.Equal("1", world.Get("b", 11));
            }
        }
    }

    // Pages of a failed sync stay clean in the kernel's eyes, so that the next process's sync passed them by and its mark vouched for them.
    [Fact]
    public void What_a_failed_sync_left_behind_is_durable_once_the_reopened_log_says_so()
    {
        for (ulong seed = 1; seed <= 8; seed++)
        {
            using var world = new SimulatedTree(SimulatedTree.Keep(Now), SyncPolicy.Always, seed: seed);
            world.Put(10, "a", "1");
            world.Files.Plan.FailNth(FileOperation.Sync, 1);
            Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => world.Put(11, "b", "1")).Code);
            world.Reopen();
            world.Put(12, "c", "1");
            world.PowerCut();
            Assert.Equal("1", world.Get("a", 12));
            Assert.Equal("1", world.Get("b", 12));
            Assert.Equal("1", world.Get("c", 12));
        }
    }

    // A recorded floor may lie above everything that the power cut left.
    [Fact]
    public void A_snapshot_can_be_read_after_a_power_cut_took_the_newest_batches()
    {
        using var world = new SimulatedTree(SimulatedTree.Keep(Now));
        world.Put(10, "a", "1");
        world.Tree.Flush();
        world.Put(20, "b", "1");
        world.Tree.CompactAll();   // its floor is 20
        world.Put(30, "c", "1");
        world.PowerCut();
        using var snapshot = world.Tree.OpenSnapshot();
        Assert.Equal("1", world.Get("a", snapshot.At.Value));
    }

    // The open had begun a new manifest without the edit that could not be read, and had deleted its tables, before it saw what was missing.
    [Fact]
    public void A_damaged_manifest_is_reported_before_anything_is_changed()
    {
        using var world = new SimulatedTree(SimulatedTree.Keep(Now));
        world.Put(10, "a", "1");
        world.Tree.Flush();
        world.Put(11, "b", "1");   // tells the log that the first batch is in a table
        world.Kill();
        var path = "db/" + world.Files.ListFiles("db").Single(name => name.StartsWith("MANIFEST", StringComparison.Ordinal));
        var offset = world.Files.FileLength(path) - 3;
        world.Files.FlipBit(path, offset);
        Assert.Throws<CorruptionException>(world.Open);
        world.Files.FlipBit(path, offset);
        world.Open();
        Assert.Equal("1", world.Get("a", 11));
        Assert.Equal("1", world.Get("b", 11));
    }

    // The state of the manifest had moved on although its new file could not be written; the second attempt added the same versions again.
    [Theory]
    [InlineData(FileOperation.Create)]
    [InlineData(FileOperation.Append)]
    [InlineData(FileOperation.Sync)]
    [InlineData(FileOperation.Rename)]
    [InlineData(FileOperation.SyncDirectory)]
    [InlineData(FileOperation.Delete)]
    public void A_flush_whose_manifest_fails_twice_is_done_once(FileOperation operation)
    {
        using var world = new SimulatedTree(SimulatedTree.Keep(0, AppendOperator.Instance));
        world.Put(5, "a", "b");
        world.Tree.Flush();
        world.Merge(10, "a", "x");   // stays a merge, since its base lies in another table
        world.Files.Plan.Strikes = path => path.Contains("MANIFEST", StringComparison.Ordinal) ||
             path.Contains("CURRENT", StringComparison.Ordinal) || path == "db";
        world.Files.Plan.FailNth(FileOperation.Append, 1);
        Assert.Throws<AevumException>(world.Tree.Flush);
        world.Files.Plan.FailNth(operation, 1);
        world.Scheduler.RunFor(TimeSpan.FromSeconds(2));
        world.Tree.Flush();
        Assert.Equal("bx", world.Get("a", 10));
        world.Reopen();
        Assert.Equal("bx", world.Get("a", 10));
        world.Tree.CompactAll();
        Assert.Equal("bx", world.Get("a", 10));
    }

    // A flush that had succeeded hid that compactions fail, and a compaction that had failed once made every later wait fail.
    [Fact]
    public void A_compaction_that_failed_is_forgotten_once_one_succeeds()
    {
        using var world = new SimulatedTree(SimulatedTree.Keep(Now));
        world.Put(10, "a", "1");
        world.Tree.Flush();
        world.Put(11, "a", "2");
        world.Tree.Flush();
        world.Files.Plan.FailNth(FileOperation.Create, 1);
        Assert.Throws<AevumException>(world.Tree.CompactAll);
        Assert.NotNull(world.Tree.MaintenanceFailure);
        world.Scheduler.RunFor(TimeSpan.FromSeconds(1));
        Assert.Null(world.Tree.MaintenanceFailure);
        world.Tree.WaitIdle();
    }

    sealed class RisingPolicy : ITreePolicy
    {
        public SystemTime Floor { get; set; }

        public int KeyspacePrefixBytes => 0;

        public Compression CompressionOf(ulong keyspace) => Compression.None;

        public IMergeOperator? MergeOperatorOf(ulong keyspace) => null;

        public SystemTime HistoryFloorOf(ulong keyspace) => Floor;
    }

    sealed class TwoKeyspaces : ITreePolicy
    {
        public const string Gone = "AAAAAAAB";
        public const string Kept = "AAAAAAAC";

        public int KeyspacePrefixBytes => 8;

        public Compression CompressionOf(ulong keyspace) => Compression.None;

        public IMergeOperator? MergeOperatorOf(ulong keyspace) => null;

        public SystemTime HistoryFloorOf(ulong keyspace) => (byte)keyspace == 'B' ? SystemTime.Max : SystemTime.None;
    }
}
