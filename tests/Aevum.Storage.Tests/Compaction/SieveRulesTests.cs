using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Compaction;

public sealed class SieveRulesTests
{
    const int KeyMax = 400;

    // Keyspaces of a hundred keys each, with floors far apart.
    sealed class Policy(int prefixBytes, ulong[] floors) : ITreePolicy
    {
        public int KeyspacePrefixBytes => prefixBytes;

        public Compression CompressionOf(ulong keyspace) => Compression.None;

        public IMergeOperator? MergeOperatorOf(ulong keyspace) => null;

        public SystemTime HistoryFloorOf(ulong keyspace) => new(floors[keyspace % (ulong)floors.Length]);
    }

    static byte[] Key(int number)
    {
        var key = new byte[9];
        BinaryPrimitives.WriteUInt64BigEndian(key, (ulong)number / 100);
        key[8] = (byte)(number % 100);
        return key;
    }

    static TableMeta Table(ulong id, byte[] smallest, byte[] largest) =>
        new() { Id = id, FileBytes = 1, Smallest = smallest, Largest = largest, Entries = 1, MinVersion = 1, MaxVersion = 1 };

    static SieveRules DrawRules(SeededRandom random, int tables)
    {
        var levels = TreeVersion.EmptyLevels();
        ulong id = 1;
        foreach (var level in (int[])[0, 2, 3])
        {
            var at = random.Next(KeyMax);
            var list = new List<TableMeta>();
            for (var i = 0; i < tables && at + 1 < KeyMax; i++)
            {
                var last = at + random.Next(10);
                list.Add(Table(id++, Key(at), Key(last)));
                at = last + 1 + random.Next(60);
            }
            levels[level] = [.. list];
        }
        var policy = new Policy(random.OneIn(2) ? 8 : 0, [.. Enumerable.Range(0, 5).Select(_ => (ulong)random.Next(20))]);
        var floors = new Floors(policy, new Dictionary<ulong, ulong>());
        floors.RaiseAppliedTime(1_000_000);
        return new SieveRules(policy, floors, new TreeVersion(levels, TreeVersion.EmptyLevels()), outputLevel: random.Next(4));
    }

    static RangeDelete DrawRange(SeededRandom random) => new(Key(random.Next(KeyMax)), Key(random.Next(KeyMax)), (ulong)random.Next(1, 25));

    // Fragment by fragment and version by version: slow, and obvious.
    static (List<RangeDelete> Main, List<RangeDelete> History, List<RangeDelete> Listed) Oracle(SieveRules rules, RangeDeletes ranges)
    {
        List<RangeDelete> main = [], history = [], listed = [];
        foreach (var fragment in ranges.Fragments)
            foreach (var (start, end, floor) in rules.ByKeyspace(fragment.Start, fragment.End))
            {
                var bottom = rules.IsBottom(start, end);
                var belowFloor = false;
                foreach (var version in fragment.ListVersions())
                {
                    var range = new RangeDelete(start, end, version);
                    if (version > floor) (bottom ? history : main).Add(range);
                    else if (!bottom && !belowFloor) main.Add(range);
                    if (version > floor) listed.Add(range);
                    belowFloor |= version <= floor;
                }
            }
        return (main, history, listed);
    }

    static void SameEverywhere(List<RangeDelete> expected, RangeDeletes actual)
    {
        for (var number = 0; number <= KeyMax; number++)
        {
            var key = Key(number);
            foreach (var probe in (byte[][])[key, key[..8], [.. key, 0]])
            {
                var over = expected.Where(r => probe.AsSpan().SequenceCompareTo(r.Start) >= 0 && probe.AsSpan().SequenceCompareTo(r.End) < 0);
                Assert.Equal(over.Select(r => r.Version).Distinct().OrderDescending(), actual.FragmentOver(probe)?.ListVersions() ?? []);
            }
        }
    }

    [Theory, Seeds(3)]
    public void Range_deletes_are_sorted_as_fragment_by_fragment(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (var round = 0; round < 12; round++)
        {
            var rules = DrawRules(random, tables: random.Next(8));
            var ranges = RangeDeletes.Build([.. Enumerable.Range(0, random.Next(1, 25)).Select(_ => DrawRange(random))]);
            var expected = Oracle(rules, ranges);
            var (main, history) = rules.Sort(ranges);
            SameEverywhere(expected.Main, main);
            SameEverywhere(expected.History, history);
            SameEverywhere(expected.Listed, rules.KeepListed(ranges));
        }
    }

    [Fact]
    public void Twenty_thousand_nested_range_deletes_are_cut_by_tables_only()
    {
        const int count = 20_000;
        static byte[] Big(int number) => [(byte)(number >> 16), (byte)(number >> 8), (byte)number];
        var levels = TreeVersion.EmptyLevels();
        levels[1] = [Table(1, Big(count), Big(count + 100))];
        var policy = new Policy(0, [15_000]);
        var floors = new Floors(policy, new Dictionary<ulong, ulong>());
        floors.RaiseAppliedTime(1_000_000);
        var rules = new SieveRules(policy, floors, new TreeVersion(levels, TreeVersion.EmptyLevels()), outputLevel: 0);
        var nested = Enumerable.Range(0, count).Select(i => new RangeDelete(Big(i), Big((2 * count) - i), (ulong)i + 1));
        var ranges = RangeDeletes.Build([.. nested]);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var (main, history) = rules.Sort(ranges);
        var listed = rules.KeepListed(ranges);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // 5,000 lie above the floor; each has a part over the table and one or two beside it. Below the floor stands at most one a fragment.
        Assert.InRange(allocated, 0, 100L << 20);
        Assert.Equal(5_000, listed.Flatten().Count);
        Assert.InRange(history.Flatten().Count, 5_000, 10_000);
        Assert.InRange(main.Flatten().Count, 5_000, 5_000 + (2 * count));
        Assert.Equal((20_000UL, 0UL), (NewestOver(main, count), NewestOver(history, count)));
        Assert.Equal((0UL, 19_801UL), (NewestOver(main, 19_800), NewestOver(history, 19_800)));

        static ulong NewestOver(RangeDeletes set, int number) => set.NewestCovering(Big(number), ulong.MaxValue);
    }
}
