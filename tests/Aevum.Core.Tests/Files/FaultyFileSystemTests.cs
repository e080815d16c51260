using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Files;

/// <summary>Without faults it is a file system like any other.</summary>
public abstract class FaultyFileSystemContract : FileSystemContract
{
    protected FaultyFileSystemContract(FaultPlan plan)
    {
        Files = new FaultyFileSystem(1, plan);
        Files.CreateDirectory(Home);
    }

    protected override IFileSystem Files { get; }

    protected override string Home => "home";
}

public sealed class MappedFaultyFileSystemTests() : FaultyFileSystemContract(new FaultPlan());

public sealed class StagedFaultyFileSystemTests()
    : FaultyFileSystemContract(new FaultPlan { RegionsAreMapped = false, FilesCanBeMapped = false });

public sealed class FaultyFileSystemTests
{
    static ErrorCode CodeOf(Action act) => Assert.ThrowsAny<AevumException>(act).Code;

    static FaultyFileSystem Quiet(ulong seed = 1) => new(seed, new FaultPlan { WriteBackProbability = 0 });

    static void Write(IFileSystem files, string path, string text, bool sync = false)
    {
        using var file = files.Create(path);
        file.Append(Encoding.UTF8.GetBytes(text));
        if (sync) file.Sync();
    }

    static string? Read(IFileSystem files, string path) =>
        files.FileExists(path) ? Encoding.UTF8.GetString(files.ReadAllBytes(path)) : null;

    [Fact]
    public void Only_what_was_synced_outlives_a_strict_power_cut()
    {
        var files = Quiet();
        files.CreateDirectoryDurably("d");
        Write(files, "d/whole", "whole", sync: true);
        Write(files, "d/empty", "lost");
        using (var file = files.Create("d/half"))
        {
            file.Append("kept"u8);
            file.Sync();
            file.Append(" lost"u8);
        }
        files.SyncDirectory("d");
        Write(files, "d/nameless", "content without a name", sync: true);
        files.Delete("d/whole");
        files.CreateDirectory("e");
        Write(files, "e/f", "x", sync: true);
        files.SyncDirectory("e");       // but "e" itself is not a durable name

        files = files.PowerCut(PowerCutMode.LoseUnsynced);
        Assert.Equal(["empty", "half", "whole"], files.ListFiles("d"));
        Assert.Equal("whole", Read(files, "d/whole"));
        Assert.Equal("", Read(files, "d/empty"));
        Assert.Equal("kept", Read(files, "d/half"));
        Assert.False(files.DirectoryExists("e"));
    }

    [Fact]
    public void A_lucky_power_cut_keeps_everything()
    {
        var files = Quiet();
        files.CreateDirectory("d");
        Write(files, "d/a", "text");
        files.Rename("d/a", "d/b");
        files = files.PowerCut(PowerCutMode.KeepAll);
        Assert.Equal("text", Read(files, "d/b"));
        Assert.Equal(["b"], files.ListFiles("d"));
    }

    [Fact]
    public void Killing_the_process_keeps_what_the_kernel_has()
    {
        var files = Quiet();
        files.CreateDirectory("d");
        var file = files.Create("d/a");
        file.Append("appended"u8);
        var mapped = files.CreateRegion("d/mapped", 8192);
        "stored"u8.CopyTo(mapped.GetSpan(10, 6));
        files.Plan.RegionsAreMapped = false;
        var staged = files.CreateRegion("d/staged", 8192);
        "published"u8.CopyTo(staged.GetSpan(10, 9));
        staged.Publish(10, 19);
        "stored"u8.CopyTo(staged.GetSpan(5000, 6));

        var next = files.KillProcess();
        Assert.Equal("appended", Read(next, "d/a"));
        Assert.Equal("stored"u8, next.ReadAllBytes("d/mapped").AsSpan(10, 6));
        Assert.Equal("published"u8, next.ReadAllBytes("d/staged").AsSpan(10, 9));
        Assert.Equal(0, next.ReadAllBytes("d/staged")[5000]);
        // The cache outlived the process but is not the disk.
        next = next.PowerCut(PowerCutMode.LoseUnsynced);
        Assert.False(next.DirectoryExists("d"));
    }

    [Fact]
    public void The_next_process_can_sync_what_the_dead_one_left_in_the_cache()
    {
        var files = Quiet();
        files.CreateDirectoryDurably("d");
        var mapped = files.CreateRegion("d/r", 8192);
        "published"u8.CopyTo(mapped.GetSpan(0, 9));
        mapped.Publish(0, 9);
        "only stored"u8.CopyTo(mapped.GetSpan(5000, 11));
        files = files.KillProcess();
        using (var again = files.OpenRegion("d/r")) again.Sync();
        files.SyncDirectory("d");
        files = files.PowerCut(PowerCutMode.LoseUnsynced);
        Assert.Equal("published"u8, files.ReadAllBytes("d/r").AsSpan(0, 9));
        Assert.Equal("only stored"u8, files.ReadAllBytes("d/r").AsSpan(5000, 11));
    }

    [Fact]
    public void After_the_end_nothing_old_works_and_nothing_old_does_harm()
    {
        var files = Quiet();
        Write(files, "a", "text");
        var read = files.OpenRead("a");
        var written = files.Create("b");
        var region = files.CreateRegion("r", 4096);
        var @lock = files.Lock("LOCK", "first");
        var span = region.GetSpan(0, 10);
        foreach (var end in new Func<FaultyFileSystem, FaultyFileSystem>[] { f => f.KillProcess(), f => f.PowerCut() })
        {
            var next = end(files);
            Assert.Equal(ErrorCode.Closed, CodeOf(() => read.Read(0, new byte[1])));
            Assert.Equal(ErrorCode.Closed, CodeOf(() => _ = read.Length));
            Assert.Equal(ErrorCode.Closed, CodeOf(() => written.Append("x"u8)));
            Assert.Equal(ErrorCode.Closed, CodeOf(written.Sync));
            Assert.Equal(ErrorCode.Closed, CodeOf(() => region.GetSpan(0, 1)));
            Assert.Equal(ErrorCode.Closed, CodeOf(() => region.Publish(0, 1)));
            var dead = files;
            Assert.Equal(ErrorCode.Closed, CodeOf(() => dead.Create("c")));
            Assert.Equal(ErrorCode.Closed, CodeOf(() => dead.FileExists("a")));
            Assert.Equal(ErrorCode.Closed, CodeOf(() => dead.PowerCut()));
            if (next.FileExists("r") && next.FileLength("r") >= 10)
            {
                span.Fill(1);       // a thread of the dead process that still stores into its span
                Assert.Equal(new byte[10], next.ReadAllBytes("r")[..10]);
            }
            read.Dispose();
            written.Dispose();
            region.Dispose();
            @lock.Dispose();
            using (next.Lock("LOCK", "second")) Assert.Equal(ErrorCode.Locked, CodeOf(() => next.Lock("LOCK", "third")));
            files = next;
            read = files.FileExists("a") ? files.OpenRead("a") : read;
        }
    }

    [Fact]
    public void The_boot_id_changes_with_the_machine_not_with_the_process()
    {
        var files = Quiet();
        var killed = files.KillProcess();
        Assert.Equal(files.BootId, killed.BootId);
        Assert.NotEqual(killed.BootId, killed.PowerCut().BootId);
    }

    [Fact]
    public void A_failed_append_leaves_its_length_and_can_be_made_again()
    {
        var prefixes = new HashSet<long>();
        for (var seed = 0UL; seed < 30; seed++)
        {
            var files = Quiet(seed);
            using var file = files.Create("a");
            file.Append("head "u8);
            files.Plan.FailNth(FileOperation.Append, 2);
            file.Append("body "u8);
            Assert.Equal(ErrorCode.InputOutput, CodeOf(() => file.Append("failing tail"u8)));
            Assert.Equal(10, file.Length);
            prefixes.Add(files.FileLength("a") - 10);
            file.Append("a good tail!"u8);
            Assert.Equal("head body a good tail!", Read(files, "a"));
        }
        Assert.Contains(0, prefixes);
        Assert.True(prefixes.Count > 5, "errors in the middle leave prefixes of many lengths");
    }

    [Fact]
    public void Every_kind_of_operation_can_fail_and_then_changes_nothing()
    {
        var files = Quiet();
        files.CreateDirectory("d");
        files.CreateDirectory("empty");
        Write(files, "d/a", "text");
        Write(files, "d/r", new string('r', 4096));
        files.Plan.RegionsAreMapped = false;
        using var file = files.Create("d/w");
        using var read = files.OpenRead("d/a");
        using var region = files.OpenRegion("d/r");
        var acts = new Dictionary<FileOperation, Action>
        {
            [FileOperation.OpenRead] = () => files.OpenRead("d/a").Dispose(),
            [FileOperation.Read] = () => read.Read(0, new byte[4]),
            [FileOperation.Create] = () => files.Create("d/new").Dispose(),
            [FileOperation.Append] = () => file.Append("x"u8),
            [FileOperation.CreateRegion] = () => files.CreateRegion("d/new", 4096).Dispose(),
            [FileOperation.OpenRegion] = () => files.OpenRegion("d/r").Dispose(),
            [FileOperation.Prepare] = () => region.Prepare(0, 10),
            [FileOperation.Publish] = () => region.Publish(0, 10),
            [FileOperation.Rename] = () => files.Rename("d/a", "d/new"),
            [FileOperation.Delete] = () => files.Delete("d/a"),
            [FileOperation.Link] = () => files.Link("d/a", "d/new"),
            [FileOperation.CreateDirectory] = () => files.CreateDirectory("d/new"),
            [FileOperation.DeleteDirectory] = () => files.DeleteDirectory("empty"),
            [FileOperation.List] = () => files.ListFiles("d"),
            [FileOperation.SyncDirectory] = () => files.SyncDirectory("d"),
            [FileOperation.Lock] = () => files.Lock("d/new", "me").Dispose(),
            [FileOperation.Sync] = file.Sync,
        };
        Assert.Equal(Enum.GetValues<FileOperation>().Length, acts.Count);
        foreach (var (operation, act) in acts)
        {
            files.Plan.FailNth(operation, 1, ErrorCode.DiskFull);
            Assert.Equal((operation, ErrorCode.DiskFull), (operation, CodeOf(act)));
            files.Plan.FailWithProbability(operation, 1);
            if (operation != FileOperation.Sync) Assert.Equal((operation, ErrorCode.InputOutput), (operation, CodeOf(act)));
            files.Plan.Heal();
            Assert.Equal(["a", "r", "w"], files.ListFiles("d"));
            Assert.True(files.DirectoryExists("empty"));
        }
    }

    [Fact]
    public void Faults_strike_only_the_files_they_are_meant_for()
    {
        var files = Quiet();
        Write(files, "table", "x");
        Write(files, "log", "x");
        files.Plan.Strikes = path => path == "log";
        files.Plan.FailWithProbability(FileOperation.OpenRead, 1);
        files.OpenRead("table").Dispose();
        Assert.Equal(ErrorCode.InputOutput, CodeOf(() => files.OpenRead("log")));
    }

    [Fact]
    public void A_failed_sync_is_final_and_may_have_written_anything()
    {
        var survived = new HashSet<string>();
        for (var seed = 0UL; seed < 40; seed++)
        {
            var files = Quiet(seed);
            var pages = new byte[3 * FaultyContent.PageBytes];
            Array.Fill(pages, (byte)'x');
            using (var file = files.Create("a"))
            {
                files.SyncDirectory("/");
                file.Append(pages);
                files.Plan.FailNth(FileOperation.Sync, 1);
                Assert.Equal(ErrorCode.InputOutput, CodeOf(file.Sync));
                Assert.Equal(ErrorCode.InputOutput, CodeOf(file.Sync));
                Assert.Equal(ErrorCode.InputOutput, CodeOf(() => file.Append(pages)));
            }
            // The cache still shows it whole, and a later sync by somebody else "succeeds": that is the trap.
            Assert.Equal(pages, files.ReadAllBytes("a"));
            using (var region = files.OpenRegion("a")) region.Sync();
            files = files.PowerCut(PowerCutMode.LoseUnsynced);
            var left = files.ReadAllBytes("a");
            survived.Add(string.Concat(Enumerable.Range(0, 3).Select(page => left[page * FaultyContent.PageBytes] == 'x' ? '1' : '0')));
        }
        Assert.Contains("000", survived);
        Assert.Contains("111", survived);
        Assert.True(survived.Count >= 6, $"of eight subsets of pages only {string.Join(' ', survived)} were seen");
    }

    [Fact]
    public void A_full_disk_takes_a_part_and_deleting_gives_it_back()
    {
        var files = Quiet();
        files.Plan.CapacityBytes = 10 * 4096;
        using (files.CreateRegion("r", 6 * 4096)) Assert.Equal(6 * 4096, files.UsedBytes);
        Assert.Equal(ErrorCode.DiskFull, CodeOf(() => files.CreateRegion("s", 5 * 4096)));
        Assert.False(files.FileExists("s"));
        using (var file = files.Create("a"))
        {
            file.Append(new byte[5000]);
            Assert.Equal(ErrorCode.DiskFull, CodeOf(() => file.Append(new byte[20_000])));
            Assert.Equal(5000, file.Length);
            Assert.Equal(4 * 4096, files.FileLength("a"));
            Assert.Equal(10 * 4096, files.UsedBytes);
            file.Append(new byte[4 * 4096 - 5000]);     // to the last byte of what it has
            Assert.Equal(ErrorCode.DiskFull, CodeOf(() => file.Append("x"u8)));
            Assert.Equal(ErrorCode.DiskFull, CodeOf(() => files.Create("b")));
            Assert.Equal(ErrorCode.DiskFull, CodeOf(() => files.CreateDirectory("d")));
            using (var region = files.OpenRegion("r"))
            {
                region.GetSpan(0, 5).Fill(1);           // allocated space stays writable
                region.Publish(0, 5);
                region.Sync();
            }
            files.Rename("r", "t");                     // needs none
            files.Delete("t");
            Assert.Equal(4 * 4096, files.UsedBytes);
            files.Delete("a");
            Assert.Equal(4 * 4096, files.UsedBytes);    // still open
        }
        Assert.Equal(0, files.UsedBytes);
        using (var file = files.Create("a")) file.Append(new byte[40_000]);
        files = files.PowerCut(PowerCutMode.KeepAll);
        Assert.Equal(40_960, files.UsedBytes);
    }

    [Fact]
    public void A_sync_of_a_range_keeps_the_pages_it_touches_and_no_others()
    {
        var files = new FaultyFileSystem(1, new FaultPlan { WriteBackProbability = 0 });
        using (var region = files.CreateRegion("r", 8 * 4096))
        {
            region.Sync();
            files.SyncDirectory("/");
            region.GetSpan(0, 8 * 4096).Fill(7);
            region.Publish(0, 8 * 4096);
            region.SyncRange(2 * 4096 + 4000, 4 * 4096 + 1);
            Assert.Equal(8 * 4096, region.GetSpan(0, 8 * 4096).Count((byte)7));
        }
        files = files.PowerCut(PowerCutMode.LoseUnsynced);
        using var left = files.OpenRegion("r");
        for (var page = 0; page < 8; page++) Assert.Equal(page is >= 2 and <= 4 ? 7 : 0, left.GetSpan(page * 4096L, 1)[0]);
    }

    [Fact]
    public void Bits_flip_where_they_are_told()
    {
        var files = Quiet();
        Write(files, "a", "abcdef", sync: true);
        files.SyncDirectory("/");
        files.FlipBit("a", 2, bit: 1);
        Assert.Equal("abadef", Read(files, "a"));
        files = files.PowerCut(PowerCutMode.LoseUnsynced);
        Assert.Equal("abadef", Read(files, "a"));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => files.FlipBit("a", 6)));

        files.Plan.FlipOnReadProbability = 1;
        Assert.NotEqual("abadef", Read(files, "a"));
        files.Plan.Heal();
        Assert.Equal("abadef", Read(files, "a"));
        files.Plan.FlipAtRestProbability = 1;
        var flipped = files.ReadAllBytes("a");
        files.Plan.Heal();
        Assert.Equal(flipped, files.ReadAllBytes("a"));
        var bits = flipped.Zip("abadef"u8.ToArray(), (x, y) => System.Numerics.BitOperations.PopCount((uint)(x ^ y))).Sum();
        Assert.Equal(1, bits);
    }

    [Fact]
    public void The_observer_may_cut_the_power_in_front_of_an_operation()
    {
        var files = Quiet();
        FaultyFileSystem? next = null;
        files.Plan.Observer = (operation, path) =>
        {
            if (operation == FileOperation.Rename && next is null) next = files.PowerCut(PowerCutMode.KeepAll);
        };
        Write(files, "a", "x");
        Assert.Equal(ErrorCode.Closed, CodeOf(() => files.Rename("a", "b")));
        Assert.Equal("x", Read(next!, "a"));
        Assert.Same(next, files.Successor);
    }
}
