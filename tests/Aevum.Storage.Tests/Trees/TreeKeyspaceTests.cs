using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

/// <summary>Keyspaces of one tree that keep different histories.</summary>
public sealed class TreeKeyspaceTests
{
    const ulong Kept = 1;
    const ulong Forgetful = 2;

    sealed class Policy : ITreePolicy
    {
        public int KeyspacePrefixBytes => 8;

        public Compression CompressionOf(ulong keyspace) => Compression.None;

        public IMergeOperator? MergeOperatorOf(ulong keyspace) => null;

        public SystemTime HistoryFloorOf(ulong keyspace) => keyspace == Forgetful ? SystemTime.Max : SystemTime.None;
    }

    static byte[] Key(ulong keyspace, string text = "")
    {
        var key = new byte[8 + text.Length];
        BinaryPrimitives.WriteUInt64BigEndian(key, keyspace);
        System.Text.Encoding.ASCII.GetBytes(text, key.AsSpan(8));
        return key;
    }

    static void Write(Tree tree, ulong time)
    {
        var batch = new WriteBatch { SystemTime = new(time) };
        batch.Put(Key(Kept, "k"), [(byte)time]);
        batch.Put(Key(Forgetful, "k"), [(byte)time]);
        tree.Write(batch);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_keyspace_without_history_does_not_take_that_of_its_neighbours(bool reopened)
    {
        using var scheduler = new ThreadScheduler();
        using var environment = new StorageEnvironment(
            new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        var options = new TreeOptions { Policy = new Policy() };
        var tree = Tree.Open(environment, "db", options);
        for (ulong time = 1; time <= 12; time++)
        {
            Write(tree, time);
            if (time % 2 == 0) tree.Flush();   // some versions end inside of one flush, some between two
        }
        if (reopened)
        {
            tree.Dispose();
            tree = Tree.Open(environment, "db", options);
        }
        tree.CompactAll();
        for (ulong time = 1; time <= 12; time++) Assert.Equal([(byte)time], tree.Get(Key(Kept, "k"), ReadPoint.AsOf(new(time)))!);
        Assert.Equal(12, tree.VersionsOf(Key(Kept, "k")).Count);
        Assert.Throws<HistoryUnavailableException>(() => tree.Get(Key(Forgetful, "k"), ReadPoint.AsOf(new(6))));
        tree.Dispose();
    }

    [Fact]
    public void A_past_scan_of_one_keyspace_does_not_ask_for_the_floor_of_the_next()
    {
        using var scheduler = new ThreadScheduler();
        using var environment = new StorageEnvironment(
            new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using var tree = Tree.Open(environment, "db", new TreeOptions { Policy = new Policy() });
        for (ulong time = 1; time <= 3; time++) Write(tree, time);

        // The end of the prefix is where the next keyspace begins, which keeps nothing.
        using (var iterator = tree.Iterate(IterateOptions.OfPrefix(Key(Kept), ReadPoint.AsOf(new(2)))))
        {
            iterator.SeekToFirst();
            Assert.True(iterator.Valid);
            Assert.Equal([2], iterator.Value.ToArray());
            iterator.Next();
            Assert.False(iterator.Valid);
        }
        Assert.Throws<HistoryUnavailableException>(() =>
            tree.Iterate(new IterateOptions { Point = ReadPoint.AsOf(new(2)), Start = Key(Kept), End = Key(Forgetful, "a") }));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_past_scan_over_many_keyspaces_is_refused_once_one_between_may_have_forgotten(bool flushed)
    {
        using var scheduler = new ThreadScheduler();
        using var environment = new StorageEnvironment(
            new StorageOptions { Files = new MemoryFileSystem(), Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        using var tree = Tree.Open(environment, "db", new TreeOptions { Policy = new Policy() });
        for (ulong time = 1; time <= 3; time++) Write(tree, time);
        var batch = new WriteBatch { SystemTime = new(4) };
        if (flushed) batch.Delete(Key(Forgetful, "k"));     // then nothing is left of it to come across
        batch.Put(Key(Forgetful + 1, "k"), [4]);
        tree.Write(batch);
        if (flushed)
        {
            tree.Flush();
            tree.CompactAll();
        }
        var options = new IterateOptions { Point = ReadPoint.AsOf(new(2)), Start = Key(Kept), End = Key(Forgetful + 2) };
        if (flushed)
        {
            Assert.Throws<HistoryUnavailableException>(() => tree.Iterate(options));
            return;
        }
        using var iterator = tree.Iterate(options);
        iterator.SeekToFirst();
        Assert.Equal(Key(Kept, "k"), iterator.Key.ToArray());
        iterator.Next();
        Assert.Equal(Key(Forgetful, "k"), iterator.Key.ToArray());
        Assert.Equal([2], iterator.Value.ToArray());
        iterator.Next();
        Assert.False(iterator.Valid);
    }
}
