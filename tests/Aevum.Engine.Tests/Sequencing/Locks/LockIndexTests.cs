using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Engine.Sequencing.Locks;
using Aevum.Testing;

namespace Aevum.Engine.Tests.Sequencing.Locks;

public sealed class LockIndexTests
{
    // A mask of zero makes all keys hash alike; a small one makes full buckets of different hashes.
    [Theory, Seeds(4)]
    public void Finds_what_a_dictionary_finds(ulong seed)
    {
        foreach (var mask in new[] { 0UL, 3UL, 0x0303UL, ulong.MaxValue })
        {
            var random = new SeededRandom(seed);
            var index = new LockIndex(new SeededRandom(seed + 1));
            var oracle = new Dictionary<string, LockEntry>();
            for (var step = 0; step < 6000; step++)
            {
                var key = new byte[random.Next(4)];
                foreach (ref var b in key.AsSpan()) b = (byte)random.Next(13);
                var name = Convert.ToHexString(key);
                var hash = KeyHash.Compute(key) & mask;
                var found = index.Find(hash, key);
                Assert.Equal(oracle.GetValueOrDefault(name), found);
                if (found is null)
                {
                    var entry = new LockEntry();
                    entry.SetKey(key, hash);
                    index.Add(entry);
                    oracle.Add(name, entry);
                }
                else if (random.OneIn(step < 4000 ? 3 : 1))
                {
                    index.Remove(found);
                    oracle.Remove(name);
                }
                Assert.Equal(oracle.Count, index.Count);
            }
            Assert.Equal(oracle.Values.ToHashSet(), index.Entries.ToHashSet());
            Assert.Equal(oracle.Count, index.Entries.Count());
        }
    }

    [Fact]
    public void Keys_that_all_hash_alike_stay_cheap()
    {
        const int count = 20_000;
        var index = new LockIndex(new SeededRandom(1));
        for (var i = 0; i < count; i++)
        {
            var entry = new LockEntry();
            entry.SetKey(BitConverter.GetBytes(i), 42);
            index.Add(entry);
        }
        // A treap of n random priorities is about 3 log2 n deep: 43.
        Assert.InRange(index.Depth(), 14, 70);
        for (var i = 0; i < count; i++) Assert.NotNull(index.Find(42, BitConverter.GetBytes(i)));
    }
}
