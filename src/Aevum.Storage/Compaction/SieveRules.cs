// SieveRules: answers the sieve's questions for one job: floors fixed at its start, and whether older data can exist below.

using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

sealed class SieveRules : ISieveRules
{
    readonly ITreePolicy _policy;
    readonly Floors _floors;
    readonly TableMeta[][] _older;      // sorted levels below the output
    readonly TableMeta[] _olderLoose;   // overlapping tables below the output (level 0 seen from a flush)
    readonly int[] _at;
    readonly Dictionary<ulong, ulong> _floorOf = [];
    ulong _lastKeyspace;
    ulong _lastFloor;
    bool _hasLast;

    /// <param name="floors">Asked once per keyspace; what it says is recorded and fixed for the job.</param>
    /// <param name="version">The tree as the job found it.</param>
    /// <param name="outputLevel">Levels below it may hold older data; at 0 (a flush) level 0 itself may too.</param>
    public SieveRules(ITreePolicy policy, Floors floors, TreeVersion version, int outputLevel)
    {
        _policy = policy;
        _floors = floors;
        _older = version.Levels[(outputLevel + 1)..];
        _olderLoose = outputLevel == 0 ? version.Levels[0] : [];
        _at = new int[_older.Length];
    }

    /// <summary>The floors that the job used, by keyspace.</summary>
    public IReadOnlyDictionary<ulong, ulong> UsedFloors => _floorOf;

    public ulong FloorOf(ReadOnlySpan<byte> key)
    {
        var keyspace = _floors.KeyspaceOf(key);
        if (_hasLast && keyspace == _lastKeyspace) return _lastFloor;
        if (!_floorOf.TryGetValue(keyspace, out var floor)) _floorOf[keyspace] = floor = _floors.Record(keyspace);
        (_lastKeyspace, _lastFloor, _hasLast) = (keyspace, floor, true);
        return floor;
    }

    public bool IsBottom(ReadOnlySpan<byte> key)
    {
        foreach (var table in _olderLoose)
            if (table.Contains(key)) return false;
        for (var i = 0; i < _older.Length; i++)
        {
            var level = _older[i];
            // Keys come in order, so each level is walked once.
            while (_at[i] < level.Length && level[_at[i]].EndsBefore(key)) _at[i]++;
            if (_at[i] < level.Length && level[_at[i]].Contains(key)) return false;
        }
        return true;
    }

    /// <summary>True if nothing older can exist in [start, end). May be asked in any order.</summary>
    public bool IsBottom(byte[] start, byte[] end)
    {
        foreach (var table in _olderLoose)
            if (table.Overlaps(start, end, endExclusive: true)) return false;
        foreach (var level in _older)
            if (TreeVersion.Overlapping(level, start, end, endExclusive: true).Count > 0) return false;
        return true;
    }

    public IMergeOperator? MergeOperatorOf(ReadOnlySpan<byte> key) => _policy.MergeOperatorOf(_floors.KeyspaceOf(key));

    /// <summary>Sorts a job's range deletes into those that reads still need and those that only the listing of versions does.</summary>
    public (Iterators.RangeDeletes Main, Iterators.RangeDeletes History) Sort(Iterators.RangeDeletes ranges)
    {
        if (ranges.IsEmpty) return (ranges, ranges);
        var main = new List<Iterators.RangeDelete>();
        var history = new List<Iterators.RangeDelete>();
        foreach (var fragment in ranges.Fragments)
            foreach (var (start, end, floor) in ByKeyspace(fragment.Start, fragment.End))
            {
                var bottom = IsBottom(start, end);
                var belowFloor = false;
                foreach (var version in fragment.Versions)
                {
                    var range = new Iterators.RangeDelete(start, end, version);
                    if (version > floor) (bottom ? history : main).Add(range);
                    else if (!bottom && !belowFloor) main.Add(range);
                    belowFloor |= version <= floor;
                }
            }
        return (Iterators.RangeDeletes.Build(main), Iterators.RangeDeletes.Build(history));
    }

    /// <summary>Of range deletes that only the listing of versions wants: those that it still may show.</summary>
    public Iterators.RangeDeletes KeepListed(Iterators.RangeDeletes ranges)
    {
        var kept = new List<Iterators.RangeDelete>();
        foreach (var fragment in ranges.Fragments)
            foreach (var (start, end, floor) in ByKeyspace(fragment.Start, fragment.End))
                foreach (var version in fragment.Versions)
                    if (version > floor) kept.Add(new(start, end, version));
        return Iterators.RangeDeletes.Build(kept);
    }

    // A range over several keyspaces goes by the floor of each where it lies: in the first and the last. Which keyspaces lie between only the
    // policy knows, so there it goes by the lowest floor of all: none.
    IEnumerable<(byte[] Start, byte[] End, ulong Floor)> ByKeyspace(byte[] start, byte[] end)
    {
        var first = _floors.KeyspaceOf(start);
        var behindFirst = _policy.KeyspacePrefixBytes == 0 || first == ulong.MaxValue ? null : PrefixOf(first + 1);
        if (behindFirst is null || end.AsSpan().SequenceCompareTo(behindFirst) <= 0)
        {
            yield return (start, end, FloorOf(start));
            yield break;
        }
        yield return (start, behindFirst, FloorOf(start));
        var last = PrefixOf(_floors.KeyspaceOf(end));
        var reachesIn = end.AsSpan().SequenceCompareTo(last) > 0;
        var between = reachesIn ? last : end;
        if (behindFirst.AsSpan().SequenceCompareTo(between) < 0) yield return (behindFirst, between, 0);
        if (reachesIn) yield return (last, end, FloorOf(last));
    }

    static byte[] PrefixOf(ulong keyspace)
    {
        var prefix = new byte[sizeof(ulong)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(prefix, keyspace);
        return prefix;
    }
}
