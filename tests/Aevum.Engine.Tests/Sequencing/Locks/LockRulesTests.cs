// The rules of LockLedger and the ways in which a wait ends, one by one, on simulated time.

using Aevum.Core.Errors;
using Aevum.Engine.Sequencing.Locks;
using static Aevum.Engine.Sequencing.Locks.LockMode;

namespace Aevum.Engine.Tests.Sequencing.Locks;

public sealed class LockRulesTests : IDisposable
{
    readonly LockWorld _world = new();

    LockTable Table => _world.Table;

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(Shared, Shared, true)]
    [InlineData(Shared, Exclusive, false)]
    [InlineData(Exclusive, Shared, false)]
    [InlineData(Exclusive, Exclusive, false)]
    public void Only_shared_goes_with_shared(LockMode held, LockMode asked, bool goes)
    {
        _world.Take(_world.Owner(1), "k", held);
        Assert.Equal(goes, Table.TryAcquire(_world.Owner(2), "k"u8, asked));
        Assert.True(Table.TryAcquire(_world.Owner(3), "other"u8, asked));
        Assert.Equal(goes, _world.Ask(_world.Owner(4), "k", asked).IsGranted);
    }

    [Fact]
    public void Who_holds_a_key_may_ask_again()
    {
        var owner = _world.Owner(1);
        _world.Take(owner, "k", Shared);
        _world.Take(owner, "k", Shared);
        Assert.Equal((1, 1), (owner.LockCount, owner.Mark.Value));
        Assert.Equal(Shared, Table.ModeOf(owner, "k"u8));
        _world.Take(owner, "k", Exclusive);
        _world.Take(owner, "k", Shared);
        Assert.Equal(Exclusive, Table.ModeOf(owner, "k"u8));
        Assert.Equal((1, 2), (owner.LockCount, owner.Mark.Value));
        Table.ReleaseAll(owner);
        Assert.Null(Table.ModeOf(owner, "k"u8));
        Assert.Equal("", _world.Show());
    }

    [Fact]
    public void First_come_first_served_and_readers_go_together()
    {
        var (a, b, c, d, e) = (_world.Owner(1), _world.Owner(2), _world.Owner(3), _world.Owner(4), _world.Owner(5));
        _world.Take(a, "k", Shared);
        var writer = _world.Ask(b, "k", Exclusive);
        var reader1 = _world.Ask(c, "k", Shared);
        var reader2 = _world.Ask(d, "k", Shared, blocking: true);
        var writer2 = _world.Ask(e, "k", Exclusive, blocking: true);
        Assert.False(Table.TryAcquire(_world.Owner(6), "k"u8, Shared));
        Assert.Equal("k: (1, Shared) | (2, Exclusive, False) (3, Shared, False) (4, Shared, False) (5, Exclusive, False)", _world.Show());
        _world.ReleaseAll(a);
        Assert.True(writer.IsGranted && reader1.IsWaiting && reader2.IsWaiting);
        _world.ReleaseAll(b);
        Assert.True(reader1.IsGranted && reader2.IsGranted && writer2.IsWaiting);
        _world.ReleaseAll(c);
        Assert.True(writer2.IsWaiting);
        _world.ReleaseAll(d);
        Assert.True(writer2.IsGranted);
        _world.ReleaseAll(e);
        Assert.Equal("", _world.Show());
    }

    [Fact]
    public void An_upgrade_goes_before_all_that_wait()
    {
        var (a, b, c) = (_world.Owner(1), _world.Owner(2), _world.Owner(3));
        _world.Take(a, "k", Shared);
        _world.Take(b, "k", Shared);
        var writer = _world.Ask(c, "k", Exclusive);
        var upgrade = _world.Ask(a, "k", Exclusive);
        Assert.Equal("k: (1, Shared) (2, Shared) | (1, Exclusive, True) (3, Exclusive, False)", _world.Show());
        _world.ReleaseAll(b);
        Assert.True(upgrade.IsGranted && writer.IsWaiting);
        _world.ReleaseAll(a);
        Assert.True(writer.IsGranted);
    }

    [Fact]
    public void An_upgrade_of_the_only_holder_waits_for_nobody()
    {
        var (a, b) = (_world.Owner(1), _world.Owner(2));
        _world.Take(a, "k", Shared);
        var writer = _world.Ask(b, "k", Exclusive);
        _world.Take(a, "k", Exclusive);
        Assert.True(writer.IsWaiting);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Two_upgrades_are_a_circle_and_the_younger_gives_way(bool olderAsksFirst)
    {
        var (old, young) = (_world.Owner(1), _world.Owner(2));
        _world.Take(old, "k", Shared);
        _world.Take(young, "k", Shared);
        var first = _world.Ask(olderAsksFirst ? old : young, "k", Exclusive);
        Assert.True(first.IsWaiting);
        var second = _world.Ask(olderAsksFirst ? young : old, "k", Exclusive);
        var (victim, winner) = olderAsksFirst ? (second, first) : (first, second);
        Assert.Equal(ErrorCode.Deadlock, victim.Code);
        Assert.True(young.IsVictim && !old.IsVictim);
        Assert.True(winner.IsWaiting);
        Assert.Contains("transaction 2 gave way as the youngest of 2", victim.Failure!.Message, StringComparison.Ordinal);
        _world.ReleaseAll(young);
        Assert.True(winner.IsGranted && !young.IsVictim);
    }

    [Theory, InlineData(3), InlineData(4), InlineData(20)]
    public void A_circle_costs_its_youngest_the_wait_wherever_it_stands(int count)
    {
        for (var closing = 0; closing < count; closing++)
        {
            using var world = new LockWorld();
            var owners = Enumerable.Range(0, count).Select(i => world.Owner((ulong)i)).ToArray();
            for (var i = 0; i < count; i++) world.Take(owners[i], $"k{i}", i % 2 == 0 ? Shared : Exclusive);
            var waits = new LockWorld.Asked[count];
            for (var i = 0; i < count; i++)
            {
                var who = (closing + 1 + i) % count;
                Assert.DoesNotContain(owners, o => o.IsVictim);
                waits[who] = world.Ask(owners[who], $"k{(who + 1) % count}", Exclusive, blocking: i % 3 == 0);
            }
            Assert.Equal([owners[^1]], owners.Where(o => o.IsVictim));
            Assert.Equal(ErrorCode.Deadlock, waits[^1].Code);
            Assert.Equal(count - 1, waits.Count(w => w.IsWaiting));
            for (var i = count - 1; i >= 0; i--)
            {
                world.ReleaseAll(owners[i]);
                Assert.True(i == 0 || waits[i - 1].IsGranted);
            }
            Assert.Equal((0, 1), (world.Table.Statistics.Held, world.Table.Statistics.Deadlocks));
        }
    }

    [Fact]
    public void One_request_may_close_several_circles()
    {
        // Both younger ones hold what the oldest wants, and wait for what it holds.
        var (a, b, c) = (_world.Owner(1), _world.Owner(2), _world.Owner(3));
        _world.Take(a, "own", Exclusive);
        _world.Take(b, "wanted", Shared);
        _world.Take(c, "wanted", Shared);
        var waitB = _world.Ask(b, "own", Shared);
        var waitC = _world.Ask(c, "own", Shared);
        var waitA = _world.Ask(a, "wanted", Exclusive);
        Assert.Equal((ErrorCode.Deadlock, ErrorCode.Deadlock), (waitB.Code!.Value, waitC.Code!.Value));
        Assert.Equal(2, Table.Statistics.Deadlocks);
        _world.ReleaseAll(b);
        Assert.True(waitA.IsWaiting);
        _world.ReleaseAll(c);
        Assert.True(waitA.IsGranted);
    }

    [Fact]
    public void A_search_leaves_nothing_behind()
    {
        // start -> middle -> holder: what a search notes down must not tie them together when it has ended.
        var (holder, middle, start) = (_world.Owner(1), _world.Owner(2), _world.Owner(3));
        _world.Take(holder, "a", Exclusive);
        _world.Take(middle, "b", Exclusive);
        _world.Take(start, "c", Exclusive);
        _world.Ask(middle, "a", Exclusive);
        Assert.True(_world.Ask(start, "b", Exclusive).IsWaiting);
        Assert.All([holder, middle, start], owner => Assert.Null(owner.ReachedFrom));
        Assert.True(holder.ReachedStamp > 0 && holder.ReachedStamp == start.ReachedStamp);
        Assert.True(_world.Ask(holder, "c", Exclusive).IsWaiting);
        Assert.All([holder, middle, start], owner => Assert.Null(owner.ReachedFrom));
        Assert.True(start.IsVictim);
    }

    [Fact]
    public void A_circle_may_lead_through_a_place_in_a_queue()
    {
        // The reader waits behind the writer, not for a holder: holder -> reader -> writer -> holder.
        var (holder, writer, reader) = (_world.Owner(3), _world.Owner(2), _world.Owner(1));
        _world.Take(holder, "k", Shared);
        _world.Take(reader, "other", Exclusive);
        var waitWriter = _world.Ask(writer, "k", Exclusive);
        var waitReader = _world.Ask(reader, "k", Shared);
        var waitHolder = _world.Ask(holder, "other", Shared);
        Assert.Equal(ErrorCode.Deadlock, waitHolder.Code);
        Assert.True(waitWriter.IsWaiting && waitReader.IsWaiting);
        _world.ReleaseAll(holder);
        _world.ReleaseAll(writer);
        Assert.True(waitReader.IsGranted);
    }

    [Fact]
    public void A_victim_before_the_one_who_asks_may_let_it_in_at_once()
    {
        var (old, writer, holder) = (_world.Owner(1), _world.Owner(9), _world.Owner(2));
        _world.Take(holder, "k", Shared);
        _world.Take(old, "other", Exclusive);
        var waitHolder = _world.Ask(holder, "other", Shared);
        _world.Take(writer, "third", Exclusive);
        var waitWriter = _world.Ask(writer, "k", Exclusive);
        // holder -> old -> writer -> holder: the writer is the youngest, and old is a reader behind it.
        var waitOld = _world.Ask(old, "k", Shared);
        Assert.Equal(ErrorCode.Deadlock, waitWriter.Code);
        Assert.True(waitOld.IsGranted && waitHolder.IsWaiting);
    }

    [Fact]
    public void A_victim_takes_nothing_more_until_it_has_given_back()
    {
        var (a, b) = (_world.Owner(1), _world.Owner(2));
        _world.Take(b, "before", Exclusive);
        var savepoint = b.Mark;
        _world.Take(a, "x", Exclusive);
        _world.Take(b, "y", Exclusive);
        var waitA = _world.Ask(a, "y", Exclusive);
        Assert.Equal(ErrorCode.Deadlock, _world.Ask(b, "x", Exclusive).Code);
        Assert.Equal(ErrorCode.Deadlock, _world.Ask(b, "free", Shared).Code);
        Assert.Equal(ErrorCode.Deadlock, Assert.Throws<AevumException>(() => Table.TryAcquire(b, "before"u8, Shared)).Code);
        _world.ReleaseSince(b, savepoint);
        Assert.True(waitA.IsGranted && !b.IsVictim);
        _world.Take(b, "free", Shared);
        Assert.Equal(Exclusive, Table.ModeOf(b, "before"u8));
        Assert.Equal(1, Table.Statistics.Deadlocks);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_wait_ends_in_time_and_says_for_whom_it_waited(bool blocking)
    {
        var (a, b) = (_world.Owner(1), _world.Owner(2));
        _world.Take(a, "k", Exclusive);
        var wait = _world.Ask(b, "k", Shared, TimeSpan.FromSeconds(1.5), blocking: blocking);
        _world.World.RunFor(TimeSpan.FromSeconds(1.4));
        Assert.True(wait.IsWaiting);
        _world.World.RunFor(TimeSpan.FromSeconds(0.2));
        Assert.Equal(ErrorCode.LockTimeout, wait.Code);
        Assert.Equal("transaction 2 waited 1.5 s in vain for a shared lock on 0x6b, which transaction 1 holds", wait.Failure!.Message);
        Assert.Equal("k: (1, Exclusive) | ", _world.Show());
        Assert.Equal((1, 1, TimeSpan.FromSeconds(1.5)), (Table.Statistics.Timeouts, Table.Statistics.Waits, Table.Statistics.Waited));
        Assert.True(b.Mark.Value == 0 && Table.TryAcquire(b, "free"u8, Exclusive));
    }

    [Fact]
    public void Who_gives_up_lets_those_behind_it_go_on()
    {
        var (a, b, c) = (_world.Owner(1), _world.Owner(2), _world.Owner(3));
        _world.Take(a, "k", Shared);
        var writer = _world.Ask(b, "k", Exclusive, TimeSpan.FromSeconds(1));
        var reader = _world.Ask(c, "k", Shared, TimeSpan.FromSeconds(2));
        Assert.True(reader.IsWaiting);
        _world.World.RunFor(TimeSpan.FromSeconds(1));
        _world.World.RunUntilIdle();
        Assert.Equal(ErrorCode.LockTimeout, writer.Code);
        Assert.True(reader.IsGranted);
    }

    [Fact]
    public void A_time_out_behind_a_queue_names_who_stands_before_it()
    {
        var (a, b, c) = (_world.Owner(1), _world.Owner(2), _world.Owner(3));
        _world.Take(a, "k", Shared);
        _world.Ask(b, "k", Exclusive);
        var reader = _world.Ask(c, "k", Shared, TimeSpan.FromSeconds(2));
        _world.World.RunFor(TimeSpan.FromSeconds(3));
        Assert.Contains("which transaction 2 waits for before it", reader.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wait_of_no_length_is_refused_at_once()
    {
        _world.Take(_world.Owner(1), "k", Shared);
        var refused = _world.Ask(_world.Owner(2), "k", Exclusive, TimeSpan.Zero);
        Assert.Equal(ErrorCode.LockTimeout, refused.Code);
        Assert.Contains("transaction 1 holds it", refused.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal((0, 1), (Table.Statistics.Waits, Table.Statistics.Timeouts));
        Assert.Equal(ErrorCode.InvalidArgument, _world.Ask(_world.Owner(2), "k", Shared, TimeSpan.FromSeconds(-5)).Code);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_token_ends_a_wait(bool blocking)
    {
        var (a, b) = (_world.Owner(1), _world.Owner(2));
        using var token = new CancellationTokenSource();
        _world.Take(a, "k", Exclusive);
        var wait = _world.Ask(b, "k", Exclusive, TimeSpan.FromDays(1), blocking, token.Token);
        Assert.True(wait.IsWaiting);
        token.Cancel();
        _world.World.RunUntilIdle();
        Assert.Equal(ErrorCode.Cancelled, wait.Code);
        Assert.Equal(1, Table.Statistics.Cancellations);
        Assert.Equal(ErrorCode.Cancelled, _world.Ask(b, "free", Exclusive, cancellation: token.Token).Code);
        Assert.Equal("k: (1, Exclusive) | ", _world.Show());
    }

    [Fact]
    public void A_wound_ends_a_wait_and_all_taking_but_no_holding()
    {
        var (a, b) = (_world.Owner(1), _world.Owner(2));
        _world.Take(a, "k", Exclusive);
        _world.Take(b, "own", Exclusive);
        var wait = _world.Ask(b, "k", Exclusive);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Table.ReleaseAll(b)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Table.TryAcquire(b, "free"u8, Shared)).Code);
        Table.Wound(b, ErrorCode.Cancelled, "ended by an operator");
        _world.World.RunUntilIdle();
        Assert.Equal((ErrorCode.Cancelled, "ended by an operator"), (wait.Code, wait.Failure!.Message));
        Assert.Equal(Exclusive, Table.ModeOf(b, "own"u8));
        Table.ReleaseSince(b, default);
        Assert.Equal(ErrorCode.Cancelled, Assert.Throws<AevumException>(() => Table.TryAcquire(b, "free"u8, Shared)).Code);
        Assert.Equal("k: (1, Exclusive) | ", _world.Show());
    }

    [Fact]
    public void Closing_ends_all_waits_and_lets_locks_be_given_back()
    {
        var (a, b, c) = (_world.Owner(1), _world.Owner(2), _world.Owner(3));
        _world.Take(a, "k", Exclusive);
        var waits = new[] { _world.Ask(b, "k", Exclusive), _world.Ask(c, "k", Shared, blocking: true) };
        Table.Dispose();
        _world.World.RunUntilIdle();
        Assert.All(waits, w => Assert.Equal(ErrorCode.Closed, w.Code));
        Assert.Equal(ErrorCode.Closed, _world.Ask(b, "free", Shared).Code);
        Table.ReleaseAll(a);
        Assert.Equal("", _world.Show());
    }

    [Fact]
    public void A_scheduler_that_closes_ends_all_waits()
    {
        var (a, b, c) = (_world.Owner(1), _world.Owner(2), _world.Owner(3));
        _world.Take(a, "k", Exclusive);
        var waits = new[] { _world.Ask(b, "k", Exclusive), _world.Ask(c, "k", Shared, TimeSpan.FromDays(3), blocking: true) };
        _world.World.Dispose();
        Assert.All(waits, w => Assert.Equal(ErrorCode.Closed, w.Code));
        Assert.Equal("k: (1, Exclusive) | ", _world.Show());
    }

    [Fact]
    public void Going_back_to_a_savepoint_releases_and_takes_upgrades_back()
    {
        var (a, b) = (_world.Owner(1), _world.Owner(2));
        _world.Take(a, "early", Shared);
        _world.Take(a, "upgraded early", Shared);
        _world.Take(a, "upgraded early", Exclusive);
        var savepoint = a.Mark;
        Assert.Equal(3, savepoint.Value);
        _world.Take(a, "early", Exclusive);
        _world.Take(a, "late", Shared);
        _world.Take(a, "late", Exclusive);
        var reader = _world.Ask(b, "early", Shared);
        Assert.True(reader.IsWaiting);
        _world.ReleaseSince(a, savepoint);
        Assert.True(reader.IsGranted);
        Assert.Equal((Shared, Exclusive, null), (Table.ModeOf(a, "early"u8), Table.ModeOf(a, "upgraded early"u8), Table.ModeOf(a, "late"u8)));
        Assert.Equal((2, savepoint), (a.LockCount, a.Mark));
        _world.ReleaseSince(a, savepoint);
        Assert.Equal(2, a.LockCount);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Table.ReleaseSince(a, new LockMark(4))).Code);
        _world.ReleaseAll(a);
        Assert.Equal("early: (2, Shared) | ", _world.Show());
    }

    [Fact]
    public void Very_many_locks_go_back_in_portions_and_in_full()
    {
        var owner = _world.Owner(1);
        for (var i = 0; i < 3000; i++) _world.Take(owner, $"key {i}", i % 3 == 0 ? Exclusive : Shared);
        var savepoint = owner.Mark;
        for (var i = 0; i < 3000; i++) _world.Take(owner, $"key {i}", Exclusive);
        for (var i = 0; i < 1000; i++) _world.Take(owner, $"late {i}", Exclusive);
        Assert.Equal((4000, 4000), (Table.Statistics.Held, Table.Statistics.Keys));
        Table.ReleaseSince(owner, savepoint);
        Assert.Equal(3000, owner.LockCount);
        Assert.Equal(1000, Table.Describe(int.MaxValue).Count(k => k.Holders[0].Mode == Exclusive));
        Assert.Equal(10, Table.Describe(10).Count);
        Table.ReleaseAll(owner);
        Assert.Equal((0, 0), (Table.Statistics.Held, Table.Statistics.Keys));
    }

    [Fact]
    public void Limits_are_kept()
    {
        using var world = new LockWorld(new LockTableOptions { LocksMax = 5, LocksPerOwnerMax = 3, KeyBytesMax = 10 });
        ErrorCode Refusal(LockOwner owner, string key) => Assert.Throws<AevumException>(() => world.Take(owner, key, Shared)).Code;
        var (a, b, c) = (world.Owner(1), world.Owner(2), world.Owner(3));
        foreach (var key in new[] { "1", "2", "3" }) world.Take(a, key, Shared);
        Assert.Equal(ErrorCode.LimitExceeded, Refusal(a, "4"));
        world.Take(a, "3", Exclusive);      // an upgrade takes no place
        world.Take(b, "4", Shared);
        Assert.True(world.Ask(b, "3", Shared, TimeSpan.FromSeconds(1)).IsWaiting);      // a wait does
        Assert.Equal(ErrorCode.LimitExceeded, Refusal(c, "6"));
        Assert.Equal(ErrorCode.LimitExceeded, Refusal(c, "12345678901"));
        world.World.RunFor(TimeSpan.FromSeconds(2));
        world.Take(c, "1234567890", Shared);
        Assert.Equal(5, world.Table.Statistics.Held);
        Assert.Throws<AevumException>(() => new LockTable(world.World, new LockTableOptions { LocksMax = 0 }));
    }

    [Fact]
    public void Keys_are_whole_and_copied()
    {
        var owner = _world.Owner(1);
        byte[] key = [1, 2, 3];
        Assert.True(Table.TryAcquire(owner, key, Exclusive));
        key[0] = 9;
        Assert.Null(Table.ModeOf(owner, key));
        Assert.Equal(Exclusive, Table.ModeOf(owner, [1, 2, 3]));
        Assert.True(Table.TryAcquire(_world.Owner(2), [1, 2], Exclusive));
        Assert.True(Table.TryAcquire(_world.Owner(3), [], Exclusive));
        Assert.False(Table.TryAcquire(_world.Owner(4), [], Shared));
        Assert.Equal(["0x: held by 3 exclusive", "0x0102: held by 2 exclusive", "0x010203: held by 1 exclusive"], Table.Describe().Select(k => k.ToString()));
    }

    [Fact]
    public void A_description_shows_queues_first_of_all()
    {
        var (a, b) = (_world.Owner(1), _world.Owner(2));
        for (var i = 0; i < 50; i++) _world.Take(a, $"{i:00}", Shared);
        _world.Take(b, "30", Shared);
        _world.Ask(b, "40", Exclusive);
        _world.World.RunFor(TimeSpan.FromSeconds(2.25));
        Assert.Equal("0x3430: held by 1 shared; waiting: 2 exclusive since 2.25 s", Assert.Single(Table.Describe(1)).ToString());
        Assert.Equal(50, Table.Describe().Count);
    }

    [Fact]
    public void An_owner_stays_with_its_table()
    {
        using var other = new LockTable(_world.World);
        var stranger = other.CreateOwner(1, 1);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Table.TryAcquire(stranger, "k"u8, Shared)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Table.ReleaseAll(stranger)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Table.TryAcquire(_world.Owner(1), "k"u8, (LockMode)2)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Table.Wound(_world.Owner(1), ErrorCode.Unknown, "")).Code);
    }
}
