// SieveRules: answers the sieve's questions for one job: floors fixed at its start, and whether older data can exist below.

using Aevum.Core.Batches;
using Aevum.Storage.Iterators;
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

    // Fragments side by side with one floor and one answer about what lies below. There are as many as borders of keyspaces, of the tables
    // below and of gaps; range deletes are cut by these and not by each other, or nested ones would become quadratically many.
    readonly record struct Stretch(byte[] Start, byte[] End, ulong Floor, bool Bottom);

    /// <summary>Sorts a job's range deletes into those that reads still need and those that only the listing of versions does.</summary>
    public (RangeDeletes Main, RangeDeletes History) Sort(RangeDeletes ranges)
    {
        if (ranges.IsEmpty) return (ranges, ranges);
        var main = new List<RangeDelete>();
        var history = new List<RangeDelete>();
        var stretches = new List<Stretch>();
        foreach (var fragment in ranges.Fragments)
            foreach (var (start, end, floor) in ByKeyspace(fragment.Start, fragment.End))
            {
                var bottom = IsBottom(start, end);
                Lengthen(stretches, new(start, end, floor, bottom));
                // Of those at or below the floor the newest stands for all.
                if (!bottom && fragment.NewestAtMost(floor) is var newest and not 0) main.Add(new(start, end, newest));
            }
        foreach (var range in ranges.Flatten())
            foreach (var (part, stretch) in Cut(range, stretches))
                if (range.Version > stretch.Floor) (stretch.Bottom ? history : main).Add(part);
        return (RangeDeletes.Build(main), RangeDeletes.Build(history));
    }

    /// <summary>Of range deletes that only the listing of versions wants: those that it still may show.</summary>
    public RangeDeletes KeepListed(RangeDeletes ranges)
    {
        var stretches = new List<Stretch>();
        foreach (var fragment in ranges.Fragments)
            foreach (var (start, end, floor) in ByKeyspace(fragment.Start, fragment.End)) Lengthen(stretches, new(start, end, floor, true));
        var kept = new List<RangeDelete>();
        foreach (var range in ranges.Flatten())
            foreach (var (part, stretch) in Cut(range, stretches))
                if (range.Version > stretch.Floor) kept.Add(part);
        return RangeDeletes.Build(kept);
    }

    static void Lengthen(List<Stretch> stretches, Stretch next)
    {
        if (stretches.Count > 0 && stretches[^1] is var last && last.Floor == next.Floor && last.Bottom == next.Bottom
            && last.End.AsSpan().SequenceEqual(next.Start))
            stretches[^1] = last with { End = next.End };
        else
            stretches.Add(next);
    }

    static IEnumerable<(RangeDelete Part, Stretch Stretch)> Cut(RangeDelete range, List<Stretch> stretches)
    {
        int lower = 0, upper = stretches.Count;
        while (lower < upper)
        {
            var middle = (lower + upper) >>> 1;
            if (range.Start.AsSpan().SequenceCompareTo(stretches[middle].End) < 0) upper = middle;
            else lower = middle + 1;
        }
        for (var i = lower; i < stretches.Count && stretches[i].Start.AsSpan().SequenceCompareTo(range.End) < 0; i++)
        {
            var start = stretches[i].Start.AsSpan().SequenceCompareTo(range.Start) > 0 ? stretches[i].Start : range.Start;
            var end = stretches[i].End.AsSpan().SequenceCompareTo(range.End) < 0 ? stretches[i].End : range.End;
            yield return (range with { Start = start, End = end }, stretches[i]);
        }
    }

    // A range over several keyspaces goes by the floor of each where it lies: in the first and the last. Which keyspaces lie between only the
    // policy knows, so there it goes by the lowest floor of all: none.
    internal IEnumerable<(byte[] Start, byte[] End, ulong Floor)> ByKeyspace(byte[] start, byte[] end)
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
