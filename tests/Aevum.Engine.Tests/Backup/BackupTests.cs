using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;

namespace Aevum.Engine.Tests.Backup;

public sealed class BackupTests
{
    static AevumException Refused(Action action) => Assert.ThrowsAny<AevumException>(action);

    [Fact]
    public void What_was_committed_comes_back_and_nothing_that_came_later()
    {
        using var world = new BackupWorld();
        world.Put(("a", "1"));
        world.Put(("a", "2"), ("m", "2"), ("z", "2"));
        var backup = world.Backup();
        var then = world.Scan();
        world.Put(("a", "3"), ("z", "3"));

        Assert.Equal(then, world.Scan(backup.Moment));
        Assert.Equal(then, world.Restored(look: shards =>
        {
            Assert.Equal(world.Shards.DatabaseId, shards.DatabaseId);
            Assert.NotEqual(world.Shards.Timeline, shards.Timeline);
            Assert.True(shards.TakeNow() > backup.Moment);
        }));
        var report = world.Verify();
        Assert.Empty(report.Problems);
        Assert.Equal([1UL], report.Backups);
    }

    [Fact]
    public void Any_moment_since_the_first_backup_can_be_restored()
    {
        using var world = new BackupWorld();
        var moments = new List<SystemTime>();
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 4; i++)
            {
                world.Put(($"a{i % 3}", $"{round}.{i}"), ($"m{i % 2}", $"{round}.{i}"), ("z", $"{round}.{i}"));
                moments.Add(world.Shards.TakeNow());
                world.Put(($"n{i}", $"{round}"));
            }
            if (round % 2 == 1) world.Shards.Flush();
            world.Backup();
        }
        foreach (var moment in moments) Assert.Equal(world.Scan(moment), world.Restored(moment));
        Assert.Empty(world.Verify().Problems);
        var list = world.List();
        Assert.All(list.Backups, b => Assert.Equal(list.Backups[^1].Moment, b.Reach));
    }

    [Fact]
    public void Only_new_tables_are_copied_and_log_is_kept_once()
    {
        using var world = new BackupWorld();
        Fill(world, "a", 300);
        world.Shards.Flush();
        var first = world.Backup();
        Assert.True(first.Tables > 0);
        var files = Listing(world);

        var second = world.Backup();
        Assert.Equal(first.Tables, second.Tables);
        Assert.True(second.NewBytes < 300, $"{second.NewBytes} bytes, and nothing had changed");
        Assert.Equal(files.Count + 2, Listing(world).Count);   // a manifest, and a piece without records

        Fill(world, "m", 100);
        var third = world.Backup();
        Assert.InRange(third.NewBytes, 1, first.NewBytes);
        Assert.All(files, f => Assert.Contains(f, Listing(world)));
        Assert.Equal(world.Scan(third.Moment), world.Restored(id: 3));
        Assert.Equal(world.Scan(first.Moment), world.Restored(id: 1));
    }

    [Fact]
    public void A_deleted_backup_takes_with_it_what_no_other_one_needs()
    {
        using var world = new BackupWorld();
        Fill(world, "a", 200);
        world.Shards.Flush();
        var first = world.Backup();
        Fill(world, "m", 200);
        world.Shards.Flush();
        world.Shards.WaitIdle();
        var second = world.Backup();
        world.Put(("z", "1"));
        var third = world.Backup();
        var before = Bytes(world);

        // Its log stays: it takes the first one on to the third.
        var between = second.Moment;
        Assert.True(BackupStores.Delete(world.StoreFiles, BackupWorld.Store, 2) > 0);
        Assert.Equal(world.Scan(between), world.Restored(between));
        Assert.Equal(world.Scan(third.Moment), world.Restored());
        Assert.Equal(third.Moment, world.List().Backups[0].Reach);

        Assert.True(BackupStores.Delete(world.StoreFiles, BackupWorld.Store, 1) > 0);
        Assert.True(Bytes(world) < before);
        Assert.Equal(ErrorCode.NotFound, Refused(() => world.Restore("nowhere", first.Moment)).Code);
        Assert.Equal(world.Scan(third.Moment), world.Restored(third.Moment));
        Assert.Empty(world.Verify().Problems);
        Assert.Equal(ErrorCode.NotFound, Refused(() => BackupStores.Delete(world.StoreFiles, BackupWorld.Store, 2)).Code);

        BackupStores.Delete(world.StoreFiles, BackupWorld.Store, 3);
        Assert.Equal(["BACKUPS", "LOCK"], Listing(world));
        Assert.Equal(4UL, world.Backup().Id);   // numbers do not come back
    }

    [Fact]
    public void Log_that_was_let_go_between_two_backups_leaves_a_gap_and_the_error_tells_it()
    {
        using var world = new BackupWorld(BackupWorld.Small with { FeedLogBytes = 0 });
        world.Put(("a", "1"), ("m", "1"), ("z", "1"));
        var first = world.Backup();
        Fill(world, "a", 900);
        Fill(world, "m", 900);
        Fill(world, "z", 900);
        world.Shards.Flush();
        world.Shards.WaitIdle();
        var lost = world.Shards.TakeNow();
        world.Put(("a", "2"), ("m", "2"), ("z", "2"));
        world.Shards.Flush();
        var second = world.Backup();

        Assert.Equal(first.Moment, world.List().Backups[0].Reach);
        var refusal = Refused(() => world.Restore("nowhere", lost));
        Assert.Equal(ErrorCode.NotFound, refusal.Code);
        foreach (var edge in (SystemTime[])[first.From, first.Moment, second.From, second.Moment])
            Assert.Contains(SystemTimeText.ToRfc3339(edge), refusal.Message, StringComparison.Ordinal);
        Assert.False(world.Files.DirectoryExists("nowhere"));
        Assert.Equal(world.Scan(first.Moment), world.Restored(first.Moment));
        Assert.Equal(world.Scan(second.Moment), world.Restored());
        Assert.Equal(world.Scan(second.From), world.Restored(second.From));
    }

    [Fact]
    public void Backups_go_on_over_a_restart_and_after_a_restore_on_a_line_of_their_own()
    {
        using var world = new BackupWorld();
        world.Put(("a", "1"), ("z", "1"));
        var first = world.Backup();
        world.Put(("a", "2"));
        world.Reopen();
        var between = world.Shards.TakeNow();
        world.Put(("a", "3"));
        var second = world.Backup();
        Assert.Equal(world.Scan(between), world.Restored(between, id: 1));

        world.Restore("other", first.Moment);
        using var other = LocalShards.Open(world.Files, world.Scheduler, "other", BackupWorld.Small);
        var third = BackupStores.Create(other, BackupWorld.Store, new BackupOptions { Files = world.StoreFiles });
        Assert.NotEqual(second.Timeline, third.Timeline);
        Assert.Equal(second.Moment, world.List().Backups[0].Reach);
        Assert.Equal(BackupWorld.Scan(other, third.Moment), world.Restored());
        Assert.Equal(world.Scan(second.Moment), world.Restored(id: 2));
        Assert.Equal(world.Scan(between), world.Restored(between, id: 1));
        Assert.Empty(world.Verify().Problems);
    }

    [Fact]
    public void A_directory_that_was_put_back_by_hand_does_not_continue_what_came_after()
    {
        using var world = new BackupWorld();
        world.Put(("a", "1"), ("m", "1"), ("z", "1"));
        world.Shards.Dispose();
        CopyTree(world.Files, "db", "kept");
        world.Open();
        world.Put(("a", "one way"), ("m", "one way"), ("z", "one way"));
        world.Shards.Flush();
        var first = world.Backup();
        world.Shards.Dispose();

        world.Files.Rename("db", "gone");
        CopyTree(world.Files, "kept", "db");
        world.Open();
        world.Put(("a", "the other way"), ("m", "the other way"), ("z", "the other way"));
        world.Put(("a", "more"), ("m", "more"), ("z", "more"));
        world.Shards.Flush();
        var second = world.Backup();
        Assert.Equal(first.Moment, world.List().Backups[0].Reach);
        Assert.Contains("a=one way@", world.Restored(id: 1), StringComparison.Ordinal);
        Assert.Equal(world.Scan(second.Moment), world.Restored(id: 2));
        Assert.Empty(world.Verify().Problems);
    }

    static void CopyTree(IFileSystem files, string from, string to)
    {
        files.CreateDirectory(to);
        foreach (var name in files.ListDirectories(from)) CopyTree(files, $"{from}/{name}", $"{to}/{name}");
        foreach (var name in files.ListFiles(from))
        {
            using var file = files.Create($"{to}/{name}");
            file.Append(files.ReadAllBytes($"{from}/{name}"));
        }
    }

    [Fact]
    public void Other_databases_and_other_directories_are_refused()
    {
        using var world = new BackupWorld();
        world.Put(("a", "1"));
        world.Backup();
        using var other = LocalShards.Open(world.Files, world.Scheduler, "other", BackupWorld.Small);
        var mistaken = Refused(() => BackupStores.Create(other, BackupWorld.Store, new BackupOptions { Files = world.StoreFiles }));
        Assert.Equal(ErrorCode.InvalidArgument, mistaken.Code);
        Assert.Contains($"{world.Shards.DatabaseId}", mistaken.Message, StringComparison.Ordinal);

        world.StoreFiles.CreateDirectory("photos");
        world.StoreFiles.Create("photos/1.table").Dispose();
        var files = new BackupOptions { Files = world.StoreFiles };
        Assert.Equal(ErrorCode.InvalidArgument, Refused(() => BackupStores.Create(world.Shards, "photos", files)).Code);
        Assert.Equal(["1.table"], world.StoreFiles.ListFiles("photos"));
        Assert.Equal(ErrorCode.NotFound, Refused(() => BackupStores.List(world.StoreFiles, "photos")).Code);

        world.Files.CreateDirectory("full");
        world.Files.Create("full/file").Dispose();
        Assert.Equal(ErrorCode.InvalidArgument, Refused(() => world.Restore("full")).Code);
        Assert.Equal(["file"], world.Files.ListFiles("full"));
        Assert.Equal(ErrorCode.NotFound, Refused(() => world.Restore("nowhere", id: 7)).Code);
        Assert.Equal(ErrorCode.NotFound, Refused(() => world.Verify(7)).Code);
        Assert.Equal(ErrorCode.NotFound, Refused(() => world.Restore("nowhere", new SystemTime(5))).Code);
        using var held = world.StoreFiles.Lock($"{BackupWorld.Store}/LOCK", "somebody");
        Assert.Contains("somebody", Refused(() => world.Backup()).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.Locked, Refused(() => world.Restore("nowhere")).Code);
    }

    [Fact]
    public void A_database_of_the_present_only_comes_back_as_it_was_and_its_expired_values_do_not_vanish_early()
    {
        using var world = new BackupWorld(BackupWorld.Small with { DefaultKeyspace = new() });
        for (var i = 0; i < 400; i++) world.Put(($"a{i % 50}", $"{i} {new string('x', 300)}"), ($"z{i % 20}", $"{i}"));
        world.Shards.Flush();
        world.Shards.WaitIdle();
        world.Put(("a0", "last"));
        var backup = world.Backup();
        var then = world.Scan();
        world.Put(("a0", "later"));
        Assert.Equal(then, world.Restored(backup.Moment));
        Assert.True(backup.From <= backup.Moment);
        world.Restored(backup.From);
    }

    [Fact]
    public void Cancelling_leaves_no_backup_and_the_next_one_takes_what_was_copied()
    {
        using var world = new BackupWorld();
        Fill(world, "a", 300);
        Fill(world, "z", 300);
        world.Shards.Flush();
        using var cancellation = new CancellationTokenSource();
        var progress = new CancelAt(cancellation, 2);
        var refusal = Refused(() => BackupStores.Create(
            world.Shards, BackupWorld.Store, new BackupOptions { Files = world.StoreFiles, Progress = progress }, cancellation.Token));
        Assert.Equal(ErrorCode.Cancelled, refusal.Code);
        Assert.Empty(world.List().Backups);
        var kept = world.StoreFiles.ListFiles($"{BackupWorld.Store}/tables").Where(n => n.EndsWith(".table", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(kept);

        world.Backup();
        Assert.All(kept, name => Assert.True(world.StoreFiles.FileExists($"{BackupWorld.Store}/tables/{name}")));
        Assert.DoesNotContain(Listing(world), n => n.EndsWith(".tmp", StringComparison.Ordinal));
        Assert.Equal(world.Scan(world.List().Backups[0].Moment), world.Restored());
    }

    sealed class CancelAt(CancellationTokenSource cancellation, int step) : IBackupProgress
    {
        int _tables;
        bool _isTables;

        public void Begin(string stage, long total) => _isTables = stage == "tables";

        public void Advance(long bytes)
        {
            if (_isTables && ++_tables == step) cancellation.Cancel();
        }
    }

    [Fact]
    public void A_database_that_closes_ends_the_backup_that_runs()
    {
        using var world = new BackupWorld();
        Fill(world, "a", 300);
        world.Shards.Flush();
        AevumException? refusal = null;
        // On the clock of the world a backup at this pace takes minutes.
        var backup = world.Scheduler.Start("backup", WorkClass.Background, _ =>
        {
            refusal = Refused(() => world.Backup(new BackupOptions { BytesPerSecond = 100 }));
            return Task.CompletedTask;
        });
        world.Scheduler.CreateSignal("a while").WaitUntil(static () => false, TimeSpan.FromSeconds(5));
        Assert.False(backup.IsCompleted);
        world.Shards.Dispose();
        backup.Wait();
        Assert.Null(backup.Failure);
        Assert.Equal(ErrorCode.Closed, refusal!.Code);
        world.Open();
        Assert.Empty(world.List().Backups);
        Assert.Equal(world.Scan(world.Backup().Moment), world.Restored());
    }

    [Fact]
    public void The_pace_is_kept_on_the_clock_of_the_world()
    {
        using var world = new BackupWorld();
        Fill(world, "a", 300);
        world.Shards.Flush();
        var began = world.Scheduler.Time.GetTimestamp();
        var backup = world.Backup(new BackupOptions { BytesPerSecond = 10_000 });
        var seconds = world.Scheduler.Time.GetElapsedTime(began).TotalSeconds;
        Assert.InRange(seconds, backup.NewBytes / 10_000.0 - 1, backup.NewBytes / 10_000.0 + 5);
    }

    [Fact]
    public void A_restore_that_died_half_way_does_not_open_as_a_database()
    {
        using var world = new BackupWorld();
        Fill(world, "a", 100);
        world.Shards.Flush();
        world.Backup();
        for (var at = 1; ; at++)
        {
            var files = new FaultyFileSystem((ulong)at, new FaultPlan { KillAt = at });
            try
            {
                BackupStores.Restore(world.Scheduler, BackupWorld.Store, "db", new RestoreOptions { Files = world.StoreFiles, TargetFiles = files });
                Assert.True(at > 20);
                break;
            }
            catch (AevumException)
            {
            }
            var after = files.Successor!;
            if (!after.DirectoryExists("db")) continue;
            if (LocalShards.Exists(after, "db"))
            {
                // It died right after the last step.
                using var whole = LocalShards.Open(after, world.Scheduler, "db", BackupWorld.Small);
                Assert.Equal(world.Scan(), BackupWorld.Scan(whole));
                continue;
            }
            if (!after.DirectoryExists("db/shards") && !after.DirectoryExists("db/log")) continue;
            Assert.Equal(ErrorCode.Corruption, Refused(() => LocalShards.Open(after, world.Scheduler, "db", BackupWorld.Small)).Code);
        }
    }

    static void Fill(BackupWorld world, string letter, int count)
    {
        for (var i = 0; i < count; i++) world.Put(($"{letter}{i:D4}", $"{i} {new string((char)('a' + (i % 26)), 100)}"));
    }

    static List<string> Listing(BackupWorld world)
    {
        var found = new List<string>();
        foreach (var folder in (string[])["", "/backups", "/log", "/tables"])
            found.AddRange(world.StoreFiles.ListFiles(BackupWorld.Store + folder).Select(n => $"{folder}/{n}".TrimStart('/')));
        return found;
    }

    static long Bytes(BackupWorld world) => Listing(world).Sum(n => world.StoreFiles.FileLength($"{BackupWorld.Store}/{n}"));
}
