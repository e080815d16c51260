using System.Buffers;
using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.History;
using Aevum.Model.Keyspace;
using Aevum.Storage.Log;
using static Aevum.Engine.Tests.EngineWorld;
using static Aevum.Engine.Tests.Streams.Telling;

namespace Aevum.Engine.Tests.Streams;

/// <summary>The rules, one by one.</summary>
public sealed class SubscriptionTests
{
    static readonly StreamRange All = StreamRange.Of(Default);
    static readonly KeyspaceOptions Appending = new() { MergeOperator = "append" };
    static readonly KeyspaceOptions AppendingForever = new() { MergeOperator = "append", History = HistoryPolicy.Forever };

    static StreamRange Prefix(string prefix) => StreamRange.Of(Default, Bytes(prefix));

    static ErrorCode CodeOf(Action action) => Assert.ThrowsAny<AevumException>(action).Code;

    [Fact]
    public void What_comes_after_now_comes_in_order()
    {
        using var world = new EngineWorld(keyspace: Appending);
        world.Put("a", "old");
        using var all = world.Shard.Subscribe(All, StreamStart.Now);
        Assert.Equal("", DrainLine(all));
        var first = world.Put("a", "1", SystemTime.FromMicroseconds(SystemTime.MicrosecondsMax));
        world.Commit(b =>
        {
            b.Put(Key("b"), Bytes("2"));
            b.Merge(Key("b"), Bytes("3"));
            b.Delete(Key("a"));
            b.DeleteRange(Key("c"), Key("d"));
        });
        Assert.True(all.TryNext(out var batch));
        Assert.Equal((AppliedKind.Committed, 1u, first, 1), (batch.Kind, batch.Shard, batch.Time, batch.Count));
        Assert.Equal(world.Shard.Position - 1, batch.Position);
        var effects = batch.GetEnumerator();
        Assert.True(effects.MoveNext());
        Assert.Equal(SystemTime.FromMicroseconds(SystemTime.MicrosecondsMax), effects.Current.Expiry);
        Assert.False(effects.MoveNext());
        Assert.Equal("b=2 b+3 -a -[c,d)", DrainLine(all));
        Assert.False(all.TryNext(out _));
    }

    [Fact]
    public void A_range_sees_its_part_of_a_batch_and_nothing_of_others()
    {
        using var world = new EngineWorld();
        using var part = world.Shard.Subscribe(StreamRange.Between(Key("b"), Key("d")), StreamStart.Now);
        world.Commit(b =>
        {
            foreach (var key in (string[])["a", "b", "bb", "d", "c", "e"]) b.Put(Key(key), Bytes("1"));
        });
        world.Put("a", "2");
        world.Commit(b => b.DeleteRange(Key("a"), Key("bb")));
        world.Commit(b => b.DeleteRange(Key("c"), Key("x")));
        world.Commit(b => b.DeleteRange(Key("a"), Key("x")));
        world.Commit(b => b.DeleteRange(Key("bx"), Key("c")));
        world.Commit(b => b.DeleteRange(Key("a"), Key("b")));
        world.Commit(b => b.DeleteRange(Key("d"), Key("e")));
        Assert.Equal("b=1 bb=1 c=1 | -[b,bb) | -[c,d) | -[b,d) | -[bx,c)", DrainLine(part));
        Assert.Equal(world.Shard.Position, part.Token.Positions[0].Position);
        Assert.Equal(0, part.Behind);
    }

    [Fact]
    public void A_snapshot_comes_first_and_fits_what_follows()
    {
        using var world = new EngineWorld(keyspace: Appending);
        var now = world.Shards.Clock.Now;
        world.Put("a1", "x", SystemTime.FromMicroseconds(now.Microseconds + 1_000_000));
        var version = world.Put("a2", "y");
        world.Commit(b => b.Merge(Key("a2"), Bytes("z")));
        world.Shard.Tree.Flush();
        world.Put("a3", "z");
        world.Put("b", "1");
        world.Scheduler.RunFor(TimeSpan.FromSeconds(2));   // a1 expires
        using var sub = world.Shard.Subscribe(Prefix("a"), StreamStart.Snapshot);
        var position = world.Shard.Position;
        world.Put("a2", "late");
        world.Commit(b => b.Put(Key("a4"), Bytes("later")));

        Assert.True(sub.IsInSnapshot);
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => _ = sub.Token));
        Assert.True(sub.TryNext(out var row));
        Assert.Equal(("row a2=yz", AppliedKind.SnapshotRow), (Tell(row), row.Kind));
        Assert.True(row.Time > version);
        Assert.True(sub.TryNext(out row));
        Assert.Equal("row a3=z", Tell(row));
        Assert.True(sub.TryNext(out var end));
        Assert.Equal((AppliedKind.SnapshotEnd, 0, position), (end.Kind, end.Count, end.Position));
        Assert.False(sub.IsInSnapshot);
        Assert.Equal(position, sub.Token.Positions[0].Position);
        Assert.Equal("a2=late | a4=later", DrainLine(sub));
    }

    [Fact]
    public void A_snapshot_of_much_comes_whole_although_everything_changes_meanwhile()
    {
        using var world = new EngineWorld();   // no history
        for (var i = 0; i < 5000; i++) world.Put($"k{i:d5}", new string((char)('a' + (i % 26)), 50));
        using var sub = world.Shard.Subscribe(All, StreamStart.Snapshot);
        var expected = world.Scan();
        var rows = new List<string>();
        while (sub.TryNext(out var row) && row.Kind == AppliedKind.SnapshotRow)
        {
            rows.Add(Tell(row)[4..]);
            if (rows.Count % 1000 != 1) continue;
            world.Commit(b => b.DeleteRange(Key("k"), Key("l")));
            world.Shard.Tree.Flush();
            world.Shard.Tree.CompactAll();
        }
        Assert.Equal(expected, string.Join(' ', rows));
        Assert.Equal(5, Drain(sub).Count);
        // And lets go: the floor follows again.
        var floor = world.Shard.HistoryFloorOf(Key("k"));
        Assert.Equal(world.Shard.Tree.VisibleTime, floor);
    }

    [Fact]
    public void History_is_let_go_of_by_who_leaves_inside_a_snapshot()
    {
        using var world = new EngineWorld();
        for (var i = 0; i < 2000; i++) world.Put($"a{i}", "1");   // more than is read at a time
        var sub = world.Shard.Subscribe(All, StreamStart.Snapshot);
        Assert.True(sub.TryNext(out _));
        world.Put("a", "2");
        Assert.True(world.Shard.HistoryFloorOf(Key("a")) < world.Shard.Tree.VisibleTime);
        sub.Dispose();
        Assert.Equal(world.Shard.Tree.VisibleTime, world.Shard.HistoryFloorOf(Key("a")));
    }

    [Fact]
    public void A_note_comes_with_its_batch()
    {
        using var world = new EngineWorld();
        using var sub = world.Shard.Subscribe(All, StreamStart.Now);
        world.Commit(b =>
        {
            b.Note = new CommitNote("planner", Run: "run 7");
            b.Namespace = 1;
            b.Put(Key("a"), Bytes("1"));
        });
        world.Put("b", "2");
        Assert.True(sub.TryNext(out var batch));
        Assert.Equal(("a=1", new CommitNote("planner", Run: "run 7")), (Tell(batch), batch.ReadNote()));
        Assert.True(sub.TryNext(out batch));
        Assert.Null(batch.ReadNote());

        // Whoever follows the notes themselves gets them as rows too.
        using var notes = world.Shard.Subscribe(StreamRange.Of(SystemKeyspaces.Notes), StreamStart.Snapshot);
        Assert.True(notes.TryNext(out var row));
        Assert.Equal(AppliedKind.SnapshotRow, row.Kind);
        Assert.Equal(row.Time, CommitNotes.TimeOf(row.Row.Key));
    }

    [Fact]
    public void A_token_goes_on_where_it_was_taken_also_over_an_open()
    {
        using var world = new EngineWorld();
        var sub = world.Shard.Subscribe(Prefix("a"), StreamStart.Now);
        var token = sub.Token;
        world.Put("a", "1");
        world.Put("b", "1");
        world.Put("a", "2");
        sub.Dispose();
        var text = token.ToString();
        world.Reopen();
        world.Put("a", "3");
        using var again = world.Shard.Subscribe(Prefix("a"), StreamStart.After(StreamToken.Parse(text)));
        Assert.Equal("a=1 | a=2 | a=3", DrainLine(again));
        world.Put("b", "2");
        Assert.Equal("", DrainLine(again));
        using var third = world.Shard.Subscribe(Prefix("a"), StreamStart.After(again.Token));
        Assert.Equal(world.Shard.Position, third.Token.Positions[0].Position);
        Assert.Equal("", DrainLine(third));
        using var other = world.Shard.Subscribe(Prefix("b"), StreamStart.After(token));
        Assert.Equal("b=1 | b=2", DrainLine(other));
    }

    [Fact]
    public void From_the_very_beginning()
    {
        using var world = new EngineWorld();
        world.Put("a", "1");
        world.Reopen();
        world.Put("a", "2");
        using var sub = world.Shard.Subscribe(All, StreamStart.After(new StreamToken(new StreamPosition(1, 0))));
        Assert.Equal("a=1 | a=2", DrainLine(sub));
    }

    [Fact]
    public void A_token_that_does_not_fit_is_refused()
    {
        using var world = new EngineWorld();
        world.Put("a", "1");
        world.Put("a", "2");
        ulong epoch;
        using (var here = world.Shard.Subscribe(All, StreamStart.Now)) epoch = here.Token.Positions[0].Epoch;
        Assert.NotEqual(0u, epoch);
        world.Put("a", "3");
        var last = world.Shard.Position;
        ErrorCode With(params StreamPosition[] positions) =>
            CodeOf(() => world.Shard.Subscribe(All, StreamStart.After(new StreamToken(positions))));

        Assert.Equal(ErrorCode.InvalidArgument, With(new StreamPosition(1, last + 1)));
        Assert.Equal(ErrorCode.InvalidArgument, With(new StreamPosition(2, 1)));
        Assert.Equal(ErrorCode.InvalidArgument, With(new StreamPosition(1, last - 1, epoch + 1)));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => world.Shard.Subscribe(All, new StreamStart(StreamStartKind.After))));
        using var fits = world.Shard.Subscribe(All, StreamStart.After(new StreamToken(new StreamPosition(1, last - 1, epoch))));
        Assert.Equal("a=3", DrainLine(fits));
    }

    [Fact]
    public void A_token_of_what_a_power_cut_took_is_refused_although_the_same_was_done_again()
    {
        var files = new FaultyFileSystem(5);
        using var world = new EngineWorld(files: files);
        world.Shards.Flush();
        files.Plan.WriteBackProbability = 0;
        world.Reopen();
        world.Put("a", "1");
        string token;
        using (var sub = world.Shard.Subscribe(All, StreamStart.Now)) token = sub.Token.ToString();
        var lost = world.Shard.Position;
        world.Files = files.PowerCut(PowerCutMode.LoseUnsynced);
        world.Close();
        world.Open();
        ErrorCode Resume() => CodeOf(() => world.Shard.Subscribe(All, StreamStart.After(StreamToken.Parse(token))));
        Assert.True(world.Shard.Position < lost);
        Assert.Equal(ErrorCode.InvalidArgument, Resume());
        while (world.Shard.Position < lost + 5) world.Put("a", "1");
        Assert.Equal(ErrorCode.InvalidArgument, Resume());
    }

    [Fact]
    public void Who_falls_behind_what_is_kept_lags_and_who_comes_back_too_late_is_told_that_it_is_compacted()
    {
        using var world = new EngineWorld(options: new EngineOptions { FeedLogBytes = 0 });
        world.Put("a", "0");
        world.Scheduler.RunUntilIdle();   // the clock's ceiling is written in the background
        using var slow = world.Shard.Subscribe(All, StreamStart.Now);
        var token = slow.Token;
        world.Put("a", "1");
        world.Put("a", "2");
        Assert.True(slow.TryNext(out _));
        world.Put("a", "3");
        world.Shard.Tree.Flush();
        var first = world.Shard.LogStream.FirstPosition;
        Assert.Equal(world.Shard.Position + 1, first);

        // What was read already is still given.
        Assert.True(slow.TryNext(out var batch));
        Assert.Equal("a=2", Tell(batch));
        for (var i = 0; i < 2; i++)
        {
            var lagging = Assert.Throws<AevumException>(() => slow.TryNext(out _));
            Assert.Equal(ErrorCode.Lagging, lagging.Code);
            Assert.Contains($"first one left is {first}", lagging.Message, StringComparison.Ordinal);
        }
        var compacted = Assert.Throws<AevumException>(() => world.Shard.Subscribe(All, StreamStart.After(token)));
        Assert.Equal(ErrorCode.Compacted, compacted.Code);
        Assert.Contains($"first one left is {first}", compacted.Message, StringComparison.Ordinal);

        // At the end of a stream whose log is gone one may stand, and go on.
        using var fresh = world.Shard.Subscribe(All, StreamStart.Now);
        var end = fresh.Token;
        Assert.Equal(first - 1, end.Positions[0].Position);
        world.Put("a", "4");
        using var resumed = world.Shard.Subscribe(All, StreamStart.After(end));
        Assert.Equal("a=4", DrainLine(fresh));
        Assert.Equal("a=4", DrainLine(resumed));
    }

    [Fact]
    public void The_last_stretch_of_the_log_is_kept_for_subscribers()
    {
        const int kept = 512 << 10;
        using var world = new EngineWorld(options: new EngineOptions { FeedLogBytes = kept, LogSegmentBytes = 128 << 10 });
        var sizes = new List<(ulong Position, long Bytes)>();
        long total = 0;
        for (var i = 0; i < 2000; i++)
        {
            var value = new string('x', 1000);
            world.Put($"k{i % 10}", value);
            sizes.Add((world.Shard.Position, total += 1000));
            if (i % 100 == 99) world.Shard.Tree.Flush();
        }
        world.Scheduler.RunUntilIdle();
        var first = world.Shard.LogStream.FirstPosition;
        var before = sizes.Where(s => s.Position < first).Select(s => s.Bytes).Max();
        Assert.True(total - before >= kept - (128 << 10), $"{total - before} bytes are kept");
        Assert.True(total - before <= kept + (128 << 10), $"{total - before} bytes are kept");
        using var back = world.Shard.Subscribe(All, StreamStart.After(new StreamToken(new StreamPosition(1, first - 1))));
        Assert.Equal(sizes.Count(s => s.Position >= first), Drain(back).Count);
    }

    [Fact]
    public void A_stalled_subscriber_keeps_no_log()
    {
        using var world = new EngineWorld(options: new EngineOptions { FeedLogBytes = 0, LogSegmentBytes = 64 << 10, LogBytesMax = 1 << 20 });
        using var stalled = world.Shard.Subscribe(All, StreamStart.Now);
        world.Put("k", "first");
        Assert.True(stalled.TryNext(out _));
        for (var i = 0; i < 1000; i++)
        {
            world.Put($"k{i % 10}", new string('x', 4000));
            if (i % 50 == 49) world.Shard.Tree.Flush();
        }
        world.Scheduler.RunUntilIdle();
        var bytes = world.Files.ListFiles("db/log").Sum(f => world.Files.FileLength("db/log/" + f));
        Assert.True(bytes < 1 << 20, $"{bytes} bytes of log are there");
        Assert.Equal(ErrorCode.Lagging, CodeOf(() => stalled.TryNext(out _)));
    }

    [Fact]
    public void Under_always_only_what_is_durable_is_given()
    {
        using var world = new EngineWorld(options: new EngineOptions { Sync = SyncPolicy.Always });
        world.Put("a", "0");
        using var sub = world.Shard.Subscribe(All, StreamStart.Now);
        world.Put("b", "1");   // shown, and not yet read: what stands behind it in the log must not come along
        // Decided, appended and applied; the acknowledgement is awaited elsewhere.
        var batch = new StepBatch();
        batch.Put(Key("a"), Bytes("1"));
        var commit = world.Shard.CommitAsync(batch).AsTask();
        Assert.False(commit.IsCompleted);
        Assert.Equal("a=0 b=1", world.Scan());
        Assert.Equal("b=1", DrainLine(sub));
        Assert.Equal("", DrainLine(sub));
        world.Scheduler.RunUntilIdle();
        Assert.True(SpinWait.SpinUntil(() => commit.IsCompleted, 10_000));
        Assert.Equal("a=1 b=1", world.Scan());
        Assert.Equal("a=1", DrainLine(sub));
    }

    [Fact]
    public void Under_always_a_snapshot_waits_for_what_was_decided()
    {
        using var world = new EngineWorld(options: new EngineOptions { Sync = SyncPolicy.Always });
        var batch = new StepBatch();
        batch.Put(Key("a"), Bytes("1"));
        var commit = world.Shard.CommitAsync(batch).AsTask();
        using var sub = world.Shard.Subscribe(All, StreamStart.Snapshot);
        using var now = world.Shard.Subscribe(All, StreamStart.Now);
        world.Put("b", "2");
        Assert.Equal("row a=1 | end | b=2", DrainLine(sub));
        Assert.Equal("b=2", DrainLine(now));
        world.Scheduler.RunUntilIdle();
        Assert.True(SpinWait.SpinUntil(() => commit.IsCompleted, 10_000));
    }

    [Fact]
    public void Merges_can_be_read_as_what_they_made()
    {
        using var world = new EngineWorld(keyspace: AppendingForever);
        using var sub = world.Shard.Subscribe(All, StreamStart.Now);
        string? Behind(string key)
        {
            var value = new ArrayBufferWriter<byte>();
            Assert.True(sub.TryReadBehind(Key(key), value, out var exists));
            return exists ? Encoding.UTF8.GetString(value.WrittenSpan) : null;
        }

        world.Commit(b => b.Merge(Key("m"), Bytes("1")));
        world.Commit(b => b.Merge(Key("m"), Bytes("2")));
        world.Delete("m");
        Assert.True(sub.TryNext(out _));
        Assert.Equal("1", Behind("m"));
        Assert.True(sub.TryNext(out _));
        Assert.Equal("12", Behind("m"));
        Assert.Null(Behind("never"));
        Assert.True(sub.TryNext(out _));
        Assert.Null(Behind("m"));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => sub.TryReadBehind([1], new ArrayBufferWriter<byte>(), out _)));
    }

    [Fact]
    public void Without_history_what_merges_made_is_known_until_the_key_is_written_again()
    {
        using var world = new EngineWorld(keyspace: Appending);
        using var sub = world.Shard.Subscribe(All, StreamStart.Now);
        var value = new ArrayBufferWriter<byte>();
        world.Commit(b => b.Merge(Key("m"), Bytes("1")));
        world.Put("other", "x");
        Assert.True(sub.TryNext(out _));
        Assert.True(sub.TryReadBehind(Key("m"), value, out var exists) && exists);
        Assert.Equal("1", Encoding.UTF8.GetString(value.WrittenSpan));
        world.Commit(b => b.Merge(Key("m"), Bytes("2")));
        Assert.False(sub.TryReadBehind(Key("m"), value, out exists));

        // Nor when nothing of the key is left at all.
        world.Delete("m");
        world.Shard.Tree.Flush();
        world.Shard.Tree.CompactAll();
        Assert.Equal(SystemTime.None, world.Shard.Tree.NewestVersionOf(Key("m")));
        Assert.False(sub.TryReadBehind(Key("m"), value, out exists));
    }

    [Fact]
    public void Long_stretches_that_touch_nothing_are_passed_in_pieces()
    {
        using var world = new EngineWorld();
        using var sub = world.Shard.Subscribe(Prefix("a"), StreamStart.Now);
        for (var i = 0; i < 30; i++) world.Put("b", new string('x', 100_000));
        world.Put("a", "1");
        var looks = 0;
        while (!sub.TryNext(out _))
        {
            looks++;
            Assert.True(sub.Wait(TimeSpan.Zero), "there is more to look at");
        }
        Assert.InRange(looks, 2, 4);
        Assert.Equal(0, sub.Behind);
        Assert.False(sub.Wait(TimeSpan.Zero));
    }

    [Fact]
    public void Closing_the_shards_or_the_subscription_ends_it()
    {
        using var world = new EngineWorld();
        for (var i = 0; i < 2000; i++) world.Put($"a{i}", "1");   // more than is read at a time
        var open = world.Shard.Subscribe(All, StreamStart.Now);
        var inSnapshot = world.Shard.Subscribe(All, StreamStart.Snapshot);
        Assert.True(inSnapshot.TryNext(out _));
        var disposed = world.Shard.Subscribe(All, StreamStart.Snapshot);
        disposed.Dispose();
        disposed.Dispose();
        Assert.Equal(ErrorCode.Closed, CodeOf(() => disposed.TryNext(out _)));
        Assert.Equal(ErrorCode.Closed, CodeOf(() => disposed.Wait(TimeSpan.Zero)));

        AevumException? ended = null;
        var waiter = world.Scheduler.Start("waiter", Core.Scheduling.WorkClass.Background, async _ =>
        {
            try
            {
                while (true)
                {
                    await open.WaitAsync(CancellationToken.None);
                    while (open.TryNext(out AppliedBatch _)) { }
                }
            }
            catch (AevumException closed)
            {
                ended = closed;
            }
        });
        world.Scheduler.RunUntilIdle();
        Assert.False(waiter.IsCompleted);
        var shard = world.Shard;
        world.Shards.Dispose();
        waiter.Wait();
        Assert.Equal(ErrorCode.Closed, ended?.Code);
        foreach (var sub in (ISubscription[])[open, inSnapshot])
        {
            Assert.Equal(ErrorCode.Closed, CodeOf(() => sub.TryNext(out _)));
            Assert.Equal(ErrorCode.Closed, CodeOf(() => sub.Wait()));
            sub.Dispose();
            sub.Dispose();
        }
        Assert.Equal(ErrorCode.Closed, CodeOf(() => shard.Subscribe(All, StreamStart.Now)));
    }

    [Fact]
    public void Disposing_ends_a_wait()
    {
        using var world = new EngineWorld();
        var sub = world.Shard.Subscribe(All, StreamStart.Now);
        ErrorCode? ended = null;
        var waiter = world.Scheduler.Start("waiter", Core.Scheduling.WorkClass.Background, _ =>
        {
            Assert.False(sub.TryNext(out AppliedBatch _));
            ended = CodeOf(() => sub.Wait());
            return Task.CompletedTask;
        });
        world.Scheduler.RunUntilIdle();
        Assert.False(waiter.IsCompleted);
        sub.Dispose();
        waiter.Wait();
        Assert.Null(waiter.Failure);
        Assert.Equal(ErrorCode.Closed, ended);
    }

    [Fact]
    public void A_cancelled_wait_leaves_the_subscription_usable()
    {
        using var world = new EngineWorld();
        world.Scheduler.RunUntilIdle();   // the clock's ceiling is written in the background
        using var sub = world.Shard.Subscribe(All, StreamStart.Now);
        Assert.False(sub.TryNext(out _));
        using var cancel = new CancellationTokenSource();
        var waiter = world.Scheduler.Start("waiter", Core.Scheduling.WorkClass.Background, async _ =>
            await Assert.ThrowsAsync<OperationCanceledException>(async () => await sub.WaitAsync(cancel.Token)));
        world.Scheduler.RunUntilIdle();
        Assert.Null(waiter.Failure);
        Assert.False(waiter.IsCompleted);
        cancel.Cancel();
        waiter.Wait();
        Assert.Null(waiter.Failure);
        Assert.True(sub.WaitAsync(cancel.Token).AsTask().IsCanceled);
        world.Put("a", "1");
        Assert.Equal("a=1", DrainLine(sub));
    }

    [Fact]
    public void An_asynchronous_loop_gives_copies_with_tokens()
    {
        using var world = new EngineWorld();
        world.Put("a", "1");
        using var sub = world.Shard.Subscribe(All, StreamStart.Snapshot);
        var copies = new List<AppliedCopy>();
        var reader = world.Scheduler.Start("reader", Core.Scheduling.WorkClass.Background, async cancellation =>
        {
            await foreach (var copy in sub.ReadAllAsync(cancellation))
            {
                copies.Add(copy);
                if (copies.Count == 4) break;
            }
        });
        world.Scheduler.RunUntilIdle();
        world.Put("b", "2");
        world.Scheduler.RunUntilIdle();
        world.Commit(b =>
        {
            b.Note = new CommitNote("me");
            b.Delete(Key("a"));
        });
        reader.Wait();
        Assert.Null(reader.Failure);
        Assert.Equal([AppliedKind.SnapshotRow, AppliedKind.SnapshotEnd, AppliedKind.Committed, AppliedKind.Committed], copies.Select(c => c.Kind));
        Assert.Null(copies[0].Token);
        Assert.Equal("me", copies[3].Note?.Actor);
        Assert.Equal(EffectKind.Delete, copies[3].Effects.Single().Kind);
        using var again = world.Shard.Subscribe(All, StreamStart.After(copies[2].Token!));
        Assert.Equal("-a", DrainLine(again));
    }
}
