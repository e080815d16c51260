// Backups while several threads write, against a history that the writers keep themselves. Each commit writes keys of all three shards and adds one to
// two shared counters; so at any moment T the restored database must hold, of each key, the last value written at or below T, and in both counters the
// number of commits at or below T: one commit torn apart, lost or too many shows.

using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;
using Aevum.Model.Keyspace;

namespace Aevum.Tests;

public sealed class BackupLoadTests : IDisposable
{
    const int Writers = 3;
    const int KeysEach = 40;

    readonly string _folder = Directory.CreateTempSubdirectory("aevum-backup-").FullName;
    readonly ThreadScheduler _scheduler = new(new ThreadSchedulerOptions { BackgroundThreads = Writers + 2, Seed = 1 });
    readonly ConcurrentQueue<(SystemTime Time, (string Key, string? Value)[] Changes)> _history = [];

    public void Dispose()
    {
        _scheduler.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    DatabaseOptions Options(string sync) => new()
    {
        Scheduler = _scheduler,
        Sync = sync,
        MemtableBytes = 128 << 10,
        ShardBoundaries = [KeyLayout.Make(new KeyspaceId(1, 0), "h"u8), KeyLayout.Make(new KeyspaceId(1, 0), "p"u8)],
    };

    Task WriteAsync(Database database, int writer, int commits)
    {
        using var session = database.OpenSession();
        var keys = session.Default;
        var random = new SeededRandom((ulong)writer);
        for (var n = 0; n < commits; n++)
        {
            var batch = session.NewBatch();
            var changes = new List<(string Key, string? Value)>();
            foreach (var letter in "bmz")
            {
                if (random.OneIn(4)) continue;
                var key = $"{letter}/{writer}/{random.Next(KeysEach)}";
                var value = random.OneIn(5) ? null : $"{writer}.{n} {new string('x', random.Next(200))}";
                changes.Add((key, value));
                if (value is null) batch.Delete(keys, B(key));
                else batch.Put(keys, B(key), B(value));
            }
            batch.Increment(keys, "a/count"u8);
            batch.Increment(keys, "y/count"u8);
            _history.Enqueue((batch.Commit(), [.. changes]));
        }
        return Task.CompletedTask;
    }

    string Expected(SystemTime at)
    {
        var state = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var count = 0;
        foreach (var (time, changes) in _history.Where(h => h.Time <= at).OrderBy(h => h.Time))
        {
            count++;
            foreach (var (key, value) in changes)
                if (value is null) state.Remove(key);
                else state[key] = value;
        }
        if (count > 0) state["a/count"] = state["y/count"] = count.ToString(CultureInfo.InvariantCulture);
        return string.Join('\n', state.Select(e => $"{e.Key}={e.Value}"));
    }

    static string Actual(Database database, SystemTime? at = null)
    {
        using var session = database.OpenSession();
        var keys = at is { } moment ? session.AsOf(moment).Default : session.Default;
        return string.Join('\n', keys.Scan().Select(e => $"{Encoding.UTF8.GetString(e.Key)}={Text(e)}"));
    }

    static string Text(Entry entry) => Encoding.UTF8.GetString(entry.Value);

    [Theory]
    [InlineData("os", 500)]
    [InlineData("always", 100)]
    public void What_is_restored_is_what_was_there_at_that_moment(string sync, int commits)
    {
        var store = Path.Combine(_folder, "backups");
        var backups = new List<BackupInfo>();
        var moments = new List<SystemTime>();
        var random = new SeededRandom(7);
        using (var database = Database.Open(Path.Combine(_folder, "db"), Options(sync)))
        {
            var writers = Enumerable.Range(0, Writers)
                .Select(w => _scheduler.Start($"writer {w}", WorkClass.Background, _ => WriteAsync(database, w, commits))).ToArray();
            while (backups.Count < 4 || writers.Any(w => !w.IsCompleted) && backups.Count < 7)
            {
                backups.Add(database.CreateBackup(store));
                moments.Add(database.Now);
            }
            foreach (var writer in writers) writer.Wait();
            Assert.All(writers, w => Assert.Null(w.Failure));
            backups.Add(database.CreateBackup(store));
            Assert.Empty(Backups.Verify(store).Problems);

            // Each at its end, some at moments between, and some at the very time of a commit, or just before it.
            var reach = backups[^1].Moment;
            var times = _history.Select(h => h.Time).Where(t => t > backups[0].From).ToArray();
            for (var i = 0; i < 6; i++) moments.Add(times[random.Next(times.Length)]);
            for (var i = 0; i < 3; i++) moments.Add(new SystemTime(times[random.Next(times.Length)].Value - 1));
            var targets = 0;
            foreach (var (id, at) in backups.Select(b => ((ulong?)b.Id, b.Moment)).Concat(moments.Where(m => m <= reach).Select(m => ((ulong?)null, m))))
            {
                var target = Path.Combine(_folder, $"restored-{++targets}");
                Backups.Restore(store, target, new RestoreOptions { Id = id, To = at, Scheduler = _scheduler });
                Assert.Empty(DatabaseChecker.Check(new DiskFileSystem(), target).Problems);
                using var restored = Database.Open(target, Options(sync));
                Assert.Equal(Expected(at), Actual(restored));
                Assert.Equal(Expected(at), Actual(database, at));
                var earlier = times.Where(t => t < at).DefaultIfEmpty(at).ElementAt(random.Next(Math.Max(1, times.Count(t => t < at))));
                Assert.Equal(Actual(database, earlier), Actual(restored, earlier));
                // It lives on: what is written lies above the moment.
                using var session = restored.OpenSession();
                Assert.True(session.Default.Put("new"u8, "1"u8) > at);
            }
        }
    }

    [Fact]
    public void Databases_in_memory_and_for_reading_only_are_backed_up_too()
    {
        var (store, target) = (Path.Combine(_folder, "backups"), Path.Combine(_folder, "target"));
        using (var database = Database.OpenInMemory(Options("os")))
        using (var session = database.OpenSession())
        {
            session.Default.Put("a"u8, "1"u8);
            session.Default.Put("z"u8, "2"u8);
            database.CreateBackup(store);
        }
        Backups.Restore(store, target);
        using (var database = Database.Open(target, Options("os") with { ReadOnly = true }))
        {
            Assert.Equal("a=1\nz=2", Actual(database));
            database.CreateBackup(store);
        }
        var files = new MemoryFileSystem();
        Backups.Restore(store, "again", new RestoreOptions { TargetFiles = files });
        using var again = Database.Open("again", Options("os") with { Files = files });
        Assert.Equal("a=1\nz=2", Actual(again));
        Assert.Empty(Backups.Verify(store).Problems);
        Assert.Equal(2, Backups.List(store).Backups.Count);
    }
}
