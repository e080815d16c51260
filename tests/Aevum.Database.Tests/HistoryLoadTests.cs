using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Catalog;

namespace Aevum.Tests;

/// <summary>A history written again has the same versions at the same times, and answers as of any moment as the first did.</summary>
public sealed class HistoryLoadTests : IDisposable
{
    static readonly KeyspaceOptions Forever = new() { History = HistoryPolicy.Forever };

    readonly SimulatedScheduler _scheduler = new(1);
    readonly MemoryFileSystem _files = new();

    public void Dispose() => _scheduler.Dispose();

    DatabaseOptions Options => new() { Files = _files, Scheduler = _scheduler };

    static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    static string Told(Session session) => string.Join(
        ' ', session.Default.Scan().Select(e => $"{Encoding.UTF8.GetString(e.Key)}={Encoding.UTF8.GetString(e.Value)}@{e.Version.Value}"));

    static string Told(KeyHistory key) => Encoding.UTF8.GetString(key.Key) + ": " + string.Join(
        ", ", key.Versions.Select(v => $"{v.Time.Value} {v.Change} {Encoding.UTF8.GetString(v.Value)} {v.Expiry.Value} {v.Note?.Actor}"));

    [Fact]
    public void Neighbouring_times_are_kept_and_time_goes_on_behind_them()
    {
        using var origin = Database.OpenInMemory(new DatabaseOptions { Scheduler = _scheduler });
        using var first = origin.OpenSession();
        var random = new SeededRandom(3);
        var times = new List<SystemTime>();
        for (var i = 0; i < 400; i++)
        {
            if (random.OneIn(5)) _scheduler.RunFor(TimeSpan.FromMilliseconds(random.Next(30_000)));
            first.Note = random.OneIn(3) ? new CommitNote(Actor: $"agent {random.Next(3)}") : null;
            var batch = first.NewBatch();
            foreach (var key in Enumerable.Range(0, 20).Where(_ => random.OneIn(8)))
            {
                if (random.OneIn(4)) batch.Delete(first.Default, B($"k{key}"));
                else batch.Put(first.Default, B($"k{key}"), B($"{i}"), random.OneIn(6) ? TimeSpan.FromSeconds(1 + random.Next(60)) : null);
            }
            if (batch.Count > 0) times.Add(batch.Commit());
        }
        Assert.Contains(times.Zip(times.Skip(1)), pair => pair.Second.Value - pair.First.Value == 1);

        var rows = first.Default.ScanHistory().SelectMany(k => k.Versions.Select(v => (k.Key, Version: v))).ToLookup(r => r.Version.Time);
        using (var load = HistoryLoad.Begin("copy", times[0], times[^1], Options))
        {
            var keys = load.CreateKeyspace("default", "default", Forever);
            foreach (var commit in rows.OrderBy(c => c.Key))
            {
                var batch = load.NewBatch();
                foreach (var (key, version) in commit)
                {
                    batch.Note = version.Note;
                    if (version.Change == Model.Access.ValueChange.Put) batch.PutUntil(keys, key, version.Value, version.Expiry);
                    else batch.Delete(keys, key);
                }
                load.Commit(batch, commit.Key);
            }
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Put(load, keys, times[^1])).Code);
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Put(load, keys, times[0])).Code);
        }

        using var copy = Database.Open("copy", Options);
        using var second = copy.OpenSession();
        Assert.Equal(first.Default.ScanHistory().Select(Told), second.Default.ScanHistory().Select(Told));
        foreach (var time in times)
        {
            using var then = first.AsOf(time);
            using var again = second.AsOf(time);
            Assert.Equal(Told(then), Told(again));
        }
        Assert.True(second.Default.Put(B("new"), B("1")) > times[^1]);
        Assert.Equal(ErrorCode.AlreadyExists, Assert.Throws<AevumException>(() => HistoryLoad.Begin("copy", times[0], times[^1], Options)).Code);
    }

    static void Put(HistoryLoad load, Keyspace keys, SystemTime at)
    {
        var batch = load.NewBatch();
        batch.Put(keys, B("late"), B("1"));
        load.Commit(batch, at);
    }

    [Fact]
    public void Where_history_was_not_whole_it_says_so()
    {
        var first = new SystemTime(1_700_000_000_000_000UL << SystemTime.CounterBits);
        var floor = new SystemTime(first.Value + 100);
        var last = new SystemTime(first.Value + 5_000_000);
        using (var load = HistoryLoad.Begin("copy", first, last, Options))
        {
            var keys = load.CreateKeyspace("agents", "facts", new KeyspaceOptions { History = HistoryPolicy.For(TimeSpan.FromDays(100_000)) }, floor);
            Put(load, keys, first);
            Put(load, keys, last);
        }
        using var copy = Database.Open("copy", Options);
        using var session = copy.OpenSession("agents");
        Assert.Equal(floor, session.Keyspace("facts").HistoryFloor);
        using var below = session.AsOf(new SystemTime(floor.Value - 1));
        Assert.Throws<HistoryUnavailableException>(() => below.Keyspace("facts").Get(B("late")));
        using var above = session.AsOf(floor);
        Assert.Equal(first, above.Keyspace("facts").GetVersioned(B("late"))!.Version);
    }

    [Fact]
    public void Times_must_make_sense()
    {
        var time = new SystemTime(1_700_000_000_000_000UL << SystemTime.CounterBits);
        var before = new SystemTime(time.Value - 1);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => HistoryLoad.Begin("x", time, before, Options)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => HistoryLoad.Begin("x", new SystemTime(5), time, Options)).Code);
        Assert.False(Database.Exists("x", _files));
    }
}
