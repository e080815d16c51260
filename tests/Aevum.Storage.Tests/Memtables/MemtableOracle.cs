// MemtableOracle: the slow, obvious memtable. A sorted dictionary from key to the list of its versions, oldest first.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Storage.Iterators;
using Aevum.Storage.Memtables;

namespace Aevum.Storage.Tests.Memtables;

sealed record OracleVersion(EffectKind Kind, ulong Version, ulong Expiry, byte[] Value);

sealed record OracleEntry(byte[] Key, OracleVersion Version)
{
    public override string ToString() =>
        $"{Convert.ToHexString(Key.AsSpan(0, Math.Min(Key.Length, 40)))}({Key.Length})@{Version.Version} {Version.Kind} " +
        $"{Convert.ToHexString(Version.Value.AsSpan(0, Math.Min(8, Version.Value.Length)))}";
}

sealed class MemtableOracle
{
    readonly SortedDictionary<byte[], List<OracleVersion>> _keys = new(KeyComparer.Instance);
    readonly List<RangeDelete> _rangeDeletes = [];

    public IReadOnlyCollection<byte[]> Keys => _keys.Keys;

    public IReadOnlyList<RangeDelete> RangeDeletes => _rangeDeletes;

    public void Add(EffectKind kind, byte[] key, ulong version, ulong expiry, byte[] value)
    {
        if (!_keys.TryGetValue(key, out var versions)) _keys.Add(key, versions = []);
        versions.Add(new(kind, version, expiry, value));
    }

    public void AddRangeDelete(byte[] start, byte[] end, ulong version)
    {
        if (KeyComparer.Instance.Compare(start, end) < 0) _rangeDeletes.Add(new(start, end, version));
    }

    public OracleVersion? Find(byte[] key, ulong at) =>
        _keys.TryGetValue(key, out var versions) ? versions.FindLast(v => v.Version <= at) : null;

    public ulong NewestRangeDeleteOver(byte[] key, ulong at) => _rangeDeletes
        .Where(r => r.Version <= at && KeyComparer.Instance.Compare(r.Start, key) <= 0 && KeyComparer.Instance.Compare(key, r.End) < 0)
        .Select(r => r.Version).DefaultIfEmpty().Max();

    /// <summary>All entries in the order of a cursor: keys rising, versions falling, of equal versions the later one first.</summary>
    public List<OracleEntry> Entries() =>
        [.. _keys.SelectMany(k => Enumerable.Reverse(k.Value).Select(v => new OracleEntry(k.Key, v)))];

    /// <summary>Index of the first entry at or after (key, version) in cursor order.</summary>
    public static int Seek(List<OracleEntry> entries, byte[] key, ulong version)
    {
        int lower = 0, upper = entries.Count;
        while (lower < upper)
        {
            var middle = (lower + upper) / 2;
            var order = KeyComparer.Instance.Compare(entries[middle].Key, key);
            if (order > 0 || (order == 0 && entries[middle].Version.Version <= version)) upper = middle;
            else lower = middle + 1;
        }
        return lower;
    }

    public static void AssertAt(List<OracleEntry> entries, int index, VersionCursor cursor)
    {
        var isInside = index >= 0 && index < entries.Count;
        Assert.Equal(isInside, cursor.Valid);
        if (!isInside) return;
        var (key, version) = entries[index];
        if (!cursor.Key.SequenceEqual(key) || cursor.Version != version.Version || !cursor.Value.SequenceEqual(version.Value))
            Assert.Fail($"expected {entries[index]}, found {Describe(cursor)}");
        Assert.Equal(version.Kind, cursor.Kind);
        Assert.Equal(version.Expiry, cursor.Expiry);
        Assert.Equal(0UL, cursor.End);
    }

    public static OracleEntry Describe(VersionCursor cursor) =>
        new(cursor.Key.ToArray(), new(cursor.Kind, cursor.Version, cursor.Expiry, cursor.Value.ToArray()));

    public static void AssertFinds(Memtable memtable, byte[] key, ulong at, OracleVersion? expected)
    {
        var isFound = memtable.TryFind(key, at, out var found);
        Assert.Equal(expected is not null, isFound);
        if (expected is null) return;
        Assert.Equal(expected.Version, found.Version);
        Assert.Equal(expected.Kind, found.Kind);
        Assert.Equal(expected.Expiry, found.Expiry);
        Assert.Equal(0UL, found.End);
        Assert.True(found.Value.SequenceEqual(expected.Value));
    }
}
