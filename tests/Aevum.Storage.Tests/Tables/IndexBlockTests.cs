using Aevum.Core.Scheduling;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Tests.Tables;

public sealed unsafe class IndexBlockTests
{
    sealed record Separator(byte[] Key, ulong Tie, ulong End, ulong VersionMin, ulong VersionMax, ulong EndMax);

    static List<Separator> Random(SeededRandom random, bool wide)
    {
        var prefix = new byte[random.Next(20)];
        random.Fill(prefix);
        var keys = new SortedSet<(byte[] Key, ulong Version)>(
            Comparer<(byte[] Key, ulong Version)>.Create((a, b) => TableOracle.Compare(a.Key, a.Version, b.Key, b.Version)));
        var alphabet = 1 + random.Next(3);
        for (var count = 1 + random.Next(60); count > 0; count--)
        {
            var key = new byte[prefix.Length + random.Next(24)];
            prefix.CopyTo(key, 0);
            for (var i = prefix.Length; i < key.Length; i++) key[i] = (byte)random.Next(alphabet);
            // A tie version of 0 ends the key.
            keys.Add((key, random.OneIn(2) ? 0 : (ulong)random.Next(5)));
        }
        var separators = new List<Separator>();
        ulong end = wide ? 3UL << 31 : 100;
        foreach (var (key, tie) in keys)
        {
            end += 6 + (wide ? random.NextUInt64() >> 34 : (ulong)random.Next(5000));
            var version = random.NextUInt64() >> random.Next(64);
            var versionMax = Math.Max(version, random.NextUInt64() >> random.Next(64));
            separators.Add(new(key, tie, end, version, versionMax, random.OneIn(2) ? 0 : random.NextUInt64() >> random.Next(64)));
        }
        return separators;
    }

    [Fact]
    public void A_search_finds_what_a_walk_finds()
    {
        var random = new SeededRandom(21);
        for (var round = 0; round < 400; round++)
        {
            var wide = round % 4 == 0;
            var separators = Random(random, wide);
            using var builder = new IndexBlockBuilder();
            foreach (var s in separators)
                fixed (byte* key = s.Key) builder.Add(key, s.Key.Length, s.Tie, s.End, s.VersionMin, s.VersionMax, s.EndMax);
            var target = default(GrowingBytes);
            var from = random.Next(separators.Count);
            var to = from + 1 + random.Next(separators.Count - from);
            var first = from == 0 ? wide ? 3UL << 31 : 100 : separators[from - 1].End;
            builder.Encode(from, to, first, ref target);
            var length = target.Length;
            target.Append(0UL);
            Assert.Null(IndexBlock.TryValidate(target.Start, length, separators[to - 1].End));
            Assert.NotNull(IndexBlock.TryValidate(target.Start, length, separators[to - 1].End - 1));
            Assert.NotNull(IndexBlock.TryValidate(target.Start, length - 1, separators[to - 1].End));
            var index = new IndexBlock(target.Start);

            Assert.Equal(to - from, index.Count);
            Assert.Equal((ulong)from, index.FirstOrdinal);
            for (var i = 0; i < index.Count; i++)
            {
                var s = separators[from + i];
                Assert.Equal(s.Key, index.Separator(i));
                Assert.Equal(s.Tie, index.TieVersion(i));
                Assert.Equal((s.VersionMin, s.VersionMax, s.EndMax), (index.VersionMin(i), index.VersionMax(i), index.EndMax(i)));
                Assert.Equal(s.End, index.Handle(i).End);
                Assert.Equal(i == 0 ? first : separators[from + i - 1].End, index.Handle(i).Offset);
            }
            for (var i = 0; i < 60; i++)
            {
                var key = separators[random.Next(separators.Count)].Key;
                if (random.OneIn(2)) key = random.OneIn(2) ? [.. key, (byte)random.Next(3)] : key[..random.Next(key.Length + 1)];
                if (random.OneIn(4) && key.Length > 0)
                {
                    key = [.. key];
                    key[random.Next(key.Length)] ^= (byte)(1 << random.Next(8));
                }
                var version = random.OneIn(4) ? ulong.MaxValue : (ulong)random.Next(6);
                var expected = 0;
                bool IsBefore(Separator separator) => TableOracle.Compare(separator.Key, separator.Tie, key, version) < 0;
                while (expected < index.Count && IsBefore(separators[from + expected])) expected++;
                fixed (byte* start = key) Assert.Equal(expected, index.LowerBound(start, key.Length, version));
            }
            target.Dispose();
        }
    }

    [Fact]
    public void A_separator_lies_between_and_is_never_longer_than_needed()
    {
        var random = new SeededRandom(22);
        var target = new byte[64];
        for (var round = 0; round < 20_000; round++)
        {
            byte[] last = new byte[random.Next(6)], next = new byte[random.Next(6)];
            foreach (ref var b in last.AsSpan()) b = random.OneIn(3) ? (byte)255 : (byte)random.Next(3);
            foreach (ref var b in next.AsSpan()) b = random.OneIn(3) ? (byte)255 : (byte)random.Next(3);
            var order = last.AsSpan().SequenceCompareTo(next);
            if (order == 0) continue;
            if (order > 0) (last, next) = (next, last);
            fixed (byte* a = last, b = next, t = target)
            {
                var common = DataBlock.CommonPrefix(a, b, Math.Min(last.Length, next.Length));
                var separator = target[..IndexBlockBuilder.Separate(a, last.Length, b, next.Length, common, t)];
                Assert.True(separator.AsSpan().SequenceCompareTo(last) >= 0);
                Assert.True(separator.AsSpan().SequenceCompareTo(next) < 0);
                Assert.True(separator.Length <= last.Length || separator.Length == common + 1);
            }
        }
    }
}
