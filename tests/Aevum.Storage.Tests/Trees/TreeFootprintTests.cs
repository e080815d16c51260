using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Trees;
using Xunit.Abstractions;

namespace Aevum.Storage.Tests.Trees;

[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>What open trees cost in memory while nothing happens in them. Alone, for it measures the process.</summary>
[Collection("alone")]
public sealed class TreeFootprintTests(ITestOutputHelper output) : IDisposable
{
    const int Trees = 100;
    const long BytesPerTreeMax = 2 << 20;

    // In memory where there is such a place: nothing here depends on the disk, and making a hundred trees syncs a thousand times.
    readonly string _home = Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory($"/dev/shm/aevum-footprint-{Environment.ProcessId}").FullName
        : Directory.CreateTempSubdirectory("aevum-footprint-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    // RssAnon holds the managed heap and all native memory; mapped log segments are the page cache's and not in it.
    static long Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        foreach (var line in File.ReadLines("/proc/self/status"))
            if (line.StartsWith("RssAnon:", StringComparison.Ordinal))
                return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], null) << 10;
        throw new InvalidOperationException("no RssAnon in /proc/self/status");
    }

    // Small log segments, for the test's own sake: they are mapped, and no part of what is measured.
    static readonly TreeOptions Options = new() { LogSegmentBytes = 1 << 20 };

    static void Write(Tree tree, ulong from)
    {
        for (ulong i = 0; i < 100; i++) tree.Put(BitConverter.GetBytes(i), new byte[100], new SystemTime(from + i));
    }

    [Fact]
    public void A_hundred_idle_trees_of_one_process_cost_little_each()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var scheduler = new ThreadScheduler();
        // Every tree has a table, and a log with records. Another environment, so that no memtable memory is left over for the measured ones.
        using (var maker = NewEnvironment(scheduler))
            for (var i = 0; i < Trees; i++)
            {
                using var tree = Tree.Open(maker, Path.Combine(_home, $"{i}"), Options);
                Write(tree, 1);
                tree.Flush();
                Write(tree, 1000);
            }

        using var environment = NewEnvironment(scheduler);
        var (before, managedBefore) = (Resident(), GC.GetTotalMemory(forceFullCollection: true));
        var trees = Enumerable.Range(0, Trees).Select(i => Tree.Open(environment, Path.Combine(_home, $"{i}"), Options)).ToList();
        var (opened, managedOpened) = (Resident(), GC.GetTotalMemory(forceFullCollection: true));
        foreach (var tree in trees) Write(tree, 2000);
        var (written, managedWritten) = (Resident(), GC.GetTotalMemory(forceFullCollection: true));
        output.WriteLine($"a tree opened: {(opened - before) / Trees} bytes, {(managedOpened - managedBefore) / Trees} of them managed; "
            + $"after 100 small writes: {(written - before) / Trees}, {(managedWritten - managedBefore) / Trees} of them managed");
        var arenas = environment.Arenas.OutstandingBytes / Trees;
        output.WriteLine($"of that in memtables: {arenas}");
        foreach (var tree in trees) tree.Dispose();

        Assert.InRange((opened - before) / Trees, long.MinValue, BytesPerTreeMax);
        Assert.InRange((written - before) / Trees, long.MinValue, BytesPerTreeMax);
        Assert.InRange((managedWritten - managedBefore) / Trees + arenas, 1, BytesPerTreeMax);
    }

    static StorageEnvironment NewEnvironment(IScheduler scheduler) => new(new StorageOptions { Files = new DiskFileSystem(), Scheduler = scheduler });
}
