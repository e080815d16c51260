// VersionCursor: one place in one sorted run of versions. Memtables, blocks, tables, levels and merges of them all look alike from here.
//
//   order     key ascending (unsigned bytes, shorter first on a tie), then version descending: the newest version of a key comes first
//   move      the abstract methods; each sets the fields below or clears Valid
//   fields    plain fields, not virtual properties: a scan reads them for every entry
//
// Always true while Valid:
//   (1) Key and Value point to memory that stays until the next move or Dispose (pinned blocks, an arena, or the cursor's own buffer);
//   (2) at equal key and version (two effects of one batch on one key) the later effect comes first;
//   (3) range deletes do not appear here: each source hands them out beside its cursor (RangeDeletes).
//
// Not here: what a reader may see (TreeIterator), what may be dropped (CompactionFilter).

using System.Diagnostics;
using Aevum.Core.Batches;
using Aevum.Core.Time;

namespace Aevum.Storage.Iterators;

abstract unsafe class VersionCursor : IDisposable
{
    public bool Valid;
    public EffectKind Kind;
    public byte* KeyPointer;
    public int KeyLength;
    public byte* ValuePointer;
    public int ValueLength;

    /// <summary>The version's system time.</summary>
    public ulong Version;

    /// <summary>The time from which the version counts as absent; 0 if it never expires.</summary>
    public ulong Expiry;

    /// <summary>In history tables: when a newer version or a delete took its place; elsewhere 0.</summary>
    public ulong End;

    /// <summary>After <see cref="Next"/> and <see cref="NextKey"/>: how many bytes the key has in common with the key before the move. -1:
    /// the source does not say; then the key before the move stays where it was until the move after. Means nothing after other moves.
    /// </summary>
    public int Shared = -1;

    public ReadOnlySpan<byte> Key => new(KeyPointer, KeyLength);

    public ReadOnlySpan<byte> Value => new(ValuePointer, ValueLength);

    public abstract void SeekToFirst();

    public abstract void SeekToLast();

    /// <summary>To the first entry at or after (<paramref name="key"/>, <paramref name="version"/>): the newest version of the key that is
    /// at most <paramref name="version"/>, else the first entry of the next key.</summary>
    public abstract void Seek(ReadOnlySpan<byte> key, ulong version);

    /// <summary>To the last entry strictly before (<paramref name="key"/>, <paramref name="version"/>) in the order above.
    /// With version = ulong.MaxValue: the oldest version of the greatest key below <paramref name="key"/>.</summary>
    public abstract void SeekBefore(ReadOnlySpan<byte> key, ulong version);

    public abstract void Next();

    public abstract void Prev();

    /// <summary>To the newest version of the next key. Same result as repeated <see cref="Next"/>; sources that can skip do.</summary>
    public virtual void NextKey()
    {
        Debug.Assert(Valid);
        var length = KeyLength;
        var copy = length <= 256 ? stackalloc byte[length] : new byte[length];
        Key.CopyTo(copy);
        do Next(); while (Valid && Key.SequenceEqual(copy));
    }

    public abstract void Dispose();
}
