using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

public sealed class MemtableTests : IDisposable
{
    readonly ArenaPool _pool = new();

    public void Dispose()
    {
        Assert.Equal(0, _pool.OutstandingBytes);
        _pool.Dispose();
    }

    public static TheoryData<KeyShape, ulong> Mixes()
    {
        var data = new TheoryData<KeyShape, ulong>();
        foreach (var shape in Enum.GetValues<KeyShape>())
            for (ulong seed = 1; seed <= 2; seed++) data.Add(shape, seed);
        return data;
    }

    // Puts, deletes and merges; new keys, overwrites, several effects at one time; expiry; range deletes.
    static MemtableOracle Fill(Memtable memtable, KeyShape shape, ulong seed, int effects, int rangeDeletesOneIn = 40)
    {
        var random = new SeededRandom(seed + 1000);
        var source = new KeySource(shape, seed);
        var oracle = new MemtableOracle();
        var known = new List<byte[]>();
        ulong version = 100;
        for (var i = 0; i < effects; i++)
        {
            if (!random.OneIn(4)) version += (ulong)random.Next(1, 5);
            if (random.OneIn(rangeDeletesOneIn))
            {
                byte[] start = source.Next(), end = source.Next();
                memtable.AddRangeDelete(start, end, version);
                oracle.AddRangeDelete(start, end, version);
                continue;
            }
            var key = known.Count > 0 && random.OneIn(3) ? known[random.Next(random.OneIn(2) ? Math.Min(3, known.Count) : known.Count)] : source.Next();
            known.Add(key);
            var kind = (EffectKind)random.Next(3);
            var expiry = random.OneIn(5) ? random.NextUInt64() >> 1 : 0;
            var value = kind == EffectKind.Delete ? [] : new byte[random.OneIn(50) ? random.Next(3000) : random.Next(20)];
            random.Fill(value);
            memtable.Add(kind, key, version, expiry, value);
            oracle.Add(kind, key, version, expiry, value);
        }
        return oracle;
    }

    [Theory, MemberData(nameof(Mixes))]
    public void Lookups_agree_with_the_oracle_at_every_time(KeyShape shape, ulong seed)
    {
        using var memtable = new Memtable(_pool);
        var oracle = Fill(memtable, shape, seed, 2500);
        TreeChecker.Check(memtable);
        var random = new SeededRandom(seed);
        var source = new KeySource(shape, seed + 77);
        foreach (var key in oracle.Keys.Concat(Enumerable.Range(0, 300).Select(_ => source.Next())))
        {
            MemtableOracle.AssertFinds(memtable, key, ulong.MaxValue, oracle.Find(key, ulong.MaxValue));
            for (var i = 0; i < 4; i++)
            {
                var at = (ulong)random.Next(95, 7000);
                MemtableOracle.AssertFinds(memtable, key, at, oracle.Find(key, at));
            }
            var rangeAt = (ulong)random.Next(95, 7000);
            Assert.Equal(oracle.NewestRangeDeleteOver(key, rangeAt), memtable.NewestRangeDeleteOver(key, rangeAt));
        }
    }

    [Theory, MemberData(nameof(Mixes))]
    public unsafe void Many_lookups_at_once_agree_with_single_ones(KeyShape shape, ulong seed)
    {
        using var memtable = new Memtable(_pool);
        var none = new FoundVersion[3];
        var asked = stackalloc byte[3];
        Assert.Equal(0, memtable.FindMany([new(asked, 1), new(asked, 0), new(null, 0)], 9, none));
        Assert.All(none, f => Assert.True(f.ValuePointer == null));

        var oracle = Fill(memtable, shape, seed, 2500);
        var random = new SeededRandom(seed);
        var source = new KeySource(shape, seed + 77);
        var known = oracle.Keys.ToArray();
        for (var round = 0; round < 30; round++)
        {
            var keys = new byte[random.Next(150)][];
            for (var i = 0; i < keys.Length; i++) keys[i] = random.OneIn(3) ? source.Next() : known[random.Next(known.Length)];
            var at = random.OneIn(2) ? ulong.MaxValue : (ulong)random.Next(95, 5000);
            var flat = keys.SelectMany(k => k).Append((byte)0).ToArray();
            var found = new FoundVersion[keys.Length];
            fixed (byte* start = flat)
            {
                var native = new NativeKey[keys.Length];
                for (int i = 0, offset = 0; i < keys.Length; offset += keys[i].Length, i++) native[i] = new(start + offset, keys[i].Length);
                Assert.Equal(keys.Count(k => oracle.Find(k, at) is not null), memtable.FindMany(native, at, found));
            }
            for (var i = 0; i < keys.Length; i++)
            {
                var expected = oracle.Find(keys[i], at);
                Assert.Equal(expected is null, found[i].ValuePointer == null);
                if (expected is not null)
                    Assert.True(found[i].Value.SequenceEqual(expected.Value) && found[i].Version == expected.Version && found[i].Kind == expected.Kind);
            }
        }
    }

    [Theory, MemberData(nameof(Mixes))]
    public void Cursors_agree_with_the_oracle_in_every_move(KeyShape shape, ulong seed)
    {
        using var memtable = new Memtable(_pool);
        var oracle = Fill(memtable, shape, seed, 1500);
        var entries = oracle.Entries();
        var random = new SeededRandom(seed);
        var source = new KeySource(shape, seed + 77);
        var keys = oracle.Keys.ToArray();
        using var cursor = memtable.NewCursor();

        var at = 0;
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next()) MemtableOracle.AssertAt(entries, at++, cursor);
        Assert.Equal(entries.Count, at);
        for (cursor.SeekToLast(); cursor.Valid; cursor.Prev()) MemtableOracle.AssertAt(entries, --at, cursor);
        Assert.Equal(0, at);
        foreach (var key in keys)
        {
            if (at == 0) cursor.SeekToFirst();
            MemtableOracle.AssertAt(entries, MemtableOracle.Seek(entries, key, ulong.MaxValue), cursor);
            cursor.NextKey();
            at++;
        }
        Assert.False(cursor.Valid);

        for (var i = 0; i < 300; i++)
        {
            var key = random.OneIn(3) ? source.Next() : keys[random.Next(keys.Length)];
            var version = random.OneIn(3) ? ulong.MaxValue : random.OneIn(5) ? 0 : (ulong)random.Next(95, 4500);
            at = MemtableOracle.Seek(entries, key, version);
            if (random.OneIn(2))
            {
                cursor.Seek(key, version);
            }
            else
            {
                cursor.SeekBefore(key, version);
                at--;
            }
            MemtableOracle.AssertAt(entries, at, cursor);
            for (var move = random.Next(100); move > 0 && cursor.Valid; move--)
            {
                switch (random.Next(5))
                {
                    case 0 or 1:
                        cursor.Next();
                        at++;
                        break;
                    case 2 or 3:
                        cursor.Prev();
                        at--;
                        break;
                    default:
                        cursor.NextKey();
                        var here = entries[at].Key;
                        while (at < entries.Count && entries[at].Key.AsSpan().SequenceEqual(here)) at++;
                        break;
                }
                MemtableOracle.AssertAt(entries, at, cursor);
            }
        }
    }

    [Theory, MemberData(nameof(Mixes))]
    public void Range_deletes_agree_with_the_oracle_as_they_come_and_as_a_whole(KeyShape shape, ulong seed)
    {
        using var memtable = new Memtable(_pool);
        var random = new SeededRandom(seed);
        var source = new KeySource(shape, seed);
        var oracle = new MemtableOracle();
        for (ulong version = 1; version < 200; version++)
        {
            byte[] start = source.Next(), end = source.Next();
            memtable.AddRangeDelete(start, end, version);
            oracle.AddRangeDelete(start, end, version);
            if (!random.OneIn(3)) continue;
            var key = source.Next();
            var at = (ulong)random.Next(1, 250);
            Assert.Equal(oracle.NewestRangeDeleteOver(key, at), memtable.NewestRangeDeleteOver(key, at));
        }
        Assert.Equal(oracle.RangeDeletes.Count, memtable.RangeDeleteCount);
        Assert.Equal(oracle.RangeDeletes.Count > 0, memtable.HasRangeDeletes);
        var snapshot = memtable.RangeDeletes;
        Assert.Equal(Lines(RangeDeletes.Build(oracle.RangeDeletes)), Lines(snapshot));
        Assert.Same(snapshot, memtable.RangeDeletes);
    }

    static IEnumerable<string> Lines(RangeDeletes set) =>
        set.Flatten().Select(r => $"[{Convert.ToHexString(r.Start)}, {Convert.ToHexString(r.End)})@{r.Version}");

    [Fact]
    public void A_range_delete_that_covers_nothing_leaves_the_memtable_empty()
    {
        using var memtable = new Memtable(_pool);
        memtable.AddRangeDelete("b"u8, "a"u8, 5);
        memtable.AddRangeDelete("b"u8, "b"u8, 5);
        Assert.True(memtable.IsEmpty);
        Assert.False(memtable.HasRangeDeletes);
        memtable.AddRangeDelete("a"u8, "b"u8, 5);
        Assert.False(memtable.IsEmpty);
        Assert.Equal(1, memtable.Count);
    }

    // Several levels of inner nodes: splits above the leaves, prefixes that grow and shrink there.
    [Theory]
    [InlineData(KeyShape.RandomBinary)]
    [InlineData(KeyShape.CommonPrefix)]
    [InlineData(KeyShape.Rising)]
    [InlineData(KeyShape.Falling)]
    [InlineData(KeyShape.Keyspaces)]
    [InlineData(KeyShape.InterleavedRuns)]
    [InlineData(KeyShape.LongPrefixes)]
    [InlineData(KeyShape.Localities)]
    [InlineData(KeyShape.TiedWords)]
    public void Deep_trees_keep_their_shape(KeyShape shape)
    {
        using var memtable = new Memtable(_pool);
        var source = new KeySource(shape, 9);
        var keys = new HashSet<byte[]>(KeyComparer.Instance);
        for (ulong version = 1; version <= 40_000; version++)
        {
            var key = source.Next();
            keys.Add(key);
            memtable.Add(EffectKind.Put, key, version, 0, default);
        }
        TreeChecker.Check(memtable);
        Assert.Equal(keys.Count, memtable.KeyCount);
        foreach (var key in keys) Assert.True(memtable.TryFind(key, ulong.MaxValue, out _));
    }

    [Fact]
    public void An_empty_memtable_finds_nothing_and_owns_nothing()
    {
        using var memtable = new Memtable(_pool);
        using var cursor = memtable.NewCursor();
        Assert.True(memtable.IsEmpty);
        Assert.Equal(0, memtable.AllocatedBytes);
        Assert.Equal(ulong.MaxValue, memtable.MinVersion);
        Assert.Equal(0UL, memtable.MaxVersion);
        Assert.False(memtable.TryFind("k"u8, ulong.MaxValue, out _));
        cursor.SeekToFirst();
        Assert.False(cursor.Valid);
        cursor.SeekToLast();
        Assert.False(cursor.Valid);
        cursor.Seek(""u8, ulong.MaxValue);
        Assert.False(cursor.Valid);
        cursor.SeekBefore("k"u8, ulong.MaxValue);
        Assert.False(cursor.Valid);
        cursor.SeekBefore("k"u8, 5);
        Assert.False(cursor.Valid);
        Assert.Same(RangeDeletes.Empty, memtable.RangeDeletes);
    }

    [Fact]
    public void The_empty_key_is_a_key()
    {
        using var memtable = new Memtable(_pool);
        memtable.Add(EffectKind.Put, [], 1, 0, "x"u8);
        memtable.Add(EffectKind.Put, [0], 2, 0, "y"u8);
        Assert.True(memtable.TryFind([], 5, out var found));
        Assert.Equal(1UL, found.Version);
        Assert.True(memtable.TryFind([0], 5, out found));
        Assert.Equal(2UL, found.Version);
        Assert.False(memtable.TryFind([0, 0], 5, out _));
        using var cursor = memtable.NewCursor();
        cursor.SeekBefore([0], ulong.MaxValue);
        Assert.True(cursor.Valid);
        Assert.True(cursor.Key.IsEmpty);
    }

    [Fact]
    public void Of_two_effects_at_one_time_the_later_one_is_the_newer_one_and_both_stay()
    {
        using var memtable = new Memtable(_pool);
        memtable.Add(EffectKind.Put, "k"u8, 7, 0, "first"u8);
        memtable.Add(EffectKind.Merge, "k"u8, 7, 0, "second"u8);
        Assert.True(memtable.TryFind("k"u8, 7, out var found));
        Assert.True(found.Value.SequenceEqual("second"u8));
        Assert.False(memtable.TryFind("k"u8, 6, out _));
        using var cursor = memtable.NewCursor();
        cursor.Seek("k"u8, 7);
        Assert.True(cursor.Value.SequenceEqual("second"u8));
        cursor.Next();
        Assert.True(cursor.Value.SequenceEqual("first"u8));
        cursor.Prev();
        Assert.True(cursor.Value.SequenceEqual("second"u8));
        cursor.SeekBefore("k"u8, 6);
        Assert.True(cursor.Value.SequenceEqual("first"u8));
    }

    [Fact]
    public void A_version_below_the_newest_of_its_key_is_refused()
    {
        using var memtable = new Memtable(_pool);
        memtable.Add(EffectKind.Put, "k"u8, 7, 0, "v"u8);
        Assert.Throws<InvalidOperationException>(() => memtable.Add(EffectKind.Put, "k"u8, 6, 0, "v"u8));
        Assert.Equal(1, memtable.Count);
    }

    [Fact]
    public void A_key_beyond_what_a_record_can_hold_is_refused_and_changes_nothing()
    {
        using var memtable = new Memtable(_pool);
        memtable.Add(EffectKind.Put, "k"u8, 1, 0, "v"u8);
        var error = Assert.Throws<AevumException>(() => memtable.Add(EffectKind.Put, new byte[KeyRecord.KeyBytesMax + 1], 2, 0, "v"u8));
        Assert.Equal(ErrorCode.LimitExceeded, error.Code);
        memtable.Add(EffectKind.Put, new byte[KeyRecord.KeyBytesMax], 3, 0, "w"u8);
        Assert.True(memtable.TryFind(new byte[KeyRecord.KeyBytesMax], 3, out var found));
        Assert.True(found.Value.SequenceEqual("w"u8));
        TreeChecker.Check(memtable);
    }

    [Theory, MemberData(nameof(Mixes))]
    public void Batches_apply_like_their_effects_one_by_one(KeyShape shape, ulong seed)
    {
        using var whole = new Memtable(_pool);
        using var single = new Memtable(_pool);
        var random = new SeededRandom(seed);
        var source = new KeySource(shape, seed);
        for (ulong version = 1; version <= 30; version++)
        {
            var batch = new WriteBatch { SystemTime = new SystemTime(version) };
            for (var i = random.Next(60); i > 0; i--)
            {
                var key = source.Next();
                var value = new byte[random.OneIn(10) ? random.Next(600) : random.Next(30)];
                random.Fill(value);
                switch (random.Next(5))
                {
                    case 0: batch.Delete(key); break;
                    case 1: batch.Merge(key, value); break;
                    case 2: batch.Put(key, value, new SystemTime(random.NextUInt64() >> 1)); break;
                    case 3 when random.OneIn(5): batch.DeleteRange(key, source.Next()); break;
                    default: batch.Put(key, value); break;
                }
            }
            Assert.Equal(batch.Count, whole.ApplyBatch(batch.Encoded));
            var reader = new BatchReader(batch.Encoded);
            while (reader.TryRead(out var effect)) single.Apply(effect, reader.SystemTime.Value);
        }
        using var a = whole.NewCursor();
        using var b = single.NewCursor();
        a.SeekToFirst();
        b.SeekToFirst();
        while (a.Valid && b.Valid)
        {
            Assert.Equal(MemtableOracle.Describe(b).ToString(), MemtableOracle.Describe(a).ToString());
            Assert.Equal((b.Expiry, b.Kind), (a.Expiry, a.Kind));
            Assert.True(a.Value.SequenceEqual(b.Value));
            a.Next();
            b.Next();
        }
        Assert.Equal(b.Valid, a.Valid);
        Assert.Equal(Lines(single.RangeDeletes), Lines(whole.RangeDeletes));
        Assert.Equal(
            (single.Count, single.KeyCount, single.DeleteCount, single.MergeCount, single.ExpiryCount, single.PayloadBytes,
                single.MinVersion, single.MaxVersion),
            (whole.Count, whole.KeyCount, whole.DeleteCount, whole.MergeCount, whole.ExpiryCount, whole.PayloadBytes, whole.MinVersion, whole.MaxVersion));
    }

    [Fact]
    public void A_batch_cut_short_is_noticed()
    {
        using var memtable = new Memtable(_pool);
        var batch = new WriteBatch();
        batch.Put("key"u8, "value"u8);
        var longer = batch.Encoded.ToArray().Append((byte)0).ToArray();
        Assert.Throws<InvalidOperationException>(() => memtable.ApplyBatch(new byte[15]));
        Assert.Throws<InvalidOperationException>(() => memtable.ApplyBatch(longer));
    }

    [Fact]
    public void Counters_count()
    {
        using var memtable = new Memtable(_pool);
        memtable.Add(EffectKind.Put, "a"u8, 5, 0, "12345"u8);
        memtable.Add(EffectKind.Delete, "a"u8, 6, 0, default);
        memtable.Add(EffectKind.Merge, "bb"u8, 7, 9, "1"u8);
        memtable.AddRangeDelete("a"u8, "c"u8, 4);
        Assert.Equal((4L, 3L, 2L, 1L, 1L, 1L, 1), (memtable.Count, memtable.VersionCount, memtable.KeyCount, memtable.DeleteCount,
            memtable.MergeCount, memtable.ExpiryCount, memtable.RangeDeleteCount));
        Assert.Equal((4UL, 7UL), (memtable.MinVersion, memtable.MaxVersion));
        Assert.Equal(6 + 1 + 3 + 2, memtable.PayloadBytes);
    }

    [Fact]
    public void Writing_and_looking_up_allocate_nothing()
    {
        using var memtable = new Memtable(_pool);
        using var cursor = memtable.NewCursor();
        var value = new byte[100];
        var key = Encoding.ASCII.GetBytes("key00000000000000000");
        var batch = new WriteBatch();
        batch.Put("in a batch"u8, value);
        Run(0, 100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(100, 20_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run(int from, int to)
        {
            for (var i = from; i < to; i++)
            {
                var number = (i * 7919) % 1_000_000;
                for (var digit = 0; digit < 6; digit++, number /= 10) key[19 - digit] = (byte)('0' + (number % 10));
                memtable.Add(EffectKind.Put, key, (ulong)i + 1, 0, value);
                batch.SystemTime = new SystemTime((ulong)i + 1);
                memtable.ApplyBatch(batch.Encoded);
                memtable.TryFind(key, ulong.MaxValue, out _);
                cursor.Seek(key, (ulong)i);
                if (cursor.Valid) cursor.Next();
                cursor.SeekBefore(key, 0);
            }
        }
    }

    [Theory]
    [InlineData(KeyShape.Rising, 60)]
    [InlineData(KeyShape.Falling, 60)]
    [InlineData(KeyShape.InterleavedRuns, 40)]
    [InlineData(KeyShape.CommonPrefix, 40)]
    public void Leaves_are_well_filled(KeyShape shape, double keysPerLeafMin)
    {
        using var memtable = new Memtable(_pool);
        var source = new KeySource(shape, 5);
        for (ulong i = 1; i <= 20_000; i++) memtable.Add(EffectKind.Put, source.Next(), i, 0, default);
        var keysPerLeaf = TreeChecker.Check(memtable);
        Assert.True(keysPerLeaf >= keysPerLeafMin, $"{keysPerLeaf:0.0} keys per leaf");
    }

    // Each key goes directly below the one before and above all others: the pattern that a split made for rising keys would punish.
    [Fact]
    public void No_order_of_keys_wastes_leaves()
    {
        using var memtable = new Memtable(_pool);
        var random = new SeededRandom(3);
        ulong version = 1;
        for (var i = 0; i < 300; i++)
        {
            var isUp = random.OneIn(2);
            for (var j = 0; j < 70; j++)
            {
                var key = Encoding.ASCII.GetBytes($"{i % 7:00}{(isUp ? i : 1000 - i):0000}{(random.OneIn(2) ? j : 100 - j):000}");
                memtable.Add(EffectKind.Put, key, version++, 0, default);
            }
        }
        Assert.True(TreeChecker.Check(memtable) >= 8);
    }

    [Fact]
    public void Big_values_are_kept_whole_and_accounted_for()
    {
        using var memtable = new Memtable(_pool);
        var random = new SeededRandom(1);
        var values = new List<byte[]>();
        foreach (var size in (int[])[0, 1, 200_000, 262_144, 300_000, 1 << 20, (1 << 20) + 1, 5_000_000])
        {
            var value = new byte[size];
            random.Fill(value);
            values.Add(value);
            memtable.Add(EffectKind.Put, Encoding.ASCII.GetBytes($"k{values.Count}"), 1, 0, value);
            memtable.Add(EffectKind.Put, "same"u8, (ulong)values.Count, 0, value);
        }
        for (var i = 0; i < values.Count; i++)
        {
            Assert.True(memtable.TryFind(Encoding.ASCII.GetBytes($"k{i + 1}"), 9, out var found));
            Assert.True(found.Value.SequenceEqual(values[i]));
            Assert.True(memtable.TryFind("same"u8, (ulong)i + 1, out found));
            Assert.True(found.Value.SequenceEqual(values[i]));
        }
        Assert.Equal(_pool.OutstandingBytes, memtable.AllocatedBytes);
        Assert.InRange(memtable.AllocatedBytes, memtable.PayloadBytes, memtable.PayloadBytes + (3 << 20));
    }

    [Fact]
    public void A_memtable_written_once_costs_little()
    {
        using var memtable = new Memtable(_pool);
        memtable.Add(EffectKind.Put, "k"u8, 1, 0, "v"u8);
        Assert.InRange(memtable.AllocatedBytes, 1, 80 << 10);
    }
}
