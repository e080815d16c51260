// RangeDeletes: an immutable set of range deletes, cut into fragments that do not overlap; the same range deletes cover all keys of one.
//
//   given      [a, m)@5  [f, z)@9
//   fragments  [a, f) 5   [f, m) 9 5   [m, z) 9
//
// A lookup is a binary search for the fragment and O(log^2 n) steps for the version (CoveringVersions). Building n range deletes costs
// O(n log n), nested or not, and so does what is built: callers that read ask a fragment for one version, callers that pass range deletes
// on (flush, compaction, union) take them whole from Flatten. Only ListVersions is as long as the fragment is deep; it is for whoever shows
// the history of one key. Nobody may list fragment by fragment, for that is quadratic. Sources that grow (memtables) rebuild lazily, so
// that adding a range delete stays O(1).
//
// Always true: range deletes of one version do not overlap (given ones that do are made one). Those that only touch stay apart: where
// tables cut a range delete, compaction may find that one part has nothing below and another has.

using Aevum.Core.Bytes;

namespace Aevum.Storage.Iterators;

/// <summary>All keys of [Start, End) are absent from Version on.</summary>
readonly record struct RangeDelete(byte[] Start, byte[] End, ulong Version);

/// <summary>A stretch of keys that the same range deletes cover, at least one.</summary>
sealed class RangeDeleteFragment(byte[] start, byte[] end, CoveringVersions covering, int index)
{
    public byte[] Start => start;

    public byte[] End => end;

    public ulong Newest => covering.NewestAtMost(index, ulong.MaxValue);

    public ulong Oldest => covering.Oldest(index);

    /// <summary>The greatest version at most <paramref name="at"/>; 0 if there is none.</summary>
    public ulong NewestAtMost(ulong at) => covering.NewestAtMost(index, at);

    /// <summary>The smallest version above <paramref name="version"/>; 0 if there is none.</summary>
    public ulong OldestAfter(ulong version) => covering.OldestAfter(index, version);

    /// <summary>True if a version lies above <paramref name="below"/> and not above <paramref name="upTo"/>.</summary>
    public bool HasBetween(ulong below, ulong upTo)
    {
        var version = covering.OldestAfter(index, below);
        return version != 0 && version <= upTo;
    }

    /// <summary>All versions, newest first, none twice. As many as range deletes cover the fragment, made anew at each call.</summary>
    public ulong[] ListVersions() => covering.List(index);
}

sealed class RangeDeletes
{
    public static RangeDeletes Empty { get; } = new([], [], new CoveringVersions(0, []));

    readonly RangeDelete[] _deletes; // in key order, newest first where they start together
    readonly RangeDeleteFragment[] _fragments;
    readonly CoveringVersions _covering;

    RangeDeletes(RangeDelete[] deletes, RangeDeleteFragment[] fragments, CoveringVersions covering)
    {
        _deletes = deletes;
        _fragments = fragments;
        _covering = covering;
    }

    public bool IsEmpty => _fragments.Length == 0;

    public IReadOnlyList<RangeDeleteFragment> Fragments => _fragments;

    /// <summary>Versions held for lookups: what building cost in memory.</summary>
    internal int HeldVersions => _covering.Count;

    public static RangeDeletes Build(IReadOnlyCollection<RangeDelete> raw)
    {
        if (raw.Count == 0) return Empty;
        var deletes = WithoutOverlapsOfOneVersion(raw);
        if (deletes.Length == 0) return Empty;
        var cuts = deletes.Select(r => r.Start).Concat(deletes.Select(r => r.End)).Distinct(KeyComparer.Instance).ToArray();
        Array.Sort(cuts, KeyComparer.Instance);

        // From which cut to which each one reaches, and so how many are open behind each cut.
        var covers = new CoveringVersions.Cover[deletes.Length];
        var opened = new int[cuts.Length];
        for (var i = 0; i < deletes.Length; i++)
        {
            var first = Array.BinarySearch(cuts, deletes[i].Start, KeyComparer.Instance);
            var end = Array.BinarySearch(cuts, deletes[i].End, KeyComparer.Instance);
            covers[i] = new(first, end, deletes[i].Version);
            opened[first]++;
            opened[end]--;
        }

        // Stretches that nothing covers are no fragments; no range delete reaches over one, so its fragments follow each other.
        var fragmentAt = new int[cuts.Length];
        int count = 0, open = 0;
        for (var i = 0; i < cuts.Length; i++)
        {
            fragmentAt[i] = count;
            open += opened[i];
            if (open > 0) count++;
        }
        foreach (ref var cover in covers.AsSpan()) cover = cover with { First = fragmentAt[cover.First], End = fragmentAt[cover.End] };

        var covering = new CoveringVersions(count, covers);
        var fragments = new RangeDeleteFragment[count];
        for (var i = 0; i + 1 < cuts.Length; i++)
            if (fragmentAt[i + 1] > fragmentAt[i]) fragments[fragmentAt[i]] = new(cuts[i], cuts[i + 1], covering, fragmentAt[i]);

        Array.Sort(deletes, static (x, y) => KeyComparer.Instance.Compare(x.Start, y.Start) is var order and not 0
            ? order
            : y.Version.CompareTo(x.Version));
        return new(deletes, fragments, covering);
    }

    // Newest first, of one version in key order.
    static RangeDelete[] WithoutOverlapsOfOneVersion(IReadOnlyCollection<RangeDelete> raw)
    {
        var sorted = raw.Where(r => r.Start.AsSpan().SequenceCompareTo(r.End) < 0).ToArray();
        Array.Sort(sorted, static (x, y) => y.Version.CompareTo(x.Version) is var order and not 0
            ? order
            : KeyComparer.Instance.Compare(x.Start, y.Start));
        var count = 0;
        foreach (var delete in sorted)
        {
            ref var before = ref sorted[Math.Max(count - 1, 0)];
            if (count > 0 && before.Version == delete.Version && delete.Start.AsSpan().SequenceCompareTo(before.End) < 0)
            {
                if (delete.End.AsSpan().SequenceCompareTo(before.End) > 0) before = before with { End = delete.End };
                continue;
            }
            sorted[count++] = delete;
        }
        return sorted[..count];
    }

    /// <summary>The greatest version at most <paramref name="at"/> of a range delete over <paramref name="key"/>; 0 if there is none.</summary>
    public ulong NewestCovering(ReadOnlySpan<byte> key, ulong at) => FragmentOver(key)?.NewestAtMost(at) ?? 0;

    /// <summary>The smallest version above <paramref name="version"/> of a range delete over <paramref name="key"/>; 0 if there is none.</summary>
    public ulong OldestCoveringAfter(ReadOnlySpan<byte> key, ulong version) => FragmentOver(key)?.OldestAfter(version) ?? 0;

    /// <summary>The fragment that covers <paramref name="key"/>, if one does.</summary>
    public RangeDeleteFragment? FragmentOver(ReadOnlySpan<byte> key)
    {
        var i = FirstEndingAfter(key);
        return i < _fragments.Length && key.SequenceCompareTo(_fragments[i].Start) >= 0 ? _fragments[i] : null;
    }

    /// <summary>Index of the first fragment whose end lies above <paramref name="key"/>; the number of fragments if there is none.</summary>
    public int FirstEndingAfter(ReadOnlySpan<byte> key)
    {
        int lower = 0, upper = _fragments.Length;
        while (lower < upper)
        {
            var middle = (lower + upper) >>> 1;
            if (key.SequenceCompareTo(_fragments[middle].End) < 0) upper = middle;
            else lower = middle + 1;
        }
        return lower;
    }

    /// <summary>True if a range delete touches [<paramref name="start"/>, <paramref name="end"/>); a null end is unbounded.</summary>
    public bool Touches(ReadOnlySpan<byte> start, byte[]? end)
    {
        if (end is not null && start.SequenceCompareTo(end) >= 0) return false;
        var i = FirstEndingAfter(start);
        return i < _fragments.Length && (end is null || _fragments[i].Start.AsSpan().SequenceCompareTo(end) < 0);
    }

    /// <summary>What of this set lies in [<paramref name="start"/>, <paramref name="end"/>); null is unbounded.</summary>
    public RangeDeletes Clip(byte[]? start, byte[]? end)
    {
        if (IsEmpty || (start is null && end is null)) return this;
        if (start is not null && end is not null && start.AsSpan().SequenceCompareTo(end) >= 0) return Empty;
        var startsWithin = start is null || _fragments[0].Start.AsSpan().SequenceCompareTo(start) >= 0;
        var endsWithin = end is null || _fragments[^1].End.AsSpan().SequenceCompareTo(end) <= 0;
        if (startsWithin && endsWithin) return this;
        var kept = new List<RangeDelete>();
        foreach (var delete in _deletes)
        {
            if (end is not null && delete.Start.AsSpan().SequenceCompareTo(end) >= 0) break;
            var from = start is not null && delete.Start.AsSpan().SequenceCompareTo(start) < 0 ? start : delete.Start;
            var to = end is not null && delete.End.AsSpan().SequenceCompareTo(end) > 0 ? end : delete.End;
            kept.Add(delete with { Start = from, End = to });
        }
        return Build(kept);
    }

    /// <summary>The range deletes whole: in key order, newest first of those that start together. At most as many as were given.</summary>
    public IReadOnlyList<RangeDelete> Flatten() => _deletes;

    /// <summary>One set with everything of all given sets.</summary>
    public static RangeDeletes Union(IReadOnlyList<RangeDeletes> sets) => sets.Count switch
    {
        0 => Empty,
        1 => sets[0],
        _ => Build([.. sets.SelectMany(s => s.Flatten())]),
    };
}
