// The check of a whole store: silent over every store that the tree itself made, and loud over every damage done to one.

using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Checking;
using Aevum.Storage.Compaction;
using Aevum.Storage.Log;
using Aevum.Storage.Tests.Trees;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Checking;

public sealed class StoreCheckerTests
{
    [Theory, Seeds(6)]
    public void Whatever_a_tree_writes_is_sound(ulong seed)
    {
        var files = new MemoryFileSystem();
        var floor = (seed % 3) switch { 0 => SystemTime.None, 1 => SystemTime.Max, _ => new SystemTime(1500) };
        using var world = new TreeWorld(seed, floor, seed % 2 == 0 ? new AppendOperator() : null, files);
        for (var round = 0; round < 6; round++)
        {
            for (var i = 0; i < 250; i++) world.WriteRandomBatch(merges: seed % 2 == 0);
            if (round % 3 == 1) world.Tree.Flush();
            if (round == 4) world.Tree.CompactAll();
            world.Tree.WaitIdle();
            AssertSound(files);
            if (round == 3) world.Reopen();
        }
    }

    [Fact]
    public void A_store_with_nothing_in_it_is_sound()
    {
        var files = new MemoryFileSystem();
        using (new TreeWorld(1, SystemTime.None, files: files)) { }
        AssertSound(files);
    }

    [Theory, Seeds(4)]
    public void A_flipped_bit_in_a_table_is_found(ulong seed)
    {
        var files = MakeStore(seed);
        var random = new SeededRandom(seed);
        foreach (var path in TablesOf(files))
            for (var i = 0; i < 25; i++)
            {
                var at = random.Next((int)files.FileLength(path));
                using (Damage(files, path, bytes => bytes[at] ^= (byte)(1 << random.Next(8))))
                {
                    var report = StoreChecker.Check(files, "db");
                    Assert.True(report.Problems.Any(p => p.Path == path && p.Offset is not null), $"{path} byte {at}: {Show(report)}");
                }
            }
        AssertSound(files);
    }

    [Fact]
    public void Every_flipped_byte_of_CURRENT_and_of_the_manifest_is_found_or_is_a_cut_that_is_told()
    {
        var files = MakeStore(3);
        foreach (var path in (string[])["db/CURRENT", ManifestOf(files)])
            for (var at = 0; at < files.FileLength(path); at++)
                using (Damage(files, path, bytes => bytes[at] ^= 0x10))
                {
                    var report = StoreChecker.Check(files, "db");
                    var isTold = report.Notes.Any(n => n.Contains("cut short", StringComparison.Ordinal));
                    Assert.True(!report.IsSound || isTold, $"{path} byte {at}: {Show(report)}");
                }
        AssertSound(files);
    }

    [Fact]
    public void A_flipped_byte_in_the_log_is_found_or_is_a_cut_that_is_told()
    {
        var files = MakeStore(5);
        var path = files.ListFiles("db/log").Where(n => LogFiles.NumberOf(n) > 0).Select(n => "db/log/" + n).First(HasRecords);
        var before = StoreChecker.Check(files, "db");
        for (var at = 0; at < 600; at += at < 160 ? 1 : 5)
            using (Damage(files, path, bytes => bytes[at] ^= 0x01))
            {
                var report = StoreChecker.Check(files, "db");
                var isTold = report.Notes.Count > before.Notes.Count || report.LogRecords < before.LogRecords;
                Assert.True(!report.IsSound || isTold, $"{path} byte {at}: {Show(report)}");
                if (!report.IsSound) Assert.Contains(report.Problems, p => p.Path.StartsWith("db/log", StringComparison.Ordinal));
            }

        bool HasRecords(string segment) => LogInspector.InspectSegment(files, segment, null).Records > 3;
    }

    [Fact]
    public void Every_file_that_goes_missing_is_missed()
    {
        var files = MakeStore(7);
        var all = TablesOf(files).Append(ManifestOf(files)).Append("db/CURRENT").ToList();
        foreach (var path in all)
        {
            var bytes = files.ReadAllBytes(path);
            files.Delete(path);
            Assert.False(StoreChecker.Check(files, "db").IsSound, path);
            Write(files, path, bytes);
        }
        AssertSound(files);
        foreach (var name in files.ListFiles("db/log")) files.Delete("db/log/" + name);
        Assert.Contains(StoreChecker.Check(files, "db").Problems, p => p.Text.Contains("the log is missing", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_nobody_names_is_a_note()
    {
        var files = MakeStore(9);
        foreach (var path in (string[])["db/tables/00000000000fffff.table", "db/MANIFEST-99999999", "db/what", "db/log/what"])
        {
            Write(files, path, [1, 2, 3]);
            var report = StoreChecker.Check(files, "db");
            Assert.True(report.IsSound, Show(report));
            Assert.Contains(path, Assert.Single(report.Notes), StringComparison.Ordinal);
            files.Delete(path);
        }
    }

    [Fact]
    public void Level_zero_the_wrong_way_round_is_found() =>
        AssertOrderProblem("lies above a newer one", (version, _) => version.Levels[0] = [.. version.Levels[0].Reverse()], compact: false);

    [Fact]
    public void A_new_table_below_an_old_one_is_found() => AssertOrderProblem("lies above a newer one", (version, _) =>
    {
        version.Levels[3] = [version.Levels[0][0]];
        version.Levels[0] = version.Levels[0][1..];
    }, compact: false);

    [Fact]
    public void A_history_table_among_the_main_ones_is_found() => AssertOrderProblem("has an end", (version, _) =>
    {
        version.Levels[0] = [version.History[6][0]];
        version.History[6] = version.History[6][1..];
    }, compact: true);

    [Fact]
    public void A_main_table_among_the_history_is_found() => AssertOrderProblem("not after it began", (version, _) =>
    {
        version.History[0] = [version.Levels[6][0]];
        version.Levels[6] = version.Levels[6][1..];
    }, compact: true);

    // Two flushes of the tree's own, put back in another order: what each says of the other no longer holds.
    [Fact]
    public void A_range_delete_on_the_wrong_side_of_what_it_covers_is_found()
    {
        AssertOrderProblem("lies below an older range delete", Swap, compact: false, rangesFirst: true);
        AssertOrderProblem("lies above a newer range delete", Swap, compact: false, rangesFirst: false);

        static void Swap((TableMeta[][] Levels, TableMeta[][] History) version, ManifestState state) =>
            version.Levels[0] = [.. version.Levels[0].Reverse()];
    }

    [Fact]
    public void Numbers_of_the_manifest_that_are_not_those_of_the_table_are_found()
    {
        (string Text, Func<TableMeta, TableMeta> Change)[] lies =
        [
            ("entries", m => m with { Entries = m.Entries + 1 }), ("deletes", m => m with { Deletes = m.Deletes + 1 }),
            ("range deletes", m => m with { RangeDeletes = m.RangeDeletes + 1 }), ("first version", m => m with { MinVersion = m.MinVersion - 1 }),
            ("last version", m => m with { MaxVersion = m.MaxVersion - 1 }), ("first expiry", m => m with { MinExpiry = m.MinExpiry + 1 }),
            ("last end", m => m with { MaxEnd = m.MaxEnd + 1 }), ("smallest key", m => m with { Smallest = [.. m.Smallest[..^1]] }),
            ("largest key", m => m with { Largest = [.. m.Largest, 1] }), ("largest key", m => m with { LargestExclusive = !m.LargestExclusive }),
            ("bytes", m => m with { FileBytes = m.FileBytes + 1 }), ("above the next table id", m => m with { Id = m.Id + 10_000 }),
        ];
        foreach (var (text, change) in lies)
            AssertOrderProblem(text, (version, _) => version.Levels[0][0] = change(version.Levels[0][0]), compact: false);
    }

    [Fact]
    public void A_log_that_begins_too_late_or_belongs_to_another_is_found()
    {
        var files = MakeStore(11);
        Rewrite(files, state => state with { AppliedPosition = 0 });
        Assert.Contains(StoreChecker.Check(files, "db").Problems, p => p.Text.Contains("the log begins at position", StringComparison.Ordinal));

        files = MakeStore(11);
        Rewrite(files, state => state with { DatabaseId = new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) });
        Assert.Contains(StoreChecker.Check(files, "db").Problems, p => p.Text.Contains("the log belongs to database", StringComparison.Ordinal));
    }

    static void AssertOrderProblem(
        string text, Action<(TableMeta[][] Levels, TableMeta[][] History), ManifestState> change, bool compact, bool? rangesFirst = null)
    {
        var files = rangesFirst is null ? MakeStore(13, compact) : MakeRanges(rangesFirst.Value);
        Rewrite(files, state =>
        {
            var levels = (state.Version.Levels.ToArray(), state.Version.History.ToArray());
            change(levels, state);
            return state with { Version = new TreeVersion(levels.Item1, levels.Item2) };
        });
        var report = StoreChecker.Check(files, "db");
        Assert.True(report.Problems.Any(p => p.Text.Contains(text, StringComparison.Ordinal)), $"expected '{text}': {Show(report)}");
    }

    // Two tables on level 0 with versions of the same keys, and a log behind them; or, compacted, one level and its history.
    static MemoryFileSystem MakeStore(ulong seed, bool compact = false)
    {
        var files = new MemoryFileSystem();
        var random = new SeededRandom(seed);
        using var scheduler = new ThreadScheduler();
        using var environment = new StorageEnvironment(new StorageOptions { Files = files, Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using var tree = Tree.Open(environment, "db", new TreeOptions
        {
            Policy = new UniformTreePolicy { HistoryFloor = SystemTime.None },
            BlockBytes = 512,
            LogSegmentBytes = 64 << 10,
            Compaction = new CompactionOptions { Automatic = false },
        });
        var value = new byte[40];
        ulong time = 1000;
        for (var round = 0; round < 3; round++)
        {
            for (var n = 0; n < 60; n++)
            {
                random.Fill(value);
                var batch = new WriteBatch { SystemTime = new SystemTime(++time) };
                batch.Put(Encoding.ASCII.GetBytes($"key{n:D3}"), value, n % 9 == 0 ? new SystemTime(time + 5000) : default);
                if (n % 7 == 0) batch.Delete(Encoding.ASCII.GetBytes($"key{n:D3}x"));
                if (n == 30) batch.DeleteRange("key100"u8, "key200"u8);
                tree.Write(batch);
            }
            if (round < 2) tree.Flush();
        }
        if (compact) tree.CompactAll();
        return files;
    }

    // Two tables on level 0: one with a key, one with a range delete over it.
    static MemoryFileSystem MakeRanges(bool rangesFirst)
    {
        var files = new MemoryFileSystem();
        using var scheduler = new ThreadScheduler();
        using var environment = new StorageEnvironment(new StorageOptions { Files = files, Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using var tree = Tree.Open(environment, "db", new TreeOptions
        {
            Policy = new UniformTreePolicy { HistoryFloor = SystemTime.None },
            Compaction = new CompactionOptions { Automatic = false },
        });
        // At the bottom there would be nothing to delete, and the range delete would go to the history at once.
        tree.Put("a"u8, "under all"u8, new SystemTime(1));
        tree.Put("z"u8, "under all"u8, new SystemTime(2));
        tree.Flush();
        for (ulong time = 10; time < 12; time++)
        {
            var batch = new WriteBatch { SystemTime = new SystemTime(time) };
            if (rangesFirst == (time == 10)) batch.DeleteRange("a"u8, "z"u8);
            else batch.Put("k"u8, "value"u8);
            tree.Write(batch);
            tree.Flush();
        }
        return files;
    }

    static void Rewrite(MemoryFileSystem files, Func<ManifestState, ManifestState> change)
    {
        var (state, number, _) = Manifest.Read(files, "db");
        files.Delete("db/CURRENT");
        files.Delete("db/" + Manifest.NameOf(number));
        using var manifest = Manifest.Create(files, "db", change(state));
    }

    static string ManifestOf(MemoryFileSystem files) => "db/" + Manifest.NameOf(Manifest.Read(files, "db").Number);

    static List<string> TablesOf(MemoryFileSystem files) => [.. files.ListFiles("db/tables").Select(n => "db/tables/" + n)];

    // Damages a file until the result is disposed.
    static Restore Damage(MemoryFileSystem files, string path, Action<byte[]> change)
    {
        var before = files.ReadAllBytes(path);
        var after = (byte[])before.Clone();
        change(after);
        Write(files, path, after);
        return new Restore(() => Write(files, path, before));
    }

    static void Write(MemoryFileSystem files, string path, byte[] bytes)
    {
        using var file = files.Create(path);
        file.Append(bytes);
    }

    static void AssertSound(MemoryFileSystem files)
    {
        var report = StoreChecker.Check(files, "db");
        Assert.True(report.IsSound && report.Notes.Count == 0, Show(report));
    }

    static string Show(CheckReport report) => string.Join('\n', report.Problems.Take(10).Select(p => p.ToString()).Concat(report.Notes).Prepend("found:"));

    sealed class Restore(Action undo) : IDisposable
    {
        public void Dispose() => undo();
    }
}
