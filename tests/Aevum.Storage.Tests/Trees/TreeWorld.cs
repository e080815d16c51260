// TreeWorld: a tree in memory on one seeded thread, its model beside it, and random work on both.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Simulation.Storage;
using Aevum.Storage.Compaction;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

sealed class TreeWorld : IDisposable
{
    readonly IFileSystem _files;
    readonly IScheduler _scheduler;
    readonly StorageEnvironment _environment;
    readonly SeededRandom _random;
    readonly int _keys;
    ulong _time = 1000;

    public TreeWorld(ulong seed, SystemTime floor, IMergeOperator? merge = null, IFileSystem? files = null, IScheduler? scheduler = null,
        int keys = 400, long memtableBytes = 32 << 10)
    {
        _keys = keys;
        _random = new SeededRandom(seed);
        _files = files ?? new MemoryFileSystem();
        _scheduler = scheduler ?? new ThreadScheduler();
        _environment = new StorageEnvironment(new StorageOptions { Files = _files, Scheduler = _scheduler, BlockCacheBytes = 1 << 20 });
        Options = new TreeOptions
        {
            Policy = new UniformTreePolicy { HistoryFloor = floor, MergeOperator = merge },
            MemtableBytes = memtableBytes,
            BlockBytes = 512,
            LogSegmentBytes = 64 << 10,
            Compaction = new CompactionOptions { BaseLevelBytes = 64 << 10, TableBytes = 16 << 10, LevelMultiplier = 4, SubCompactionBytesMin = 32 << 10 },
        };
        Model = new TreeModel(_ => merge);
        Tree = Tree.Open(_environment, "db", Options);
    }

    public TreeOptions Options { get; }

    public Tree Tree { get; private set; }

    public TreeModel Model { get; }

    public SeededRandom Random => _random;

    public ulong Time => _time;

    public byte[] RandomKey() => System.Text.Encoding.ASCII.GetBytes("key" + _random.Next(_keys).ToString("D4", null));

    public void WriteRandomBatch(bool merges)
    {
        var batch = new WriteBatch { SystemTime = new SystemTime(_time += (ulong)_random.Next(1, 5)) };
        for (var i = _random.Next(1, 6); i > 0; i--)
        {
            switch (_random.Next(20))
            {
                case < 2: batch.Delete(RandomKey()); break;
                case 2 when _random.OneIn(3):
                    var (a, b) = (RandomKey(), RandomKey());
                    if (KeyComparer.Instance.Compare(a, b) > 0) (a, b) = (b, a);
                    batch.DeleteRange(a, b);
                    break;
                case < 7 when merges: batch.Merge(RandomKey(), RandomValue(_random.Next(1, 9))); break;
                case 8: batch.Put(RandomKey(), RandomValue(_random.Next(60)), new SystemTime(_time + (ulong)_random.Next(1, 400))); break;
                default: batch.Put(RandomKey(), RandomValue(_random.Next(200))); break;
            }
        }
        if (batch.Count == 0) return;
        Tree.Write(batch);
        Model.Append(batch.Encoded);
    }

    byte[] RandomValue(int length)
    {
        var value = new byte[length];
        _random.Fill(value);
        return value;
    }

    public void Reopen()
    {
        Tree.Dispose();
        Tree = Tree.Open(_environment, "db", Options);
    }

    /// <summary>Compares point reads and scans in both directions at one read point.</summary>
    public void Check(ReadPoint point)
    {
        var (at, now) = (point.At.Value, point.Now.Value);
        foreach (var key in Model.Keys)
        {
            var expected = Model.Get(key, at, now);
            var found = Tree.Get(key, point);
            Assert.True(expected?.Value.AsSpan().SequenceEqual(found) ?? found is null,
                $"key {System.Text.Encoding.ASCII.GetString(key)} at {at}: expected {Show(expected?.Value)}, found {Show(found)}");
        }
        var scan = Model.Scan(at, now);
        using var iterator = Tree.Iterate(new IterateOptions { Point = point });
        var i = 0;
        for (iterator.SeekToFirst(); iterator.Valid; iterator.Next(), i++)
        {
            Assert.True(i < scan.Count, "the iterator shows more keys than there are");
            Assert.Equal(scan[i].Key, iterator.Key.ToArray());
            Assert.Equal(scan[i].Found.Value, iterator.Value.ToArray());
        }
        Assert.Equal(scan.Count, i);
        for (iterator.SeekToLast(); iterator.Valid; iterator.Prev())
        {
            i--;
            Assert.Equal(scan[i].Key, iterator.Key.ToArray());
            Assert.Equal(scan[i].Found.Value, iterator.Value.ToArray());
        }
        Assert.Equal(0, i);
    }

    static string Show(byte[]? value) =>
        value is null ? "nothing" : Convert.ToHexString(value.AsSpan(0, Math.Min(8, value.Length))) + $" ({value.Length} bytes)";

    public void Dispose()
    {
        Tree.Dispose();
        _environment.Dispose();
        _scheduler.Dispose();
    }
}
