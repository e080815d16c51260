using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

public sealed class TreeIngestTests : IDisposable
{
    readonly MemoryFileSystem _files = new();
    readonly ThreadScheduler _scheduler = new();
    readonly StorageEnvironment _environment;
    readonly TreeOptions _options = new() { Policy = new UniformTreePolicy { HistoryFloor = SystemTime.None }, BlockBytes = 512 };
    Tree _tree;

    public TreeIngestTests()
    {
        _environment = new StorageEnvironment(new StorageOptions { Files = _files, Scheduler = _scheduler, BlockCacheBytes = 1 << 20 });
        _tree = Tree.Open(_environment, "db", _options);
    }

    public void Dispose()
    {
        _tree.Dispose();
        _environment.Dispose();
        _scheduler.Dispose();
    }

    static byte[] Key(int number) => System.Text.Encoding.ASCII.GetBytes($"key{number:d4}");

    static byte[] Value(int number, ulong version) => System.Text.Encoding.ASCII.GetBytes($"value {number} at {version}");

    /// <summary>A table of keys [from, to), each with the given versions, newest first.</summary>
    BuiltTable Build(int from, int to, params ulong[] versions)
    {
        using var builder = _tree.BuildTable();
        for (var number = from; number < to; number++)
            foreach (var version in versions) builder.Put(Key(number), new(version), Value(number, version));
        return builder.Finish();
    }

    int Count(ReadPoint point)
    {
        using var iterator = _tree.Iterate(new IterateOptions { Point = point });
        var count = 0;
        for (iterator.SeekToFirst(); iterator.Valid; iterator.Next()) count++;
        return count;
    }

    int TableFiles => _files.ListFiles(Path.Combine("db", TableStore.FolderName)).Count;

    void Reopen()
    {
        _tree.Dispose();
        _tree = Tree.Open(_environment, "db", _options);
    }

    void AssertRefused(params BuiltTable[] tables)
    {
        var before = Count(ReadPoint.Latest);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => _tree.Ingest(tables)).Code);
        Assert.Equal(before, Count(ReadPoint.Latest));
    }

    [Fact]
    public void Tables_become_part_of_the_tree_with_their_versions_and_survive()
    {
        _tree.Put("a"u8, "before"u8, new(5));
        _tree.Flush();   // a table of both would span what is taken in
        _tree.Put("z"u8, "behind"u8, new(6));
        _tree.Flush();
        _tree.Ingest([Build(200, 300, 30, 20, 10), Build(0, 100, 31, 21)]);

        for (var pass = 0; pass < 3; pass++)
        {
            Assert.Equal(202, Count(ReadPoint.Latest));
            Assert.Equal(Value(250, 30), _tree.Get(Key(250)));
            Assert.Equal(Value(250, 20), _tree.Get(Key(250), ReadPoint.AsOf(new(29))));
            Assert.Equal(Value(50, 21), _tree.Get(Key(50), ReadPoint.AsOf(new(30))));
            Assert.Null(_tree.Get(Key(50), ReadPoint.AsOf(new(20))));
            Assert.Equal(102, Count(ReadPoint.AsOf(new(10))));
            Assert.Equal([30UL, 20UL, 10UL], _tree.VersionsOf(Key(299)).Select(v => v.Version.Value));
            Assert.Equal(31UL, _tree.AppliedTime.Value);
            if (pass == 0) Reopen();
            else if (pass == 1) _tree.CompactAll();
        }

        // What is written later is newer.
        _tree.Put(Key(250), "new"u8, new(40));
        _tree.Flush();
        _tree.CompactAll();
        Assert.Equal("new"u8.ToArray(), _tree.Get(Key(250)));
        Assert.Equal(Value(250, 30), _tree.Get(Key(250), ReadPoint.AsOf(new(39))));
    }

    [Fact]
    public void Overlap_with_a_memtable_is_refused()
    {
        _tree.Put(Key(50), "mine"u8, new(5));
        AssertRefused(Build(0, 100, 10));
        AssertRefused(Build(50, 51, 10));
        AssertRefused(Build(10, 51, 10));
        _tree.Ingest([Build(0, 50, 10), Build(51, 100, 10)]);
        Assert.Equal(100, Count(ReadPoint.Latest));
        Assert.Equal("mine"u8.ToArray(), _tree.Get(Key(50)));
    }

    [Fact]
    public void Overlap_with_a_table_is_refused_even_where_it_holds_only_history()
    {
        _tree.Put(Key(50), "mine"u8, new(5));
        _tree.Flush();
        AssertRefused(Build(0, 100, 10));
        AssertRefused(Build(50, 60, 10));
        _tree.Delete(Key(50), new(6));
        _tree.CompactAll();
        AssertRefused(Build(0, 100, 10));
        Assert.Equal("mine"u8.ToArray(), _tree.Get(Key(50), ReadPoint.AsOf(new(5))));
        Assert.Null(_tree.Get(Key(50)));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Overlap_with_a_range_delete_is_refused(bool flushed)
    {
        var batch = new WriteBatch { SystemTime = new(20) };
        batch.DeleteRange(Key(10), Key(20));
        _tree.Write(batch);
        if (flushed) _tree.Flush();
        // The range delete is newer than what the table holds and would swallow it.
        AssertRefused(Build(0, 11, 10));
        AssertRefused(Build(19, 30, 10));
        _tree.Ingest([Build(0, 10, 10), Build(20, 30, 10)]);
        Assert.Equal(20, Count(ReadPoint.Latest));
    }

    [Fact]
    public void All_tables_are_taken_or_none()
    {
        _tree.Put(Key(250), "mine"u8, new(5));
        AssertRefused(Build(0, 100, 10), Build(200, 300, 10));
        AssertRefused(Build(0, 100, 10), Build(99, 120, 10));   // overlap each other
        Reopen();
        Assert.Equal(1, Count(ReadPoint.Latest));
        Assert.Equal(0, TableFiles);   // what was not taken in is gone
    }

    [Fact]
    public void A_table_that_was_not_finished_leaves_nothing()
    {
        using (var builder = _tree.BuildTable()) builder.Put(Key(1), new(10), "x"u8);
        Assert.Equal(0, TableFiles);
    }

    [Fact]
    public void A_table_is_taken_in_once()
    {
        var table = Build(0, 10, 10);
        _tree.Ingest([table]);
        AssertRefused(table);
        Assert.Equal(10, Count(ReadPoint.Latest));
    }

    [Fact]
    public void Keys_in_disorder_are_refused()
    {
        using var builder = _tree.BuildTable();
        builder.Put(Key(5), new(10), "x"u8);
        Assert.ThrowsAny<Exception>(() => builder.Put(Key(4), new(10), "x"u8));
    }

    // Between two compactions of a busy tree, with writers and readers beside.
    [Fact]
    public void Tables_are_taken_in_beside_writers()
    {
        var stop = false;
        Exception? failed = null;
        var writer = new Thread(() =>
        {
            try
            {
                for (ulong time = 1000; !Volatile.Read(ref stop); time++)
                {
                    _tree.Put(System.Text.Encoding.ASCII.GetBytes($"w{time % 500:d3}"), new byte[100], new(time));
                    if (time % 300 == 0) _tree.Flush();
                }
            }
            catch (Exception failure)
            {
                failed = failure;
            }
        });
        writer.Start();
        for (var i = 0; i < 10; i++) _tree.Ingest([Build(100 * i, 100 * i + 100, 20, 10)]);
        Volatile.Write(ref stop, true);
        writer.Join();
        Assert.Null(failed);
        Reopen();
        for (var i = 0; i < 1000; i++)
        {
            Assert.Equal(Value(i, 20), _tree.Get(Key(i)));
            Assert.Equal(Value(i, 10), _tree.Get(Key(i), ReadPoint.AsOf(new(15))));
        }
    }
}
