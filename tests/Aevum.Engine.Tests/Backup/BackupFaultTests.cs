using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;
using Aevum.Testing;

namespace Aevum.Engine.Tests.Backup;

/// <summary>Whatever happens to the disk of the backups: there is a whole new backup or none, and the earlier ones are as they were.</summary>
public sealed class BackupFaultTests
{
    static void Write(BackupWorld world, int round)
    {
        for (var i = 0; i < 40; i++) world.Put(($"a{i:D2}", $"{round} {i}"), ($"m{i:D2}", $"{round} {i}"), ($"z{i:D2}", $"{round}"));
        world.Shards.Flush();
        for (var i = 0; i < 5; i++) world.Put(($"a{i:D2}", $"{round}+{i}"), ($"z{i:D2}", $"{round}+{i}"));
    }

    // Everything that can be read must be whole, hold what it held, and be sound in every byte.
    static void AssertWhole(BackupWorld world, IReadOnlyDictionary<ulong, string> states, string? orAlso)
    {
        var list = world.List();
        Assert.Empty(list.Problems);
        var report = world.Verify();
        Assert.Empty(report.Problems);
        Assert.All(states.Keys, id => Assert.Contains(list.Backups, b => b.Id == id));
        Assert.InRange(list.Backups.Count, states.Count, states.Count + (orAlso is null ? 0 : 1));
        foreach (var backup in list.Backups) Assert.Equal(states.GetValueOrDefault(backup.Id) ?? orAlso, world.Restored(id: backup.Id));
    }

    [Theory]
    [InlineData(PowerCutMode.Random)]
    [InlineData(PowerCutMode.LoseUnsynced)]
    public void A_power_cut_at_any_operation_leaves_a_whole_backup_or_none(PowerCutMode mode)
    {
        using var world = new BackupWorld();
        var files = new FaultyFileSystem(1);
        world.StoreFiles = files;
        Write(world, 1);
        world.Backup();
        var states = new Dictionary<ulong, string> { [1] = world.Scan() };
        Write(world, 2);
        var state = world.Scan();
        for (var cut = 1; ; cut++)
        {
            // The first backup, then a second one that is cut off at the nth change.
            files = new FaultyFileSystem((ulong)cut);
            CopyStore(world.StoreFiles, files);
            var step = new BackupWorldView(world, files);
            files.Plan.PowerCutAt = files.ChangeCount + cut;
            files.Plan.PowerCutMode = mode;
            var isDone = false;
            try
            {
                step.Backup();
                isDone = true;
            }
            catch (AevumException failure)
            {
                Assert.Equal(ErrorCode.Closed, failure.Code);
            }
            var after = new BackupWorldView(world, files.Successor ?? files);
            after.Run(w => AssertWhole(w, states, state));
            // And the next one finds nothing in its way.
            if (cut % 7 == 0 && !isDone) after.Run(w => Assert.Equal(state, w.Restored(id: w.Backup().Id)));
            if (isDone && files.Successor is null) break;
        }
    }

    [Fact]
    public void A_failure_of_any_operation_is_an_error_and_leaves_a_whole_backup_or_none()
    {
        using var world = new BackupWorld();
        world.StoreFiles = new FaultyFileSystem(1);
        Write(world, 1);
        world.Backup();
        var states = new Dictionary<ulong, string> { [1] = world.Scan() };
        Write(world, 2);
        var state = world.Scan();
        foreach (var operation in Enum.GetValues<FileOperation>())
        {
            for (var nth = 1; ; nth++)
            {
                var files = new FaultyFileSystem((ulong)nth);
                CopyStore(world.StoreFiles, files);
                files.Plan.FailNth(operation, nth);
                var before = files.Plan.CountOf(operation);
                var view = new BackupWorldView(world, files);
                try
                {
                    view.Backup();
                }
                catch (AevumException)
                {
                }
                var hit = files.Plan.CountOf(operation) - before >= nth;
                files.Plan.Heal();
                if (nth % 5 == 1) view.Run(w => AssertWhole(w, states, state));
                if (!hit) break;
            }
        }
    }

    [Fact]
    public void A_full_disk_is_said_so_and_the_space_comes_back()
    {
        using var world = new BackupWorld();
        var files = new FaultyFileSystem(1);
        world.StoreFiles = files;
        Write(world, 1);
        world.Backup();
        var states = new Dictionary<ulong, string> { [1] = world.Scan() };
        Write(world, 2);
        var state = world.Scan();
        var succeeded = false;
        for (long room = 0; !succeeded; room += 4096)
        {
            var small = new FaultyFileSystem(1);
            CopyStore(files, small);
            var tables = small.ListFiles($"{BackupWorld.Store}/tables");
            small.Plan.CapacityBytes = UsedPages(small) + room;
            var view = new BackupWorldView(world, small);
            try
            {
                view.Backup();
                succeeded = true;
            }
            catch (AevumException failure)
            {
                Assert.Equal(ErrorCode.DiskFull, failure.Code);
                Assert.Equal(tables, small.ListFiles($"{BackupWorld.Store}/tables"));   // a piece of log may stay: it takes the first backup further
            }
            small.Plan.CapacityBytes = null;
            view.Run(w => AssertWhole(w, states, succeeded ? state : null));
        }
    }

    [Theory, Seeds(20)]
    public void A_byte_that_changed_anywhere_is_found_and_its_file_is_named(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var world = new BackupWorld();
        Write(world, 1);
        world.Backup();
        Write(world, 2);
        world.Backup();
        var paths = new[] { "", "/backups", "/log", "/tables" }
            .SelectMany(f => world.StoreFiles.ListFiles(BackupWorld.Store + f).Select(n => FilePaths.Combine(BackupWorld.Store + f, n)))
            .Where(p => !p.EndsWith("LOCK", StringComparison.Ordinal)).ToArray();
        var path = paths[random.Next(paths.Length)];
        var bytes = world.StoreFiles.ReadAllBytes(path);
        var kind = random.Next(8);
        if (kind == 0) bytes = bytes[..random.Next(bytes.Length)];
        else if (kind == 1) bytes = [.. bytes, 0];
        else bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        if (kind == 2) world.StoreFiles.Delete(path);
        else
            using (var file = world.StoreFiles.Create(path)) file.Append(bytes);
        if (kind == 2 && path.EndsWith(".backup", StringComparison.Ordinal)) return;   // then there is one backup less, as if it had been deleted
        if (kind == 2 && path.EndsWith("BACKUPS", StringComparison.Ordinal))
        {
            Assert.Equal(ErrorCode.NotFound, Assert.ThrowsAny<AevumException>(() => world.Verify()).Code);
            return;
        }
        var report = world.Verify();
        Assert.Contains(report.Problems, p => p.Path == path || p.Text.Contains(path, StringComparison.Ordinal));
        // What is damaged is not restored, what is not is.
        if (path.EndsWith("BACKUPS", StringComparison.Ordinal)) return;
        foreach (var id in (ulong[])[1, 2])
        {
            if (report.Damaged.Contains(id))
            {
                Assert.Equal(ErrorCode.Corruption, RefusalOf(() => world.Restore("nowhere", id: id)));
                Assert.False(world.Files.DirectoryExists("nowhere"));
            }
            else world.Restored(id: id);
        }
        Assert.NotEmpty(report.Damaged);
    }

    static ErrorCode RefusalOf(Action action)
    {
        var refusal = Assert.ThrowsAny<AevumException>(action);
        return refusal.Code is ErrorCode.UnsupportedFormat or ErrorCode.NotFound ? ErrorCode.Corruption : refusal.Code;
    }

    [Fact]
    public void A_damaged_table_of_the_database_stops_the_backup()
    {
        using var world = new BackupWorld();
        Write(world, 1);
        world.Shards.WaitIdle();
        var path = FilePaths.Combine("db/shards/00000001/tables", world.Files.ListFiles("db/shards/00000001/tables")[0]);
        var bytes = world.Files.ReadAllBytes(path);
        bytes[10] ^= 1;
        using (var file = world.Files.Create(path)) file.Append(bytes);
        var refusal = Assert.ThrowsAny<AevumException>(() => world.Backup());
        Assert.Equal(ErrorCode.Corruption, refusal.Code);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        Assert.Empty(world.List().Backups);
        // Without the check it is copied as it is, and a verification finds it.
        Assert.Empty(world.Verify().Problems);
        world.Backup(new BackupOptions { CheckTables = false });
        Assert.NotEmpty(world.Verify().Problems);
    }

    static void CopyStore(IFileSystem from, FaultyFileSystem to)
    {
        to.CreateDirectoryDurably(BackupWorld.Store);
        foreach (var folder in (string[])["", "/backups", "/log", "/tables"])
        {
            if (folder.Length > 0) to.CreateDirectoryDurably(BackupWorld.Store + folder);
            foreach (var name in from.ListFiles(BackupWorld.Store + folder))
            {
                using var file = to.Create($"{BackupWorld.Store}{folder}/{name}");
                file.Append(from.ReadAllBytes($"{BackupWorld.Store}{folder}/{name}"));
                file.Sync();
            }
            to.SyncDirectory(BackupWorld.Store + folder);
        }
    }

    static long UsedPages(IFileSystem files) => Sizes(files).Sum(s => (s + 4095) / 4096 * 4096);

    static IEnumerable<long> Sizes(IFileSystem files) => new[] { "", "/backups", "/log", "/tables" }.SelectMany(
        f => files.ListFiles(BackupWorld.Store + f).Where(n => n != "LOCK").Select(n => files.FileLength($"{BackupWorld.Store}{f}/{n}")));

    /// <summary>The same database, with another disk for its backups.</summary>
    sealed class BackupWorldView(BackupWorld world, IFileSystem files)
    {
        public void Backup() => Run(w => w.Backup());

        public void Run(Action<BackupWorld> action)
        {
            var before = world.StoreFiles;
            world.StoreFiles = files;
            try
            {
                action(world);
            }
            finally
            {
                world.StoreFiles = before;
            }
        }
    }
}
