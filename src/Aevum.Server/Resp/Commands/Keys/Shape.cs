// Shape: what Redis 7.0 would call the encoding of a value that looks like this one. An answer for compatibility: clients and tests ask for it, and it
// tells nothing of how the value lies here (docs/formats/structures.md).
//
// It follows from the value alone, so it forgets what Redis remembers: there an encoding that was left is never gone back to, and a string that was
// appended to is raw whatever its length.

using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Keys;

static class Shape
{
    const int EmbeddedBytesMax = 44;
    const int IntegerBytesMax = 20;

    /// <summary>Names the shape of what a key holds.</summary>
    /// <returns>Null: it holds nothing.</returns>
    public static string? Of(DataCall call, ReadOnlySpan<byte> key)
    {
        if (!call.TryReadHead(key, out var head, out _)) return null;
        switch (head.Kind)
        {
            case StructureKind.String:
                if (head.Rest.Length <= IntegerBytesMax && Numbers.TryInteger(head.Rest, out _)) return "int";
                return head.Rest.Length <= EmbeddedBytesMax ? "embstr" : "raw";
            case StructureKind.List:
                return "quicklist";
            case StructureKind.Stream:
                return "stream";
            case StructureKind.Hash:
                return IsCompact(call.Hashes.Open(key)!, call.Settings.HashEntries.Value, call.Settings.HashValueBytes.Value, true) ? "listpack" : "hashtable";
            case StructureKind.SortedSet:
                return IsCompact(call.SortedSets.Open(key)!, call.Settings.SortedSetEntries.Value, call.Settings.SortedSetValueBytes.Value, false)
                    ? "listpack" : "skiplist";
            default:
                return HasIntegersOnly(call.Sets.Open(key)!, call.Settings.SetIntegers.Value) ? "intset" : "hashtable";
        }
    }

    static bool IsCompact(MemberRows rows, long countMax, long bytesMax, bool withValues)
    {
        if (rows.Count > countMax) return false;
        var isCompact = true;
        rows.ForEach((name, value) => isCompact = name.Length <= bytesMax && (!withValues || value.Length <= bytesMax));
        return isCompact;
    }

    static bool HasIntegersOnly(MemberRows rows, long countMax)
    {
        if (rows.Count > countMax) return false;
        var areIntegers = true;
        rows.ForEach((name, _) => areIntegers = Numbers.TryInteger(name, out var _));
        return areIntegers;
    }
}
