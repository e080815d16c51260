// RangeDeleteStack: several sets of range deletes looked at together, as the reader of a tree finds them: of memtables that grow, of tables that do not.
//
// They are not made one set. That costs O(n log n), for each cursor anew, as the newest memtable has changed since the last one: with a thousand range
// deletes in memory a scan of ten keys took hundreds of times longer than the keys did. Here a look asks each set, O(log n) for each; and a walk keeps a
// finger in each, so that the next key of it costs two comparisons.
//
// Of a walk over [start, end) sets that do not touch it are left out from the beginning.
//
// Always true: what is answered is what the union of the sets would answer. One reader: fingers are no shared thing.

namespace Aevum.Storage.Iterators;

sealed class RangeDeleteStack
{
    public static RangeDeleteStack Empty { get; } = new([]);

    readonly RangeDeletes[] _sets;
    readonly int[] _fingers;   // of each set: the fragment that ended first behind the key looked for last

    public RangeDeleteStack(IReadOnlyList<RangeDeletes> sets)
    {
        _sets = [.. sets.Where(s => !s.IsEmpty)];
        _fingers = new int[_sets.Length];
    }

    /// <summary>The sets, none of them empty.</summary>
    public IReadOnlyList<RangeDeletes> Sets => _sets;

    public bool IsEmpty => _sets.Length == 0;

    /// <summary>The greatest version at most <paramref name="at"/> of a range delete over <paramref name="key"/>; 0 if there is none.</summary>
    public ulong NewestCovering(ReadOnlySpan<byte> key, ulong at)
    {
        ulong newest = 0;
        for (var i = 0; i < _sets.Length; i++)
            if (FragmentOver(i, key) is { } fragment) newest = Math.Max(newest, fragment.NewestAtMost(at));
        return newest;
    }

    /// <summary>True if a range delete over <paramref name="key"/> lies above <paramref name="below"/> and not above <paramref name="upTo"/>.</summary>
    public bool HasBetween(ReadOnlySpan<byte> key, ulong below, ulong upTo)
    {
        for (var i = 0; i < _sets.Length; i++)
            if (FragmentOver(i, key)?.HasBetween(below, upTo) == true) return true;
        return false;
    }

    RangeDeleteFragment? FragmentOver(int set, ReadOnlySpan<byte> key)
    {
        var fragments = _sets[set].Fragments;
        var at = _fingers[set];
        // Walks go forward or backward by small steps: mostly it is the same place, or the one next to it.
        if (!IsPlace(fragments, at, key))
        {
            at = IsPlace(fragments, at + 1, key) ? at + 1 : IsPlace(fragments, at - 1, key) ? at - 1 : _sets[set].FirstEndingAfter(key);
            _fingers[set] = at;
        }
        return at < fragments.Count && key.SequenceCompareTo(fragments[at].Start) >= 0 ? fragments[at] : null;
    }

    // True if the fragment is the first that ends above the key; one behind the last: if none does.
    static bool IsPlace(IReadOnlyList<RangeDeleteFragment> fragments, int at, ReadOnlySpan<byte> key) =>
        at >= 0 && at <= fragments.Count
        && (at == fragments.Count || key.SequenceCompareTo(fragments[at].End) < 0)
        && (at == 0 || key.SequenceCompareTo(fragments[at - 1].End) >= 0);
}
