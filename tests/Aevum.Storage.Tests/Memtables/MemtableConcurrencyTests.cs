// One writer, several readers, no lock: what readers see must be true at every moment. A fixed number of writes; readers go on until the
// writer is done, so every run ends. Each value says which key and version it belongs to, so a mix-up cannot pass for a value.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Storage.Iterators;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

public sealed class MemtableConcurrencyTests
{
    const int Writes = 30_000;

    sealed class World(KeyShape shape, ulong seed)
    {
        public readonly List<byte[]> Keys = MakeKeys(shape, seed);
        public int PublishedKeys;          // Keys[0 .. this) have been written at least once
        public ulong PublishedVersion;
        public bool IsDone;

        static List<byte[]> MakeKeys(KeyShape shape, ulong seed)
        {
            var source = new KeySource(shape, seed);
            var seen = new HashSet<byte[]>(KeyComparer.Instance);
            var keys = new List<byte[]>();
            for (var i = 0; i < Writes && keys.Count < Writes / 2; i++)
            {
                var key = source.Next();
                if (seen.Add(key)) keys.Add(key);
            }
            return keys;
        }
    }

    [Theory]
    [InlineData(KeyShape.CommonPrefix)]
    [InlineData(KeyShape.Rising)]
    [InlineData(KeyShape.Falling)]
    [InlineData(KeyShape.RandomBinary)]
    [InlineData(KeyShape.TiedWords)]
    [InlineData(KeyShape.LongPrefixes)]
    [InlineData(KeyShape.Keyspaces)]
    [InlineData(KeyShape.Localities)]
    public void Readers_beside_a_writer_see_what_was_written(KeyShape shape)
    {
        var world = new World(shape, 11);
        using var pool = new ArenaPool();
        using var memtable = new Memtable(pool);
        using (var scheduler = new ThreadScheduler(new ThreadSchedulerOptions { BackgroundThreads = 5, Seed = 1 }))
        {
            var readers = new[]
            {
                scheduler.Start("lookups", WorkClass.Background, _ => Run(world, 1, random => LookUp(world, memtable, random))),
                scheduler.Start("many lookups", WorkClass.Background, _ => Run(world, 5, random => LookUpMany(world, memtable, random))),
                scheduler.Start("forward", WorkClass.Background, _ => Run(world, 2, random => Walk(world, memtable, random, isForward: true))),
                scheduler.Start("backward", WorkClass.Background, _ => Run(world, 3, random => Walk(world, memtable, random, isForward: false))),
                scheduler.Start("histories", WorkClass.Background, _ => Run(world, 4, random => WalkHistory(world, memtable, random))),
            };
            Write(world, memtable);
            foreach (var reader in readers)
            {
                reader.Wait();
                Assert.Null(reader.Failure);
            }
        }
        TreeChecker.Check(memtable);
    }

    static void Write(World world, Memtable memtable)
    {
        var random = new SeededRandom(5);
        var value = new byte[40];
        try
        {
            for (ulong version = 1; version <= Writes; version++)
            {
                var isNew = world.PublishedKeys < world.Keys.Count && (world.PublishedKeys == 0 || random.OneIn(2));
                var index = isNew ? world.PublishedKeys : random.OneIn(2) ? random.Next(Math.Min(4, world.PublishedKeys)) : random.Next(world.PublishedKeys);
                FillValue(value, world.Keys[index], version);
                memtable.Add(EffectKind.Put, world.Keys[index], version, 0, value);
                if (version % 100 == 0) memtable.AddRangeDelete(world.Keys[0], [.. world.Keys[0], 1], version);
                if (isNew) Volatile.Write(ref world.PublishedKeys, index + 1);
                Volatile.Write(ref world.PublishedVersion, version);
            }
        }
        finally
        {
            Volatile.Write(ref world.IsDone, true);
        }
    }

    static Task Run(World world, ulong seed, Action<SeededRandom> act)
    {
        var random = new SeededRandom(seed);
        do act(random); while (!Volatile.Read(ref world.IsDone));
        return Task.CompletedTask;
    }

    static void LookUp(World world, Memtable memtable, SeededRandom random)
    {
        var published = Volatile.Read(ref world.PublishedKeys);
        if (published == 0) return;
        var key = world.Keys[random.Next(published)];
        if (!memtable.TryFind(key, ulong.MaxValue, out var found)) Assert.Fail("a key that was there is not found");
        AssertValue(key, found.Version, found.Value);
        if (memtable.TryFind(key, found.Version - 1, out var older))
        {
            Assert.True(older.Version < found.Version);
            AssertValue(key, older.Version, older.Value);
        }
        byte[] absent = [.. key, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7];
        if (memtable.TryFind(absent, ulong.MaxValue, out _)) Assert.Fail("a key that never was is found");
        var version = Volatile.Read(ref world.PublishedVersion);
        if (version >= 100) Assert.True(memtable.NewestRangeDeleteOver(world.Keys[0], ulong.MaxValue) >= version / 100 * 100);
    }

    static unsafe void LookUpMany(World world, Memtable memtable, SeededRandom random)
    {
        var published = Volatile.Read(ref world.PublishedKeys);
        if (published == 0) return;
        var asked = new byte[20][];
        for (var i = 0; i < asked.Length; i++) asked[i] = world.Keys[random.Next(published)];
        var native = new NativeKey[asked.Length];
        var found = new FoundVersion[asked.Length];
        fixed (byte* start = asked.SelectMany(k => k).Append((byte)0).ToArray())
        {
            for (int i = 0, offset = 0; i < asked.Length; offset += asked[i].Length, i++) native[i] = new(start + offset, asked[i].Length);
            if (memtable.FindMany(native, ulong.MaxValue, found) != asked.Length) Assert.Fail("keys that were there are not found");
        }
        for (var i = 0; i < asked.Length; i++) AssertValue(asked[i], found[i].Version, found[i].Value);
    }

    // A walk meets every key that was published before it began, in strict order.
    static void Walk(World world, Memtable memtable, SeededRandom random, bool isForward)
    {
        var published = Volatile.Read(ref world.PublishedKeys);
        if (published == 0) return;
        var expected = new HashSet<byte[]>(world.Keys.Take(Math.Min(published, 3000)), KeyComparer.Instance);
        var byNextKey = random.OneIn(2);
        byte[]? last = null;
        ulong lastVersion = 0;
        using var cursor = memtable.NewCursor();
        if (isForward) cursor.SeekToFirst();
        else cursor.SeekToLast();
        while (cursor.Valid)
        {
            AssertValue(cursor.Key, cursor.Version, cursor.Value);
            var order = last is null ? 1 : cursor.Key.SequenceCompareTo(last) * (isForward ? 1 : -1);
            if (order < 0) Assert.Fail("keys are out of order");
            if (order == 0)
            {
                if (isForward && byNextKey) Assert.Fail("a key was met twice");
                if (isForward ? cursor.Version >= lastVersion : cursor.Version <= lastVersion) Assert.Fail("versions are out of order");
            }
            else
            {
                last = cursor.Key.ToArray();
                expected.Remove(last);
            }
            lastVersion = cursor.Version;
            if (!isForward) cursor.Prev();
            else if (byNextKey) cursor.NextKey();
            else cursor.Next();
        }
        if (expected.Count != 0) Assert.Fail($"{expected.Count} keys were not met");
    }

    // The most overwritten key: every version that was there, in order, down and up again, and by seeking.
    static void WalkHistory(World world, Memtable memtable, SeededRandom random)
    {
        if (Volatile.Read(ref world.PublishedKeys) == 0) return;
        var key = world.Keys[0];
        using var cursor = memtable.NewCursor();
        var at = 1 + (ulong)random.Next((long)Volatile.Read(ref world.PublishedVersion));
        cursor.Seek(key, at);
        if (!cursor.Valid || !cursor.Key.SequenceEqual(key)) Assert.Fail("the first key has been there from version 1 on");
        var top = cursor.Version;
        if (top > at) Assert.Fail("a version above the asked one");
        var steps = 0;
        for (; steps < 50; steps++)
        {
            var before = cursor.Version;
            if (before == 1) break;
            cursor.Next();
            if (!cursor.Valid || !cursor.Key.SequenceEqual(key) || cursor.Version >= before) Assert.Fail("the history does not fall");
        }
        for (; steps > 0; steps--) cursor.Prev();
        Assert.Equal(top, cursor.Version);
        cursor.SeekBefore(key, top - 1);
        Assert.Equal(top, cursor.Version);
        AssertValue(key, top, cursor.Value);
    }

    static void FillValue(Span<byte> value, ReadOnlySpan<byte> key, ulong version)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(value, version);
        BinaryPrimitives.WriteUInt64LittleEndian(value[8..], Hash(key));
        value[16..].Fill((byte)version);
    }

    static void AssertValue(ReadOnlySpan<byte> key, ulong version, ReadOnlySpan<byte> value)
    {
        if (value.Length != 40 || BinaryPrimitives.ReadUInt64LittleEndian(value) != version || BinaryPrimitives.ReadUInt64LittleEndian(value[8..]) != Hash(key)
            || value[16..].ContainsAnyExcept((byte)version)) Assert.Fail("a value that does not belong to its key and version");
    }

    static ulong Hash(ReadOnlySpan<byte> key)
    {
        var hash = 14695981039346656037UL;
        foreach (var part in key) hash = (hash ^ part) * 1099511628211UL;
        return hash;
    }
}
