// MergingCursorTests: merges of every kind of source against a sorted list, in every direction, and what each move says the keys share.

using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Caching;
using Aevum.Storage.Iterators;
using Aevum.Storage.Memtables;
using Aevum.Storage.Tables;
using Aevum.Storage.Tests.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Tests.Iterators;

public sealed class MergingCursorTests : IDisposable
{
    readonly MemoryFileSystem _files = new();
    readonly BlockCache _cache = new(1 << 20);
    readonly ArenaPool _pool = new();
    readonly List<IDisposable> _open = [];
    ulong _tables;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 80)];

    public void Dispose()
    {
        for (var i = _open.Count - 1; i >= 0; i--) _open[i].Dispose();
        _pool.Dispose();
        _cache.Dispose();
    }

    [Theory, MemberData(nameof(Seeds))]
    public void A_merge_agrees_with_a_sorted_list(int seed)
    {
        var random = new SeededRandom((ulong)seed);
        var shape = TableOracle.Random(random, 400);
        var sources = Deal(shape.Entries, random);
        var merged = sources.SelectMany((entries, source) => entries.Select(entry => (Entry: entry, Source: source)))
            .Order(Comparer<(TestEntry Entry, int Source)>.Create((a, b) =>
                TableOracle.Compare(a.Entry, b.Entry) is not 0 and var order ? order : a.Source - b.Source))
            .Select(pair => pair.Entry).ToList();

        var cursors = sources.Select(entries => Open(entries, random)).ToList();
        using var cursor = random.OneIn(6) ? new MergingCursor([.. cursors]) : MergingCursor.Over(cursors);
        CheckScan(merged, cursor, byKey: false);
        CheckScan(merged, cursor, byKey: true);
        CheckMoves(merged, cursor, random, 400);
    }

    [Fact]
    public void Keys_that_are_beginnings_of_others_and_end_in_zeros_keep_their_order()
    {
        // Codes pad nothing: an end is below a zero byte.
        byte[][] keys = [[], [0], [0, 0], [0, 0, 0], [0, 1], [0, 255], [1], [1, 0], [255], [255, 0], [255, 255], [255, 255, 255]];
        var sources = new List<TestEntry>[] { [], [], [] };
        for (var i = 0; i < keys.Length; i++)
            for (var source = 0; source < 3; source++)
                if (source != i % 3) sources[source].Add(new(keys[i], (ulong)(10 - source), EffectKind.Put, 0, 0, [(byte)i]));
        var merged = sources.SelectMany(entries => entries).Order(Comparer<TestEntry>.Create(TableOracle.Compare)).ToList();
        using var cursor = new MergingCursor([.. sources.Select(OpenTable)]);
        CheckScan(merged, cursor, byKey: false);
        CheckScan(merged, cursor, byKey: true);
        CheckMoves(merged, cursor, new SeededRandom(1), 2000);
    }

    [Fact]
    public void Of_equal_keys_and_versions_the_newer_source_comes_first_in_both_directions()
    {
        var sources = Enumerable.Range(0, 5).Select(source =>
            Enumerable.Range(0, 40).Select(i => new TestEntry([(byte)i], 7, EffectKind.Put, 0, 0, [(byte)source])).ToList()).ToList();
        using var cursor = new MergingCursor([.. sources.Select(OpenTable)]);
        var at = 0;
        for (cursor.SeekToFirst(); cursor.Valid; cursor.Next(), at++)
        {
            Assert.Equal(at % 5, cursor.Source);
            Assert.Equal(at % 5, cursor.Value[0]);
        }
        Assert.Equal(200, at);
        for (cursor.SeekToLast(); cursor.Valid; cursor.Prev()) Assert.Equal(--at % 5, cursor.Source);
        Assert.Equal(0, at);
    }

    // To some sources, in order each. Now and then an entry lies in two, as it does for a moment when it moves.
    static List<TestEntry>[] Deal(List<TestEntry> entries, SeededRandom random)
    {
        var sources = new List<TestEntry>[1 + random.Next(random.OneIn(4) ? 12 : 4)];
        for (var i = 0; i < sources.Length; i++) sources[i] = [];
        // In runs of a length that differs by case: from sources that alternate to such as hardly meet.
        var runs = 1 + random.Next(random.OneIn(2) ? 2 : 60);
        var source = 0;
        foreach (var entry in entries)
        {
            if (random.OneIn(runs)) source = random.Next(sources.Length);
            sources[source].Add(entry);
            var other = random.Next(sources.Length);
            if (other != source && random.OneIn(20)) sources[other].Add(entry with { Value = [(byte)other] });
        }
        return sources;
    }

    VersionCursor Open(List<TestEntry> entries, SeededRandom random)
    {
        switch (random.Next(4))
        {
            case 0 when entries.TrueForAll(entry => entry.End == 0):
                return OpenMemtable(entries);
            case 1:
                return OpenLevel(entries, random);
            case 2 when entries.Count > 0:
                // What lies outside the clip was never dealt: a cursor must not look at it.
                return new ClippedCursor(OpenTable([.. entries, Behind(entries[^1])]), null, Behind(entries[^1]).Key);
            default:
                return OpenTable(entries, random);
        }
    }

    static TestEntry Behind(TestEntry last) => last with { Key = [.. last.Key, 1] };

    VersionCursor OpenMemtable(List<TestEntry> entries)
    {
        var memtable = new Memtable(_pool);
        _open.Add(memtable);
        foreach (var entry in entries.OrderBy(entry => entry.Version))
            memtable.Apply(new() { Kind = entry.Kind, Key = entry.Key, Value = entry.Value, Expiry = new(entry.Expiry) }, entry.Version);
        return memtable.NewCursor();
    }

    VersionCursor OpenTable(List<TestEntry> entries) => OpenTable(entries, new SeededRandom((ulong)entries.Count));

    VersionCursor OpenTable(List<TestEntry> entries, SeededRandom random)
    {
        var oracle = new TableOracle();
        oracle.Entries.AddRange(entries);
        var id = ++_tables;
        oracle.Write(_files, $"t{id}", id, TableOracle.RandomOptions(random));
        var table = TableReader.Open(_files, $"t{id}", id, _cache, new() { Access = random.OneIn(3) ? TableAccess.Mapped : TableAccess.Cached });
        _open.Add(table);
        return table.CreateCursor(TableCursorOptions.Default);
    }

    // All versions of a key in one table. Some tables hold nothing (range deletes only).
    LevelCursor OpenLevel(List<TestEntry> entries, SeededRandom random)
    {
        var metas = new List<TableMeta>();
        var parts = new List<List<TestEntry>>();
        var perTable = 1 + random.Next(80);
        for (var i = 0; i < entries.Count;)
        {
            var end = Math.Min(i + perTable, entries.Count);
            while (end < entries.Count && entries[end].Key.AsSpan().SequenceEqual(entries[end - 1].Key)) end++;
            Add(entries[i..end], entries[i].Key, entries[end - 1].Key);
            if (random.OneIn(5) && end < entries.Count)
            {
                byte[] between = [.. entries[end - 1].Key, 0];
                if (between.AsSpan().SequenceCompareTo(entries[end].Key) < 0) Add([], between, between);
            }
            i = end;
        }
        return new([.. metas], index => OpenTable(parts[index]));

        void Add(List<TestEntry> part, byte[] smallest, byte[] largest)
        {
            parts.Add(part);
            metas.Add(new()
            {
                Id = (ulong)metas.Count + 1, FileBytes = 1, Smallest = smallest, Largest = largest, Entries = part.Count, MinVersion = 0,
                MaxVersion = ulong.MaxValue,
            });
        }
    }

    static void CheckScan(List<TestEntry> entries, VersionCursor cursor, bool byKey)
    {
        var at = 0;
        cursor.SeekToFirst();
        CursorAssert.At(Entry(entries, 0), cursor);
        while (cursor.Valid)
        {
            var before = at;
            if (byKey)
            {
                cursor.NextKey();
                at = EndOfKey(entries, at);
            }
            else
            {
                cursor.Next();
                at++;
            }
            CursorAssert.At(Entry(entries, at), cursor);
            CheckShared(entries, before, at, cursor);
        }
        if (byKey) return;
        for (cursor.SeekToLast(); cursor.Valid; cursor.Prev()) CursorAssert.At(Entry(entries, --at), cursor);
        Assert.Equal(0, at);
    }

    static void CheckMoves(List<TestEntry> entries, VersionCursor cursor, SeededRandom random, int moves)
    {
        var at = -1;
        for (var i = 0; i < moves; i++)
        {
            var before = at;
            var move = Entry(entries, at) is null ? random.Next(4) : random.Next(13);
            switch (move)
            {
                case 0:
                    cursor.SeekToFirst();
                    at = 0;
                    break;
                case 1:
                    cursor.SeekToLast();
                    at = entries.Count - 1;
                    break;
                case 2 or 3:
                    var target = entries[random.Next(entries.Count)];
                    var key = random.OneIn(3) ? [.. target.Key, (byte)random.Next(3)] : target.Key;
                    var version = random.Next(4) switch { 0 => 0UL, 1 => ulong.MaxValue, 2 => target.Version + 1, _ => target.Version };
                    at = entries.FindIndex(entry => TableOracle.Compare(entry.Key, entry.Version, key, version) >= 0);
                    if (at < 0) at = entries.Count;
                    if (move == 2) cursor.Seek(key, version);
                    else cursor.SeekBefore(key, version);
                    if (move == 3) at--;
                    break;
                case <= 7:
                    cursor.Next();
                    at++;
                    break;
                case <= 9:
                    cursor.Prev();
                    at--;
                    break;
                default:
                    cursor.NextKey();
                    at = EndOfKey(entries, at);
                    break;
            }
            CursorAssert.At(Entry(entries, at), cursor);
            if (move is not (<= 3 or 8 or 9)) CheckShared(entries, before, at, cursor);
        }
    }

    static void CheckShared(List<TestEntry> entries, int before, int at, VersionCursor cursor)
    {
        if (!cursor.Valid || cursor.Shared < 0) return;
        Assert.Equal(entries[before].Key.AsSpan().CommonPrefixLength(entries[at].Key), cursor.Shared);
    }

    static int EndOfKey(List<TestEntry> entries, int at)
    {
        var key = entries[at].Key;
        while (at < entries.Count && entries[at].Key.AsSpan().SequenceEqual(key)) at++;
        return at;
    }

    static TestEntry? Entry(List<TestEntry> entries, int at) => at >= 0 && at < entries.Count ? entries[at] : null;
}
