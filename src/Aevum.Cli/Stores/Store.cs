// Store: a tree in a directory, with the threads, memory and clock it needs: the parts put together once for all commands.
//
// History is kept forever, and every command opens with that policy: a store opened with a shorter one would lose its past at the next
// compaction. Acknowledged writes survive the death of the process (sync = os).

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Cli.Stores;

sealed class Store : IDisposable
{
    const long CacheBytes = 64 << 20;
    const int LogSegmentBytes = 16 << 20;

    readonly ThreadScheduler _scheduler;
    readonly StorageEnvironment _environment;

    Store(ThreadScheduler scheduler, StorageEnvironment environment, Tree tree)
    {
        _scheduler = scheduler;
        _environment = environment;
        Tree = tree;
        // A person sits before it and machines sleep: a wall clock that went on meanwhile is followed.
        Clock = new HybridClock(scheduler.Time, tree.AppliedTime, new HybridClockOptions { JumpBound = TimeSpan.FromDays(3660) });
    }

    public Tree Tree { get; }

    public HybridClock Clock { get; }

    public TimeProvider Time => _scheduler.Time;

    /// <summary>Opens the store in a directory, or makes one.</summary>
    /// <param name="directory">Where it is.</param>
    /// <param name="create">False: what is no store is refused with NotFound, and left alone.</param>
    public static Store Open(string directory, bool create)
    {
        var files = new DiskFileSystem();
        if (!create) RequireStore(files, directory);
        var scheduler = new ThreadScheduler();
        StorageEnvironment? environment = null;
        try
        {
            environment = new StorageEnvironment(new StorageOptions { Files = files, Scheduler = scheduler, BlockCacheBytes = CacheBytes });
            return new Store(scheduler, environment, Tree.Open(environment, directory, Options));
        }
        catch
        {
            environment?.Dispose();
            scheduler.Dispose();
            throw;
        }
    }

    static TreeOptions Options { get; } = new()
    {
        Policy = new UniformTreePolicy { HistoryFloor = SystemTime.None, Compression = Compression.Lz4 },
        LogSegmentBytes = LogSegmentBytes,
    };

    /// <exception cref="AevumException">NotFound: nothing in the directory speaks of a store.</exception>
    public static void RequireStore(IFileSystem files, string directory)
    {
        if (!files.DirectoryExists(directory)) throw new AevumException(ErrorCode.NotFound, $"{directory}: there is no such directory");
        if (!Manifest.Exists(files, directory))
            throw new AevumException(ErrorCode.NotFound, $"{directory} holds no store (no {Manifest.CurrentName} in it)");
    }

    /// <summary>A time for the next batch. One process writes, and starts above all that was applied: no ceiling need be logged.</summary>
    public SystemTime NextTime()
    {
        if (Clock.CeilingNeedsRenewal) Clock.RaiseCeiling(Clock.SuggestCeiling());
        return Clock.Next();
    }

    /// <summary>This moment: every write after it has a later time.</summary>
    public SystemTime Now()
    {
        var now = Clock.Now;
        Clock.Observe(now);
        return now;
    }

    public void Dispose()
    {
        Tree.Dispose();
        _environment.Dispose();
        _scheduler.Dispose();
    }
}
