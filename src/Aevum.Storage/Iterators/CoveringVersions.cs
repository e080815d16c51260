// CoveringVersions: for each of n fragments the versions of the range deletes over it, without a list per fragment.
//
//                      1                   a segment tree (J. L. Bentley, "Solutions to Klee's rectangle problems", 1977): a range
//             2                 3          delete over fragments [first, end) leaves its version at the O(log n) nodes that together
//         4       5         6       7      span exactly those; what covers a fragment stands on its way to the root
//       fragment 0, 1, 2, 3
//
// Nested range deletes are why. As a list per fragment, m of them nested in each other take m^2 numbers; here they take at most
// 2 m log2(2 m), and no question but the listing of a fragment's versions costs more than O(log^2 m).
//
// Always true:
//   (1) the versions of a node fall; they lie in one array, a node's behind those of the node before;
//   (2) on one way to the root no version stands twice, since range deletes of one version do not overlap (RangeDeletes sees to it);
//   (3) built once, never changed.
//
// Not here: where fragments begin and end (RangeDeletes).

namespace Aevum.Storage.Iterators;

sealed class CoveringVersions
{
    /// <summary>A range delete over the fragments [First, End).</summary>
    internal readonly record struct Cover(int First, int End, ulong Version);

    readonly int _fragments;
    readonly int[] _starts; // by node; one more than there are nodes
    readonly ulong[] _versions;

    /// <param name="fragments">How many there are.</param>
    /// <param name="covers">Newest first; of one version none overlap.</param>
    public CoveringVersions(int fragments, ReadOnlySpan<Cover> covers)
    {
        _fragments = fragments;
        _starts = new int[(2 * fragments) + 1];
        foreach (var cover in covers)
            for (int left = cover.First + fragments, right = cover.End + fragments; left < right; left >>= 1, right >>= 1)
            {
                if ((left & 1) != 0) _starts[++left]++;
                if ((right & 1) != 0) _starts[right--]++;
            }
        for (var node = 1; node < _starts.Length; node++) _starts[node] = checked(_starts[node] + _starts[node - 1]);

        _versions = new ulong[_starts[^1]];
        var next = _starts.AsSpan().ToArray();
        foreach (var cover in covers)
            for (int left = cover.First + fragments, right = cover.End + fragments; left < right; left >>= 1, right >>= 1)
            {
                if ((left & 1) != 0) _versions[next[left++]++] = cover.Version;
                if ((right & 1) != 0) _versions[next[--right]++] = cover.Version;
            }
    }

    /// <summary>Numbers held, over all nodes.</summary>
    public int Count => _versions.Length;

    ReadOnlySpan<ulong> At(int node) => _versions.AsSpan(_starts[node], _starts[node + 1] - _starts[node]);

    /// <summary>The greatest version at most <paramref name="at"/> over a fragment; 0 if there is none.</summary>
    public ulong NewestAtMost(int fragment, ulong at)
    {
        ulong newest = 0;
        for (var node = fragment + _fragments; node > 0; node >>= 1)
        {
            var versions = At(node);
            if (versions.IsEmpty || versions[0] <= newest || versions[^1] > at) continue;
            newest = Math.Max(newest, versions[CountAbove(versions, at)]);
        }
        return newest;
    }

    /// <summary>The smallest version above <paramref name="version"/> over a fragment; 0 if there is none.</summary>
    public ulong OldestAfter(int fragment, ulong version)
    {
        var oldest = ulong.MaxValue;
        var isFound = false;
        for (var node = fragment + _fragments; node > 0; node >>= 1)
        {
            var versions = At(node);
            if (versions.IsEmpty || versions[0] <= version) continue;
            oldest = Math.Min(oldest, versions[CountAbove(versions, version) - 1]);
            isFound = true;
        }
        return isFound ? oldest : 0;
    }

    /// <summary>The smallest version over a fragment.</summary>
    public ulong Oldest(int fragment)
    {
        var oldest = ulong.MaxValue;
        for (var node = fragment + _fragments; node > 0; node >>= 1)
        {
            var versions = At(node);
            if (!versions.IsEmpty) oldest = Math.Min(oldest, versions[^1]);
        }
        return oldest;
    }

    /// <summary>All versions over a fragment, newest first.</summary>
    public ulong[] List(int fragment)
    {
        var all = new List<ulong>();
        for (var node = fragment + _fragments; node > 0; node >>= 1) all.AddRange(At(node));
        all.Sort();
        all.Reverse();
        return [.. all];
    }

    // How many of falling versions are greater.
    static int CountAbove(ReadOnlySpan<ulong> versions, ulong version)
    {
        int lower = 0, upper = versions.Length;
        while (lower < upper)
        {
            var middle = (lower + upper) >>> 1;
            if (versions[middle] > version) lower = middle + 1;
            else upper = middle;
        }
        return lower;
    }
}
