// TableMeta: what the tree knows of one sorted table without opening it. Immutable; the manifest keeps it.
//
// Bounds are user keys. The lower one is inclusive. The upper one is inclusive when it comes from a point entry and exclusive when it
// comes from the end of a range delete (LargestExclusive). Clip bounds narrow a file that is shared with another tree: nothing outside
// [ClipStart, ClipEnd) of the file belongs to this tree.

using Aevum.Core.Bytes;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Versions;

sealed record TableMeta
{
    /// <summary>Names the file; unique in the process and rising.</summary>
    public required ulong Id { get; init; }

    public required long FileBytes { get; init; }

    public required byte[] Smallest { get; init; }

    public required byte[] Largest { get; init; }

    public bool LargestExclusive { get; init; }

    /// <summary>Point entries (versions), range deletes not counted.</summary>
    public required long Entries { get; init; }

    /// <summary>Of those, deletes.</summary>
    public long Deletes { get; init; }

    public long RangeDeletes { get; init; }

    public required ulong MinVersion { get; init; }

    public required ulong MaxVersion { get; init; }

    /// <summary>The earliest expiry of an entry; 0 if none expires.</summary>
    public ulong MinExpiry { get; init; }

    /// <summary>History tables: no entry answers a read at or above this time. 0 elsewhere.</summary>
    public ulong MaxEnd { get; init; }

    public byte[]? ClipStart { get; init; }

    /// <summary>Exclusive.</summary>
    public byte[]? ClipEnd { get; init; }

    public bool IsClipped => ClipStart is not null || ClipEnd is not null;

    /// <summary>True if <paramref name="key"/> may lie in the table.</summary>
    public bool Contains(ReadOnlySpan<byte> key) => key.SequenceCompareTo(Smallest) >= 0 && !EndsBefore(key);

    /// <summary>True if every key of the table is below <paramref name="key"/>.</summary>
    public bool EndsBefore(ReadOnlySpan<byte> key)
    {
        var order = key.SequenceCompareTo(Largest);
        return order > 0 || (order == 0 && LargestExclusive);
    }

    /// <summary>True if the table's upper bound lies above the other's.</summary>
    public bool ReachesBeyond(TableMeta other)
    {
        var order = Largest.AsSpan().SequenceCompareTo(other.Largest);
        return order > 0 || (order == 0 && other.LargestExclusive && !LargestExclusive);
    }

    /// <summary>True if a key of the table may lie in the range from <paramref name="start"/> to <paramref name="end"/>; null is unbounded.</summary>
    public bool Overlaps(byte[]? start, byte[]? end, bool endExclusive)
    {
        if (start is not null && EndsBefore(start)) return false;
        if (end is null) return true;
        var order = Smallest.AsSpan().SequenceCompareTo(end);
        return order < 0 || (order == 0 && !endExclusive);
    }

    public bool Overlaps(TableMeta other) => Overlaps(other.Smallest, other.Largest, other.LargestExclusive);

    /// <summary>Orders by lower bound.</summary>
    public static int CompareSmallest(TableMeta a, TableMeta b) => KeyComparer.Instance.Compare(a.Smallest, b.Smallest);
}
