using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Model.Catalog;

namespace Aevum.Tests;

public sealed class WatchTests : IDisposable
{
    readonly SimulatedScheduler _scheduler = new(1);
    readonly MemoryFileSystem _files = new();
    Database _database;
    Session _session;

    public WatchTests() => (_database, _session) = Open();

    (Database, Session) Open()
    {
        var database = Database.Open("db", new DatabaseOptions { Scheduler = _scheduler, Files = _files });
        return (database, database.OpenSession());
    }

    public void Dispose()
    {
        _database.Dispose();
        _scheduler.Dispose();
    }

    static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    static string S(byte[]? bytes) => bytes is null ? "" : Encoding.UTF8.GetString(bytes);

    static string Told(WatchEvent? told) => told is null ? "nothing"
        : told.IsSnapshotEnd ? "end of snapshot"
        : (told.IsSnapshot ? "there " : "") +
            string.Join(' ', told.Changes.Select(c => $"{c.Kind} {S(c.Key)} {S(c.Value)}{(c.RangeEnd is null ? "" : ".." + S(c.RangeEnd))}"));

    static List<string> Drain(Watch watch)
    {
        var all = new List<string>();
        while (watch.Next(TimeSpan.FromMilliseconds(1)) is { } next) all.Add(Told(next));
        return all;
    }

    [Fact]
    public void Commits_are_told_in_order_with_who_made_them()
    {
        var keys = _session.Default;
        keys.Put(B("a/0"), B("before"));
        using var watch = keys.Watch("a/"u8, WatchStart.Now);
        keys.Put(B("a/1"), B("1"));
        keys.Put(B("b/1"), B("elsewhere"));
        _session.Note = new CommitNote("planner");
        var time = keys.Put(B("a/2"), B("2"));
        _session.Note = null;
        keys.Delete(B("a/1"));
        keys.DeletePrefix(B("a/2"));
        Assert.Equal("Put a/1 1", Told(watch.Next()));
        var second = watch.Next()!;
        Assert.Equal(("Put a/2 2", time, "planner"), (Told(second), second.Time, second.Note!.Actor));
        Assert.Equal(["Deleted a/1 ", "RangeDeleted a/2 ..a/3"], Drain(watch));
    }

    [Fact]
    public void A_snapshot_comes_first_where_it_is_wanted()
    {
        var keys = _session.Default;
        keys.Put(B("a"), B("1"));
        keys.Put(B("b"), B("1"));
        using var watch = keys.Watch([], WatchStart.Snapshot);
        keys.Put(B("b"), B("2"));
        Assert.Equal(["there Put a 1", "there Put b 1", "end of snapshot", "Put b 2"], Drain(watch));
    }

    [Fact]
    public void A_token_goes_on_where_it_was_taken_also_after_an_open()
    {
        var keys = _session.Default;
        string token;
        using (var watch = keys.Watch([], WatchStart.Now))
        {
            keys.Put(B("a"), B("1"));
            token = watch.Next()!.Token!;
            keys.Put(B("a"), B("2"));
        }
        _database.Dispose();
        (_database, _session) = Open();
        _session.Default.Put(B("a"), B("3"));
        using var resumed = _session.Default.Watch([], WatchStart.After(token));
        Assert.Equal(["Put a 2", "Put a 3"], Drain(resumed));
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => WatchStart.After("x")).Code);
    }

    [Fact]
    public void Merges_show_what_they_made()
    {
        var log = _session.CreateKeyspace("log", new KeyspaceOptions { MergeOperator = "append", History = HistoryPolicy.Forever });
        using var watch = log.Watch([], WatchStart.Now);
        log.Merge(B("a"), B("x"));
        log.Merge(B("a"), B("y"));
        Assert.Equal(["Put a x", "Put a xy"], Drain(watch));
    }

    [Fact]
    public void A_watch_ends_with_its_database()
    {
        var watch = _session.Default.Watch([], WatchStart.Now);
        using var past = _session.AsOf(_database.Now);
        Assert.Equal(ErrorCode.ReadOnly, Assert.Throws<AevumException>(() => past.Default.Watch([], WatchStart.Now)).Code);
        _database.Dispose();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => watch.Next()).Code);
        watch.Dispose();
    }
}
