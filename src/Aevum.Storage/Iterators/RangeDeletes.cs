// RangeDeletes: an immutable set of range deletes, cut into fragments that do not overlap, each with its versions newest first.
//
//   raw        [a, m)@5  [f, z)@9
//   fragments  [a, f) 5   [f, m) 9 5   [m, z) 9
//
// A lookup is one binary search for the fragment and one for the version. Building costs O(n log n + fragments x depth); sources that
// grow (memtables) rebuild lazily, so that adding a range delete stays O(1).

using Aevum.Core.Time;

namespace Aevum.Storage.Iterators;

/// <summary>All keys of [Start, End) are absent from Version on.</summary>
readonly record struct RangeDelete(byte[] Start, byte[] End, ulong Version);

/// <summary>A stretch of keys that the same range deletes cover. Versions: newest first, no duplicates, never empty.</summary>
sealed record RangeDeleteFragment(byte[] Start, byte[] End, ulong[] Versions);

sealed class RangeDeletes
{
    public static RangeDeletes Empty { get; } = new([]);

    readonly RangeDeleteFragment[] _fragments;

    RangeDeletes(RangeDeleteFragment[] fragments) => _fragments = fragments;

    public bool IsEmpty => _fragments.Length == 0;

    public IReadOnlyList<RangeDeleteFragment> Fragments => _fragments;

    public static RangeDeletes Build(IReadOnlyCollection<RangeDelete> raw)
    {
        if (raw.Count == 0) return Empty;
        var byStart = raw.Where(r => r.Start.AsSpan().SequenceCompareTo(r.End) < 0)
            .OrderBy(r => r.Start, KeyComparer.Instance).ToArray();
        var cuts = byStart.Select(r => r.Start).Concat(byStart.Select(r => r.End)).Distinct(KeyComparer.Instance)
            .OrderBy(k => k, KeyComparer.Instance).ToArray();

        // Sweep over the cuts with the range deletes that are open at each.
        var fragments = new List<RangeDeleteFragment>(cuts.Length);
        var open = new List<RangeDelete>();
        var next = 0;
        for (var i = 0; i + 1 < cuts.Length; i++)
        {
            open.RemoveAll(r => r.End.AsSpan().SequenceCompareTo(cuts[i]) <= 0);
            while (next < byStart.Length && byStart[next].Start.AsSpan().SequenceCompareTo(cuts[i]) <= 0) open.Add(byStart[next++]);
            if (open.Count > 0)
                fragments.Add(new(cuts[i], cuts[i + 1], open.Select(r => r.Version).Distinct().OrderDescending().ToArray()));
        }
        return new([.. fragments]);
    }

    /// <summary>The greatest version at most <paramref name="at"/> of a range delete over <paramref name="key"/>; 0 if there is none.</summary>
    public ulong NewestCovering(ReadOnlySpan<byte> key, ulong at)
    {
        var fragment = FragmentOver(key);
        if (fragment is null) return 0;
        foreach (var version in fragment.Versions)
            if (version <= at) return version;
        return 0;
    }

    /// <summary>The smallest version above <paramref name="version"/> of a range delete over <paramref name="key"/>; 0 if there is none.</summary>
    public ulong OldestCoveringAfter(ReadOnlySpan<byte> key, ulong version)
    {
        var fragment = FragmentOver(key);
        if (fragment is null) return 0;
        for (var i = fragment.Versions.Length - 1; i >= 0; i--)
            if (fragment.Versions[i] > version) return fragment.Versions[i];
        return 0;
    }

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
        var kept = new List<RangeDeleteFragment>();
        for (var i = start is null ? 0 : FirstEndingAfter(start); i < _fragments.Length; i++)
        {
            var fragment = _fragments[i];
            if (end is not null && fragment.Start.AsSpan().SequenceCompareTo(end) >= 0) break;
            var from = start is not null && fragment.Start.AsSpan().SequenceCompareTo(start) < 0 ? start : fragment.Start;
            var to = end is not null && fragment.End.AsSpan().SequenceCompareTo(end) > 0 ? end : fragment.End;
            kept.Add(fragment with { Start = from, End = to });
        }
        return kept.Count == 0 ? Empty : new([.. kept]);
    }

    /// <summary>The fragments as single range deletes, in key order, newest first in each.</summary>
    public IEnumerable<RangeDelete> Flatten() => _fragments.SelectMany(f => f.Versions.Select(v => new RangeDelete(f.Start, f.End, v)));

    /// <summary>One set with everything of all given sets.</summary>
    public static RangeDeletes Union(IReadOnlyList<RangeDeletes> sets) => sets.Count switch
    {
        0 => Empty,
        1 => sets[0],
        _ => Build([.. sets.SelectMany(s => s.Flatten())]),
    };
}

/// <summary>Byte arrays in the store's order: unsigned bytes, shorter first on a tie.</summary>
sealed class KeyComparer : IComparer<byte[]>, IEqualityComparer<byte[]>
{
    public static KeyComparer Instance { get; } = new();

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] obj)
    {
        var hash = new HashCode();
        hash.AddBytes(obj);
        return hash.ToHashCode();
    }
}
