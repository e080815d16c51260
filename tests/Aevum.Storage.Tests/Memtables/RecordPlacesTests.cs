using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Scheduling;
using Aevum.Storage.Iterators;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

public sealed unsafe class RecordPlacesTests : IDisposable
{
    readonly ArenaPool _pool = new();

    public void Dispose() => _pool.Dispose();

    static byte[] Key(int number) => Encoding.ASCII.GetBytes($"a common beginning:{number:D7}:and a common end");

    [Fact]
    public void What_is_only_written_has_no_table()
    {
        using var memtable = new Memtable(_pool);
        for (var i = 0; i < 20_000; i++) memtable.Add(EffectKind.Put, Key(i * 7919 % 20_011), (ulong)i + 1, 0, "v"u8);
        Assert.False(memtable.HasPlaces);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Keys_that_are_asked_for_are_found_while_the_table_grows(ulong seed)
    {
        using var memtable = new Memtable(_pool);
        var random = new SeededRandom(seed);
        var newest = new Dictionary<int, ulong>();
        var sizes = new HashSet<long>();
        var buffer = new byte[Memtable.PrefetchMax * 64];
        fixed (byte* start = buffer)
        {
            var keys = new NativeKey[Memtable.PrefetchMax];
            var asked = new int[Memtable.PrefetchMax];
            var found = new FoundVersion[Memtable.PrefetchMax];
            for (ulong version = 1; version <= 40_000; version++)
            {
                var range = (int)(version / 4) + 10;   // old keys and new ones
                var number = random.Next(range);
                memtable.Add(EffectKind.Put, Key(number), version, 0, "v"u8);
                newest[number] = version;
                number = random.Next(range);
                Assert.Equal(newest.ContainsKey(number), memtable.TryFind(Key(number), ulong.MaxValue, out var one));
                Assert.Equal(newest.GetValueOrDefault(number), one.Version);
                if (version % 50 != 0) continue;
                var count = random.Next(1, keys.Length + 1);
                for (var i = 0; i < count; i++)
                {
                    asked[i] = random.Next(range);
                    var key = Key(asked[i]);
                    key.CopyTo(buffer.AsSpan(i * 64));
                    keys[i] = new NativeKey(start + (i * 64), key.Length);
                }
                var hits = memtable.FindMany(keys.AsSpan(0, count), ulong.MaxValue, found);
                Assert.Equal(asked.Take(count).Count(newest.ContainsKey), hits);
                for (var i = 0; i < count; i++) Assert.Equal(newest.GetValueOrDefault(asked[i]), found[i].Version);
                Assert.Equal(count - hits, memtable.Prefetch(keys.AsSpan(0, count)));
                sizes.Add(memtable.PlaceBytes);
            }
        }
        Assert.True(sizes.Count >= 4, "the table did not grow");
        Assert.Equal(_pool.OutstandingBytes, memtable.AllocatedBytes);
    }

    [Fact]
    public void The_next_memtable_begins_with_a_table_if_keys_were_written_again()
    {
        using var memtable = new Memtable(_pool);
        for (var round = 0; round < 3; round++)
            for (var i = 0; i < 5000; i++) memtable.Add(EffectKind.Put, Key(i), (ulong)((round * 5000) + i + 1), 0, "v"u8);
        Assert.True(memtable.PlaceSlotsForNext >= 5000);
        using var next = new Memtable(_pool, MemtableOptions.Default with { PlaceSlots = memtable.PlaceSlotsForNext });
        Assert.True(next.HasPlaces);
        for (var i = 0; i < 6000; i++) next.Add(EffectKind.Put, Key(i * 2), (ulong)i + 20_000, 0, "w"u8);
        for (var i = 0; i < 12_000; i++) Assert.Equal(i % 2 == 0, next.TryFind(Key(i), ulong.MaxValue, out _));
        Assert.Equal(0, next.PlaceSlotsForNext);   // no key was written again
    }

    [Fact]
    public void Keys_that_hash_alike_push_each_other_out_and_are_never_taken_for_one_another()
    {
        using var memtable = new Memtable(_pool);
        var places = new RecordPlaces(_pool);
        var records = new KeyRecord*[40];
        for (var i = 0; i < records.Length; i++)
        {
            var key = Key(i);
            memtable.Add(EffectKind.Put, key, (ulong)i + 1, 0, "v"u8);
            fixed (byte* pointer = key) records[i] = memtable.Tree.Find(pointer, key.Length);
        }
        const ulong Hash = 0xABCD_0000_0000_0005;
        for (var round = 0; round < 2000; round++) places.Note(Hash, records[round % records.Length], 1024);
        var table = places.Table;
        Assert.True(table != null);
        var known = 0;
        for (var i = 0; i < records.Length; i++)
        {
            var key = Key(i);
            fixed (byte* pointer = key)
            {
                var found = RecordPlaces.Find(table, Hash, pointer, key.Length);
                Assert.True(found == null || found == records[i]);
                if (found != null) known++;
                Assert.True(RecordPlaces.Find(table, Hash ^ (1UL << 50), pointer, key.Length) == null);   // the same line, another tag
            }
        }
        Assert.InRange(known, 1, 8);
        places.Release();
    }
}
