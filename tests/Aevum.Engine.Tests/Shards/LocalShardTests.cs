using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.History;
using Aevum.Storage.Log;
using static Aevum.Engine.Tests.EngineWorld;

namespace Aevum.Engine.Tests.Shards;

public sealed class LocalShardTests
{
    static readonly KeyspaceOptions Forever = new() { History = HistoryPolicy.Forever };

    /// <summary>Adds its argument's length to the number in the key, and returns the sum.</summary>
    sealed class Count : IProcedure
    {
        public string Name => "test.count";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            var sum = (context.TryRead(key, out var found) ? BitConverter.ToInt64(found.Bytes) : 0) + argument.Length;
            context.Put(key, BitConverter.GetBytes(sum));
            context.Return(sum);
            context.Return(argument);
            if (argument.Length > 5) throw new AevumException(ErrorCode.LimitExceeded, "too much");
        }
    }

    static readonly Count Counting = new();

    [Fact]
    public void What_is_committed_is_read_and_survives()
    {
        using var world = new EngineWorld();
        var first = world.Put("a", "1");
        var second = world.Put("b", "2");
        Assert.True(second > first);
        Assert.Equal("a=1 b=2", world.Scan());
        Assert.Equal(first, world.Info("a").Version);
        world.Delete("a");
        world.Reopen();
        Assert.Equal("b=2", world.Scan());
        Assert.True(world.Put("c", "3") > second, "time does not go back over an open");
    }

    [Fact]
    public void A_reopened_shard_stands_where_it_stood_byte_for_byte()
    {
        using var world = new EngineWorld(keyspace: Forever);
        for (var i = 0; i < 50; i++) world.Put($"k{i % 7}", $"v{i}");
        world.Shard.Tree.Flush();
        for (var i = 0; i < 20; i++) world.Put($"k{i % 7}", $"w{i}");
        var versions = Enumerable.Range(0, 7).Select(i => world.Shard.VersionsOf(Key($"k{i}"))).ToArray();
        var position = world.Shard.Position;
        world.Reopen();
        Assert.True(world.Shard.Position >= position);
        for (var i = 0; i < 7; i++)
        {
            var now = world.Shard.VersionsOf(Key($"k{i}"));
            Assert.Equal(Told(versions[i]), Told(now));
        }
    }

    static IEnumerable<(SystemTime, ValueChange, string)> Told(IReadOnlyList<ValueVersion> versions) =>
        versions.Select(v => (v.Time, v.Change, Convert.ToHexString(v.Value)));

    [Fact]
    public void Conditions_are_asked_of_the_present()
    {
        using var world = new EngineWorld();
        var version = world.Put("a", "1");

        StepBatch With(Action<StepBatch> fill) => world.Commit(fill);
        Assert.Equal(CommitStatus.Refused, With(b => b.Put(Key("a"), Bytes("2"), Precondition.Absent)).Status);
        Assert.Equal(CommitStatus.Refused, With(b => b.Put(Key("x"), Bytes("2"), Precondition.Present)).Status);
        Assert.Equal(CommitStatus.Refused, With(b => b.Put(Key("a"), Bytes("2"), Precondition.AtVersion(new(version.Value - 1)))).Status);
        Assert.Equal(CommitStatus.Refused, With(b => b.Put(Key("x"), Bytes("2"), Precondition.AtVersion(version))).Status);
        Assert.Equal(CommitStatus.Refused, With(b => b.Put(Key("a"), Bytes("2"), Precondition.Holding("2"u8))).Status);
        Assert.Equal("a=1", world.Scan());

        var refused = With(b => b.Put(Key("a"), Bytes("2"), Precondition.AtVersion(SystemTime.None)));
        Assert.Equal((0, StepStatus.ConditionFailed, version), (refused.FailedStep, refused.ResultOf(0).Status, refused.ResultOf(0).Version));

        Assert.Equal(CommitStatus.Committed, With(b => b.Put(Key("x"), Bytes("new"), Precondition.Absent)).Status);
        Assert.Equal(CommitStatus.Committed, With(b => b.Put(Key("y"), Bytes("new"), Precondition.AtVersion(SystemTime.None))).Status);
        Assert.Equal(CommitStatus.Committed, With(b => b.Put(Key("a"), Bytes("2"), Precondition.AtVersion(version))).Status);
        Assert.Equal(CommitStatus.Committed, With(b => b.Delete(Key("a"), Precondition.Holding("2"u8))).Status);
        Assert.Equal("x=new y=new", world.Scan());
    }

    [Fact]
    public void Unchanged_speaks_of_deletes_and_ranges_too()
    {
        using var world = new EngineWorld(keyspace: Forever);
        var before = world.Put("b", "1");
        CommitStatus Key_(string key, SystemTime since) => world.Commit(b => b.Check(Key(key), Precondition.UnchangedSince(since))).Status;
        CommitStatus Range(string start, string end, SystemTime since) => world.Commit(b => b.CheckUnchanged(Key(start), Key(end), since)).Status;

        Assert.Equal(CommitStatus.Committed, Key_("b", before));
        Assert.Equal(CommitStatus.Committed, Range("a", "z", before));
        var deleted = world.Delete("b");
        Assert.Equal(CommitStatus.Refused, Key_("b", before));
        Assert.Equal(CommitStatus.Refused, Range("a", "z", before));
        Assert.Equal(CommitStatus.Committed, Key_("b", deleted));
        Assert.Equal(CommitStatus.Committed, Range("c", "z", before));
        world.Commit(b => b.DeleteRange(Key("c"), Key("d")));
        Assert.Equal(CommitStatus.Refused, Range("c", "z", deleted));
        Assert.Equal(CommitStatus.Refused, Key_("cc", deleted));
        Assert.Equal(CommitStatus.Committed, Range("d", "z", deleted));

        world.Shard.Tree.Flush();
        world.Shard.Tree.CompactAll();
        Assert.Equal(CommitStatus.Refused, Range("a", "z", before));
        Assert.Equal(CommitStatus.Refused, Key_("b", before));
        Assert.Equal(CommitStatus.Committed, Range("d", "z", deleted));
    }

    [Fact]
    public void Deletes_of_ranges_do_not_write_what_was_not_there()
    {
        using var world = new EngineWorld(keyspace: Forever);
        var before = world.Put("b", "1");
        CommitStatus Range(string start, string end) => world.Commit(b => b.CheckUnwritten(Key(start), Key(end), before)).Status;

        world.Commit(b => b.DeleteRange(Key("a"), Key("z")));
        Assert.Equal(CommitStatus.Committed, Range("c", "z"));
        world.Put("c", "1");
        world.Commit(b => b.DeleteRange(Key("a"), Key("z")));
        foreach (var compacts in new[] { false, true })
        {
            if (compacts)
            {
                world.Shard.Tree.Flush();
                world.Shard.Tree.CompactAll();
            }
            Assert.Equal(CommitStatus.Refused, Range("c", "z"));
            Assert.Equal(CommitStatus.Refused, Range("a", "z"));
            Assert.Equal(CommitStatus.Committed, Range("d", "z"));
        }
    }

    [Fact]
    public void What_lies_below_the_floor_is_not_called_unchanged()
    {
        using var world = new EngineWorld();   // no history
        var before = world.Put("a", "1");
        world.Delete("a");
        world.Put("z", "1");
        world.Shard.Tree.Flush();
        world.Shard.Tree.CompactAll();
        Assert.Equal(CommitStatus.Refused, world.Commit(b => b.Check(Key("a"), Precondition.UnchangedSince(before))).Status);
        Assert.Equal(CommitStatus.Refused, world.Commit(b => b.CheckUnchanged(Key("a"), Key("b"), before)).Status);
    }

    [Fact]
    public void Later_steps_see_earlier_ones()
    {
        using var world = new EngineWorld(keyspace: new KeyspaceOptions { MergeOperator = "append" });
        world.Put("gone", "x");
        world.Put("m", "1");
        var batch = world.Commit(b =>
        {
            b.Put(Key("a"), Bytes("1"), Precondition.Absent);
            b.Put(Key("a"), Bytes("2"), Precondition.Holding("1"u8));
            b.Delete(Key("a"), Precondition.Present);
            b.Check(Key("a"), Precondition.Absent);
            b.DeleteRange(Key("g"), Key("h"));
            b.Check(Key("gone"), Precondition.Absent);
            b.Merge(Key("m"), Bytes("2"));
            b.Merge(Key("m"), Bytes("3"));
            b.Check(Key("m"), Precondition.Holding("123"u8));
            b.Put(Key("gone"), Bytes("back"), Precondition.Absent);
            b.Merge(Key("gone"), Bytes("!"));
            b.Check(Key("gone"), Precondition.Holding("back!"u8));
        });
        Assert.Equal(CommitStatus.Committed, batch.Status);
        Assert.Equal("gone=back! m=123", world.Scan());
    }

    [Fact]
    public void All_or_nothing_or_each_for_itself()
    {
        using var world = new EngineWorld();
        var refused = world.Commit(b =>
        {
            b.Put(Key("a"), Bytes("1"));
            b.Put(Key("b"), Bytes("1"), Precondition.Present);
            b.Put(Key("c"), Bytes("1"));
        });
        Assert.Equal((CommitStatus.Refused, 1), (refused.Status, refused.FailedStep));
        Assert.Equal([StepStatus.Done, StepStatus.ConditionFailed, StepStatus.NotRun], Enumerable.Range(0, 3).Select(i => refused.ResultOf(i).Status));
        Assert.Equal("", world.Scan());

        var each = world.Commit(b =>
        {
            b.Policy = CommitPolicy.EachForItself;
            b.Put(Key("a"), Bytes("1"));
            b.Put(Key("b"), Bytes("1"), Precondition.Present);
            b.Call(Counting, Key("n"), Bytes("too long"));
            b.Call(Counting, Key("n"), Bytes("four"));
            b.Call(Counting, Key("n"), Bytes("three"));
        });
        Assert.Equal(CommitStatus.Committed, each.Status);
        Assert.Equal(
            [StepStatus.Done, StepStatus.ConditionFailed, StepStatus.Failed, StepStatus.Done, StepStatus.Done],
            Enumerable.Range(0, 5).Select(i => each.ResultOf(i).Status));
        Assert.Equal(ErrorCode.LimitExceeded, each.ResultOf(2).Code);
        Assert.Equal((4L, 9L), (each.ResultOf(3).Number, each.ResultOf(4).Number));
        Assert.Equal("three"u8.ToArray(), each.BytesOf(4).ToArray());
    }

    [Fact]
    public void A_range_delete_of_a_step_that_fails_takes_nothing_with_it()
    {
        using var world = new EngineWorld();
        var batch = world.Commit(b =>
        {
            b.Policy = CommitPolicy.EachForItself;
            b.Put(Key("a"), Bytes("1"));
            b.Put(Key("b"), Bytes("1"));
            b.Call(new DeleteAllThenFail(), Key("a"), Key("z"));
            b.Check(Key("a"), Precondition.Present);
        });
        Assert.Equal(StepStatus.Failed, batch.ResultOf(2).Status);
        Assert.Equal(StepStatus.Done, batch.ResultOf(3).Status);
        Assert.Equal("a=1 b=1", world.Scan());
    }

    sealed class DeleteAllThenFail : IProcedure
    {
        public string Name => "test.delete-then-fail";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            context.Put(key, "x"u8);
            context.DeleteRange(key, argument);
            Throw.Invalid("no");
        }
    }

    [Fact]
    public void A_repeated_idempotency_key_is_answered_and_not_done_again()
    {
        using var world = new EngineWorld();
        StepBatch Once() => world.Commit(b =>
        {
            b.Note = new CommitNote(Actor: "planner", IdempotencyKey: "req-1");
            b.Namespace = 1;
            b.Call(Counting, Key("n"), Bytes("abc"));
        });
        var first = Once();
        Assert.Equal((CommitStatus.Committed, 3L), (first.Status, first.ResultOf(0).Number));
        var again = Once();
        Assert.Equal((CommitStatus.Repeated, 3L, first.Time), (again.Status, again.ResultOf(0).Number, again.Time));
        Assert.Equal("abc"u8.ToArray(), again.BytesOf(0).ToArray());
        world.Reopen();
        Assert.Equal(CommitStatus.Repeated, Once().Status);

        var other = Assert.Throws<AevumException>(() => world.Commit(b =>
        {
            b.Note = new CommitNote(IdempotencyKey: "req-1");
            b.Namespace = 1;
            b.Put(Key("n"), Bytes("x"));
        }));
        Assert.Equal(ErrorCode.InvalidArgument, other.Code);

        // Another namespace has keys of its own; and after a day the key is free again.
        Assert.Equal(CommitStatus.Committed, world.Commit(b =>
        {
            b.Note = new CommitNote(IdempotencyKey: "req-1");
            b.Namespace = 2;
            b.Put(Key("m"), Bytes("x"));
        }).Status);
        world.Scheduler.RunFor(TimeSpan.FromHours(25));
        world.Shards.Clock.Acknowledge();
        Assert.Equal((CommitStatus.Committed, 6L), (Once() is var later ? later.Status : default, later.ResultOf(0).Number));
    }

    [Fact]
    public void A_note_stands_beside_its_commit()
    {
        using var world = new EngineWorld();
        var time = world.Commit(b =>
        {
            b.Note = new CommitNote("planner", "run 7", "mail", "00-aa-bb-01");
            b.Namespace = 1;
            b.Put(Key("a"), Bytes("1"));
        }).Time;
        var row = world.Shard.Read(CommitNotes.KeyOf(time), ReadView.Present, out _);
        Assert.Equal(new CommitNote("planner", "run 7", "mail", "00-aa-bb-01"), CommitNotes.Decode(row, out var tenant));
        Assert.Equal(1u, tenant);
    }

    [Fact]
    public void Expiry_belongs_to_the_view()
    {
        using var world = new EngineWorld(keyspace: Forever);
        var now = world.Shards.Clock.Now;
        var soon = SystemTime.FromMicroseconds(now.Microseconds + 10_000_000);
        var written = world.Put("a", "1", soon);
        Assert.Equal("1", world.Get("a"));
        Assert.Equal(soon, world.Info("a").Expiry);
        world.Scheduler.RunFor(TimeSpan.FromSeconds(11));
        Assert.Null(world.Get("a"));
        Assert.Equal("", world.Scan());
        Assert.Equal("1", world.Get("a", written));
        Assert.Equal("a=1", world.Scan(new SystemTime(soon.Value - 1)));
        Assert.Null(world.Get("a", soon));
        Assert.Equal(CommitStatus.Committed, world.Commit(b => b.Put(Key("a"), Bytes("2"), Precondition.Absent)).Status);
    }

    [Fact]
    public void A_future_moment_is_refused_and_a_read_moment_never_changes()
    {
        using var world = new EngineWorld(keyspace: Forever);
        world.Put("a", "1");
        var now = world.Shards.Clock.Now;
        var future = SystemTime.FromMicroseconds(now.Microseconds + 1_000_000);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => world.Get("a", future)).Code);
        Assert.Equal("1", world.Get("a", now));
        Assert.True(world.Put("a", "2") > now);
        Assert.Equal("1", world.Get("a", now));
    }

    [Fact]
    public void Below_the_floor_history_is_refused()
    {
        using var world = new EngineWorld();
        var first = world.Put("a", "1");
        world.Put("a", "2");
        Assert.Throws<HistoryUnavailableException>(() => world.Get("a", first));
    }

    [Fact]
    public void A_merge_without_an_operator_is_refused()
    {
        using var world = new EngineWorld();
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => world.Commit(b => b.Merge(Key("a"), Bytes("1")))).Code);
        Assert.Equal(StepStatus.Failed, world.Commit(b =>
        {
            b.Check(Key("a"), Precondition.Absent);
            b.Merge(Key("a"), Bytes("1"));
        }).ResultOf(1).Status);
        Assert.Equal("", world.Scan());
    }

    [Fact]
    public void A_group_is_decided_in_order_and_seen_together()
    {
        using var world = new EngineWorld(options: new EngineOptions { Sync = SyncPolicy.Always });
        var group = Enumerable.Range(1, 20).Select(_ =>
        {
            var batch = new StepBatch();
            batch.Call(Counting, Key("n"), Bytes("a"));
            return batch;
        }).ToArray();
        world.Shard.CommitGroup(group);
        Assert.Equal(Enumerable.Range(1, 20).Select(i => (long)i), group.Select(b => b.ResultOf(0).Number));
        Assert.True(group.Zip(group.Skip(1)).All(pair => pair.First.Time < pair.Second.Time));
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(50_000_000, 5)]
    public void Times_pass_every_ceiling(int batches, int seconds)
    {
        var files = new FaultyFileSystem(1);
        var clock = new HybridClockOptions { CeilingSpan = TimeSpan.FromMilliseconds(50) };
        using var world = new EngineWorld(files: files, options: new EngineOptions { Clock = clock });
        var before = world.Put("a", "1");
        for (var i = 0; i < Math.Min(batches, 200); i++)
        {
            world.Scheduler.RunFor(TimeSpan.FromMilliseconds(seconds * 10));
            var next = world.Put("a", "1");
            Assert.True(next > before && next <= world.Shards.Clock.Ceiling);
            before = next;
        }
        var ceiling = world.Shards.Clock.Ceiling;
        var left = files.KillProcess();
        world.Close();
        world.Files = left;
        world.Open();
        Assert.True(world.Put("a", "1") > ceiling, "a new owner starts above the ceiling");
    }

    [Fact]
    public void After_a_clean_close_time_goes_on_where_the_wall_clock_is()
    {
        using var world = new EngineWorld();
        world.Put("a", "1");
        var read = world.Shards.TakeNow();
        world.Reopen();
        var wall = SystemTime.AtOrBefore(world.Scheduler.Time.GetUtcNow()).Microseconds;
        var next = world.Put("a", "2");
        Assert.True(next > read);
        Assert.InRange(next.Microseconds, wall, wall + 1_000);
    }
}
