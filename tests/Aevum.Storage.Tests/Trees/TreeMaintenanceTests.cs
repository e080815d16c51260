using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Tests.Trees;

/// <summary>Flushes and compactions asked for by hand, beside writers who never pause: each time a table is begun, so much is written that
/// another memtable waits for its flush.</summary>
public sealed class TreeMaintenanceTests : IDisposable
{
    readonly HeldFiles _files = new();
    readonly ThreadScheduler _scheduler = new();
    readonly StorageEnvironment _environment;
    readonly Tree _tree;
    readonly Lock _writing = new();
    ulong _time;

    public TreeMaintenanceTests()
    {
        _environment = new StorageEnvironment(new StorageOptions { Files = _files, Scheduler = _scheduler, BlockCacheBytes = 1 << 20 });
        _tree = Tree.Open(_environment, "db", new TreeOptions
        {
            Policy = new UniformTreePolicy { HistoryFloor = SystemTime.None },
            MemtableBytes = 256 << 10,
            Compaction = new CompactionOptions { Automatic = false, TableBytes = 16 << 10 },
        });
    }

    public void Dispose()
    {
        _files.OnTable = null;
        _tree.Dispose();
        _environment.Dispose();
        _scheduler.Dispose();
        _files.Dispose();
    }

    void Put() => _tree.Put([(byte)(_time % 50)], new byte[1000], new SystemTime(++_time));

    void WriteUntilStopped()
    {
        if (!_writing.TryEnter()) return;   // a flush and a compaction may come together
        try
        {
            while (_tree.Pressure != WritePressure.Stop) Put();
        }
        finally
        {
            _writing.Exit();
        }
    }

    [Fact]
    public void A_flush_waits_for_what_was_written_before_it_and_no_longer()
    {
        for (var i = 0; i < 20; i++) Put();
        var before = _tree.AppliedPosition;
        _files.OnTable = WriteUntilStopped;
        _tree.Flush();
        Assert.InRange(_tree.FlushedPosition, before, _tree.AppliedPosition - 1);
    }

    [Fact]
    public void Compacting_all_takes_each_level_down_once()
    {
        for (var i = 0; i < 1000; i++) Put();
        _tree.WaitIdle();   // else two memtables may be waiting, and nothing is written beside
        var before = _time;
        _files.OnTable = WriteUntilStopped;
        _tree.CompactAll();
        _files.OnTable = null;

        var version = _tree.Version;
        foreach (var history in new[] { false, true })
        {
            var levels = version.Shape(history);
            for (var level = 1; level < TreeVersion.LevelCount - 1; level++) Assert.Empty(levels[level]);
            Assert.NotEmpty(levels[^1]);
        }
        Assert.All(version.Levels[0], table => Assert.True(table.MinVersion > before, "a table of before the call stayed above"));
        Assert.True(_time > before, "nothing was written meanwhile");
    }

    [Fact]
    public void Nothing_written_is_nothing_to_flush()
    {
        _tree.Flush();
        _tree.CompactAll();
        Assert.Empty(_tree.Version.AllTables);
        Assert.Equal(0, _tree.Statistics.Flushes);
    }
}
