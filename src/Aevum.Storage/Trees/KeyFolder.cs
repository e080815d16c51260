// KeyFolder: the value of a key whose newest visible version is a merge: all its versions are walked, newest first, down to the base, then the
// operands are folded into it, oldest first. The slow and general path of a lookup; TreeIterator uses the same walk.

using System.Buffers;
using Aevum.Core.Batches;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Trees;

static class KeyFolder
{
    public static bool TryFold(ReadState state, ITreePolicy policy, Floors floors, ReadOnlySpan<byte> key, ReadPoint point, ref PinnedValue value)
    {
        var sources = TreeSources.Open(state, point.At.Value, withHistory: true, fillCache: true);
        using var cursor = sources.Cursor;
        cursor.Seek(key, point.At.Value);
        if (!cursor.Valid || !cursor.Key.SequenceEqual(key)) return false;
        value.Unpin();
        value.Version = new(cursor.Version);
        var merge = policy.MergeOperatorOf(floors.KeyspaceOf(key));
        var folded = Fold(cursor, key, sources.RangeDeletes, merge, out var expiry);
        value.Expiry = new(expiry);
        if (expiry != 0 && expiry <= point.Now.Value) return false;
        value.Folded = folded;
        return true;
    }

    /// <summary>Folds from the merge that the cursor stands on; leaves the cursor on the base or behind the key's versions.</summary>
    public static byte[] Fold(VersionCursor cursor, ReadOnlySpan<byte> key, RangeDeleteStack ranges, IMergeOperator? merge, out ulong expiry)
    {
        if (merge is null) throw new InvalidOperationException("a merge operand stands in a keyspace whose policy names no merge operator");
        var operands = new List<(ulong Version, byte[] Operand)>();
        var exists = false;
        byte[] current = [];
        expiry = 0;
        var above = ulong.MaxValue;
        while (cursor.Valid && cursor.Key.SequenceEqual(key))
        {
            // What ended before the version above it began is no base: a delete lay between. So is what a range delete between covers.
            if (above != ulong.MaxValue)
            {
                if (cursor.End != 0 && cursor.End < above) break;
                if (ranges.HasBetween(key, cursor.Version, above)) break;
            }
            if (cursor.Kind != EffectKind.Merge)
            {
                if (cursor.Kind == EffectKind.Put && !(cursor.Expiry != 0 && cursor.Expiry <= above))
                {
                    exists = true;
                    current = cursor.Value.ToArray();
                    expiry = cursor.Expiry;
                }
                break;
            }
            above = cursor.Version;
            operands.Add((above, cursor.Value.ToArray()));
            cursor.Next();
        }

        var results = new[] { new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>() };
        ReadOnlySpan<byte> value = current;
        for (var i = operands.Count - 1; i >= 0; i--)
        {
            if (expiry != 0 && expiry <= operands[i].Version)
            {
                exists = false;
                value = default;
                expiry = 0;
            }
            var result = results[i & 1];
            result.ResetWrittenCount();
            merge.Merge(key, exists, value, operands[i].Operand, result);
            value = result.WrittenSpan;
            exists = true;
        }
        return value.ToArray();
    }
}
