using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;

namespace Aevum.Tests;

public sealed class KeyspaceTests : IDisposable
{
    readonly SimulatedScheduler _scheduler = new(1);
    readonly Database _database;
    readonly Session _session;
    readonly Keyspace _keys;

    public KeyspaceTests()
    {
        _database = Database.OpenInMemory(new DatabaseOptions { Scheduler = _scheduler });
        _session = _database.OpenSession();
        _keys = _session.Default;
    }

    public void Dispose()
    {
        _database.Dispose();
        _scheduler.Dispose();
    }

    static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    static string? S(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);

    static string Told(IEnumerable<Entry> entries) => string.Join(' ', entries.Select(e => $"{S(e.Key)}={S(e.Value)}"));

    [Fact]
    public void Values_are_put_got_and_deleted()
    {
        Assert.Null(_keys.Get(B("a")));
        var first = _keys.Put(B("a"), B("1"));
        Assert.Equal("1", S(_keys.Get(B("a"))));
        Assert.True(_keys.Exists(B("a")));
        var versioned = _keys.GetVersioned(B("a"))!;
        Assert.Equal(("1", first), (S(versioned.Value), versioned.Version));
        Assert.True(_keys.Delete(B("a")));
        Assert.False(_keys.Delete(B("a")));
        Assert.False(_keys.Exists(B("a")));
        Assert.Equal("1", S(_keys.Get(B("a"), first)));
    }

    [Fact]
    public void A_value_is_copied_into_a_buffer_that_is_long_enough()
    {
        _keys.Put(B("a"), B("12345"));
        var buffer = new byte[5];
        Assert.False(_keys.TryGet(B("a"), buffer.AsSpan(0, 4), out var length));
        Assert.Equal(5, length);
        Assert.True(_keys.TryGet(B("a"), buffer, out length));
        Assert.Equal("12345", S(buffer));
        Assert.False(_keys.TryGet(B("b"), buffer, out length));
        Assert.Equal(-1, length);
    }

    [Fact]
    public void Compare_and_set_by_version()
    {
        Assert.True(_keys.TryPut(B("a"), B("1"), SystemTime.None, out var first));
        Assert.False(_keys.TryPut(B("a"), B("x"), SystemTime.None, out var there));
        Assert.Equal(first, there);
        Assert.True(_keys.TryPut(B("a"), B("2"), first, out var second));
        Assert.False(_keys.TryPut(B("a"), B("x"), first, out there));
        Assert.Equal(second, there);
        Assert.False(_keys.TryDelete(B("a"), first));
        Assert.True(_keys.TryDelete(B("a"), second));
        Assert.False(_keys.TryPut(B("a"), B("x"), second, out there));
        Assert.Equal(SystemTime.None, there);
        Assert.True(_keys.TryAdd(B("a"), B("3")));
        Assert.False(_keys.TryAdd(B("a"), B("4")));
    }

    [Fact]
    public void Numbers_count_and_say_when_they_cannot()
    {
        Assert.Equal(1, _keys.Increment(B("n")));
        Assert.Equal(-4, _keys.Increment(B("n"), -5));
        Assert.Equal("-4", S(_keys.Get(B("n"))));
        _keys.Put(B("n"), B(long.MaxValue.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => _keys.Increment(B("n"))).Code);
        foreach (var text in new[] { "", "x", "1x", " 1", "01", "+1", "-0", "-", "9223372036854775808" })
        {
            _keys.Put(B("t"), B(text));
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => _keys.Increment(B("t"))).Code);
            Assert.Equal(text, S(_keys.Get(B("t"))));
        }
    }

    [Fact]
    public void Keys_live_as_long_as_told()
    {
        _keys.Put(B("a"), B("1"), TimeSpan.FromSeconds(10));
        Assert.InRange(_keys.TimeToLive(B("a"))!.Value, TimeSpan.FromSeconds(9.9), TimeSpan.FromSeconds(10));
        Assert.True(_keys.Expire(B("a"), TimeSpan.FromSeconds(100)));
        _scheduler.RunFor(TimeSpan.FromSeconds(50));
        Assert.Equal("1", S(_keys.Get(B("a"))));
        Assert.True(_keys.Persist(B("a")));
        Assert.Equal(Timeout.InfiniteTimeSpan, _keys.TimeToLive(B("a")));
        Assert.True(_keys.Expire(B("a"), TimeSpan.FromSeconds(1)));
        var before = _database.Now;
        _scheduler.RunFor(TimeSpan.FromSeconds(2));
        Assert.Null(_keys.Get(B("a")));
        Assert.Null(_keys.TimeToLive(B("a")));
        Assert.False(_keys.Expire(B("a"), TimeSpan.FromSeconds(1)));
        Assert.False(_keys.Persist(B("a")));
        Assert.Equal("1", S(_keys.Get(B("a"), before)));
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => _keys.Put(B("a"), B("1"), TimeSpan.Zero)).Code);

        var brief = _session.CreateKeyspace("brief", new KeyspaceOptions { DefaultTimeToLive = TimeSpan.FromSeconds(5) });
        brief.Put(B("a"), B("1"));
        _scheduler.RunFor(TimeSpan.FromSeconds(6));
        Assert.False(brief.Exists(B("a")));
    }

    [Fact]
    public void Scans_go_both_ways_within_bounds_and_page_by_page()
    {
        foreach (var key in "abcdefgh") _keys.Put(B(key.ToString()), B("1"));
        _keys.Put(B("c1"), B("2"));
        Assert.Equal("c=1 c1=2 d=1", Told(_keys.Scan(ScanOptions.Between("c"u8, "e"u8))));
        Assert.Equal("c1=2 c=1", Told(_keys.Scan(new ScanOptions { Prefix = B("c"), Descending = true })));
        Assert.Equal("c1=2", Told(_keys.Scan(new ScanOptions { Prefix = B("c"), Start = B("c0") })));
        Assert.Equal("", Told(_keys.Scan(new ScanOptions { Start = B("x"), End = B("b") })));
        Assert.Equal(9, _keys.Count());
        foreach (var descending in new[] { false, true })
        {
            var options = new ScanOptions { Descending = descending };
            var all = new List<Entry>();
            byte[]? next = null;
            do
            {
                var page = _keys.ScanPage(options, 4, next);
                Assert.True(page.Entries.Count <= 4);
                all.AddRange(page.Entries);
                next = page.Next;
            }
            while (next is not null);
            Assert.Equal(Told(_keys.Scan(options)), Told(all));
        }
    }

    [Fact]
    public void Deleting_by_prefix_tells_how_many()
    {
        foreach (var key in new[] { "a", "b1", "b2", "b3", "c" }) _keys.Put(B(key), B("1"));
        Assert.Equal(3, _keys.DeletePrefix(B("b")));
        Assert.Equal(0, _keys.DeletePrefix(B("b")));
        Assert.Equal("a=1 c=1", Told(_keys.Scan()));
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => _keys.DeletePrefix(default)).Code);
        Assert.Equal(2, _keys.Clear());
        Assert.Equal(0, _keys.Count());
    }

    [Fact]
    public void History_tells_every_version_and_who_wrote_it()
    {
        var first = _keys.Put(B("a"), B("1"));
        _session.Note = new CommitNote(Actor: "planner", Run: "run 1");
        var second = _keys.Put(B("a"), B("2"));
        _session.Note = null;
        _keys.DeletePrefix(B("a"));
        _keys.Put(B("a"), B("3"));
        _keys.Delete(B("a"));
        var history = _keys.History(B("a"));
        Assert.Equal(
            [ValueChange.Deleted, ValueChange.Put, ValueChange.RangeDeleted, ValueChange.Put, ValueChange.Put], history.Select(h => h.Change));
        Assert.Equal(["", "3", "", "2", "1"], history.Select(h => S(h.Value)!));
        Assert.Equal("planner", history[3].Note!.Actor);
        Assert.Equal((first, second), (history[4].Time, history[3].Time));
        Assert.Null(history[4].Note);

        Assert.Equal("a: 1 > 2", Told(_keys.ChangesOf(second)));
        Assert.Equal("a:  > 2", Told(_keys.Diff(new(first.Value - 1), second)));
        Assert.Equal("", Told(_keys.Diff(second)) is "a: 2 > " ? "" : "differs");
    }

    [Fact]
    public void Now_lies_between_what_was_and_what_comes()
    {
        for (var i = 0; i < 20; i++)
        {
            var before = _keys.Put(B("a"), B($"{i}"));
            if (i % 2 == 0) _scheduler.RunFor(TimeSpan.FromSeconds(1));   // else the wall clock stands still
            var now = _database.Now;
            var after = _keys.Put(B("a"), B("next"));
            Assert.True(before <= now && now < after);
            Assert.Equal($"{i}", S(_keys.Get(B("a"), now)));
        }
    }

    static string Told(IEnumerable<Difference> differences) =>
        string.Join(' ', differences.Select(d => $"{S(d.Key)}: {S(d.Before)} > {S(d.After)}"));

    [Fact]
    public void A_session_as_of_a_moment_sees_that_moment_and_writes_nothing()
    {
        _keys.Put(B("a"), B("1"));
        _session.CreateKeyspace("old").Put(B("k"), B("v"));
        var moment = _database.Now;
        _keys.Put(B("a"), B("2"));
        _session.DropKeyspace("old");
        using var past = _session.AsOf(moment);
        Assert.Equal("1", S(past.Default.Get(B("a"))));
        Assert.Equal("a=1", Told(past.Default.Scan()));
        Assert.Equal("v", S(past.Keyspace("old").Get(B("k"))));
        Assert.Single(past.Default.History(B("a")));
        Assert.Equal(ErrorCode.ReadOnly, Assert.Throws<AevumException>(() => past.Default.Put(B("a"), B("3"))).Code);
        Assert.Equal(ErrorCode.ReadOnly, Assert.Throws<AevumException>(() => past.Begin()).Code);
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => _session.Keyspace("old")).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => _session.AsOf(new SystemTime(_database.Now.Value + 1_000_000))).Code);
    }

    [Fact]
    public void Batches_touch_several_keyspaces_at_one_instant()
    {
        var other = _session.CreateKeyspace("other");
        var version = _keys.Put(B("a"), B("1"));
        var batch = _session.NewBatch();
        batch.PutAt(_keys, B("a"), B("2"), version);
        batch.Put(other, B("b"), B("3"));
        var counted = batch.Increment(other, B("n"), 5);
        Assert.True(batch.TryCommit());
        Assert.Equal(5, batch.NumberOf(counted));
        Assert.Equal((batch.Time, batch.Time), (_keys.GetVersioned(B("a"))!.Version, other.GetVersioned(B("b"))!.Version));

        var late = _session.NewBatch();
        late.PutAt(_keys, B("a"), B("x"), version);
        late.Put(other, B("b"), B("x"));
        Assert.False(late.TryCommit());
        Assert.Equal("3", S(other.Get(B("b"))));
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => late.TryCommit()).Code);
    }

    [Fact]
    public void A_request_sent_twice_is_done_once()
    {
        long Request()
        {
            var batch = _session.NewBatch();
            batch.Note = new CommitNote(Actor: "agent", IdempotencyKey: "request 7");
            var step = batch.Increment(_keys, B("n"));
            batch.Commit();
            return batch.NumberOf(step);
        }
        Assert.Equal((1, 1), (Request(), Request()));
        Assert.Equal("1", S(_keys.Get(B("n"))));
    }

    [Fact]
    public void Namespaces_keep_apart()
    {
        _database.CreateNamespace("tenant");
        using var tenant = _database.OpenSession("tenant");
        tenant.Default.Put(B("a"), B("theirs"));
        _keys.Put(B("a"), B("ours"));
        Assert.Equal("a=theirs", Told(tenant.Default.Scan()));
        Assert.Equal("a=ours", Told(_keys.Scan()));
        Assert.Equal(ErrorCode.AlreadyExists, Assert.Throws<AevumException>(() => _database.CreateNamespace("tenant")).Code);
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => _database.OpenSession("nobody")).Code);
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => _database.OpenSession(principal: "nobody")).Code);
        _database.CreatePrincipal("planner");
        Assert.Equal("planner", _database.OpenSession(principal: "planner").Principal);
        _database.DropNamespace("tenant");
    }

    [Fact]
    public void Limits_and_ends_are_told()
    {
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => _keys.Put(new byte[70_000], B("1"))).Code);
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => _keys.Get(new byte[70_000])).Code);
        _keys.Put(new byte[65_000], B("long"));
        Assert.Equal("long", S(_keys.Get(new byte[65_000])));
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => _keys.Merge(B("a"), B("1"))).Code);
        _session.Dispose();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => _keys.Get(B("a"))).Code);
        var dropped = _database.OpenSession();
        var keyspace = dropped.CreateKeyspace("x");
        dropped.DropKeyspace("x");
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => keyspace.Put(B("a"), B("1"))).Code);
        _database.Dispose();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => dropped.Default.Get(B("a"))).Code);
    }
}
