// KeyLayout: how the key of every model begins, in one place.
//
//   namespace u32 | keyspace u32 | locality | the object's own key | [valid-from]      big endian: bytes in the order of meaning
//
// The version is not part of these bytes; storage keeps it beside the key. Locality is what must stay together: a shard's bounds never fall
// into one. Of a plain key-value keyspace the key given by the user is the locality and all there is, as it is, unescaped: nothing follows it.
// Models whose objects have parts escape their locality (OrderedKeyWriter.AddBytes), so that the parts can follow.

using Aevum.Core.Bytes;

namespace Aevum.Model.Keyspace;

public static class KeyLayout
{
    /// <summary>Length of a key-value key with its keyspace before it.</summary>
    public static int LengthOf(int userKeyLength) => KeyspaceId.PrefixBytes + userKeyLength;

    /// <summary>Writes the key of a plain key-value keyspace.</summary>
    /// <param name="target">At least <see cref="LengthOf"/> bytes.</param>
    /// <returns>The key written.</returns>
    public static Span<byte> Write(Span<byte> target, KeyspaceId keyspace, ReadOnlySpan<byte> userKey)
    {
        keyspace.WriteTo(target);
        userKey.CopyTo(target[KeyspaceId.PrefixBytes..]);
        return target[..LengthOf(userKey.Length)];
    }

    /// <summary>The key of a plain key-value keyspace, as an array of its own.</summary>
    public static byte[] Make(KeyspaceId keyspace, ReadOnlySpan<byte> userKey)
    {
        var key = new byte[LengthOf(userKey.Length)];
        Write(key, keyspace, userKey);
        return key;
    }

    /// <summary>What the user gave.</summary>
    public static ReadOnlySpan<byte> UserKeyOf(ReadOnlySpan<byte> key) => key[KeyspaceId.PrefixBytes..];

    /// <summary>The bounds of all keys of a keyspace that begin with a prefix.</summary>
    /// <returns>First key, and first key behind; the last is null at the very end of the key order.</returns>
    public static (byte[] Start, byte[]? End) RangeOf(KeyspaceId keyspace, ReadOnlySpan<byte> prefix = default)
    {
        var start = Make(keyspace, prefix);
        return (start, KeyRange.PrefixEnd(start));
    }
}
