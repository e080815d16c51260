// StructureKey: keys of a structure keyspace: one row that is the object, its head, and rows of its elements right behind it.
//
//   head      namespace u32 | keyspace u32 | key, escaped | 00 01
//   element   the head's key | incarnation u64 | family u8 | the element's own key, raw
//
// The escaped key (docs/formats/keys.md) is the locality: a head and its elements are never in two shards. Heads are in the order of keys, and
// whoever walks over heads only seeks past the elements of one (EndOf). An incarnation is the system time at which the object was made: elements
// of an object that is gone carry another one than the head, and nobody finds them.
//
// Always true: an element's key begins with its head's, or with that of its home if the object was renamed (StructureHead.Home); no head's key is the
// beginning of another head's.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Structures;

public static class StructureKey
{
    const int TerminatorBytes = 2;
    const int IncarnationBytes = sizeof(ulong);

    /// <summary>Bytes between a head's key and an element's own.</summary>
    public const int ElementPrefixBytes = IncarnationBytes + 1;

    /// <summary>The family of the one row, with an empty own key, that says which head has elements whose own head does not have them: the key of that head.
    /// It is behind the home of an object that was renamed, and of one that is being made in several commits.</summary>
    public const byte OwnerFamily = 0;

    /// <summary>An upper bound of the length of a head's key.</summary>
    public static int HeadBytesMax(int userKeyLength) => KeyspaceId.PrefixBytes + (2 * userKeyLength) + TerminatorBytes;

    /// <summary>Writes a head's key.</summary>
    /// <param name="target">At least <see cref="HeadBytesMax"/> bytes, unless the key has no zeros: then that much less.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteHead(Span<byte> target, KeyspaceId keyspace, ReadOnlySpan<byte> userKey)
    {
        keyspace.WriteTo(target);
        var at = KeyspaceId.PrefixBytes;
        while (true)
        {
            var zero = userKey.IndexOf((byte)0);
            if (zero < 0) break;
            userKey[..zero].CopyTo(target[at..]);
            at += zero;
            target[at++] = 0;
            target[at++] = 0xFF;
            userKey = userKey[(zero + 1)..];
        }
        userKey.CopyTo(target[at..]);
        at += userKey.Length;
        target[at++] = 0;
        target[at++] = 1;
        return at;
    }

    /// <summary>Writes what stands between a head's key and an element's own.</summary>
    public static void WriteElementPrefix(Span<byte> target, ulong incarnation, byte family)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, incarnation);
        target[IncarnationBytes] = family;
    }

    /// <summary>The key of the row that says who has the elements of an incarnation (<see cref="OwnerFamily"/>).</summary>
    public static byte[] OwnerOf(ReadOnlySpan<byte> homeKey, ulong incarnation)
    {
        var key = new byte[homeKey.Length + ElementPrefixBytes];
        homeKey.CopyTo(key);
        WriteElementPrefix(key.AsSpan(homeKey.Length), incarnation, OwnerFamily);
        return key;
    }

    /// <summary>The rows of an incarnation: from the first key to before the last.</summary>
    public static (byte[] Start, byte[] End) RangeOf(ReadOnlySpan<byte> homeKey, ulong incarnation)
    {
        var (start, end) = (new byte[homeKey.Length + IncarnationBytes], new byte[homeKey.Length + IncarnationBytes]);
        homeKey.CopyTo(start);
        homeKey.CopyTo(end);
        BinaryPrimitives.WriteUInt64BigEndian(start.AsSpan(homeKey.Length), incarnation);
        BinaryPrimitives.WriteUInt64BigEndian(end.AsSpan(homeKey.Length), checked(incarnation + 1));
        return (start, end);
    }

    /// <summary>The length of a row's head key: the row's own, if it is a head.</summary>
    /// <returns>-1: it is no key of a structure.</returns>
    public static int HeadLengthOf(ReadOnlySpan<byte> key)
    {
        var at = KeyspaceId.PrefixBytes;
        while (at < key.Length)
        {
            var zero = key[at..].IndexOf((byte)0);
            if (zero < 0 || at + zero + 1 >= key.Length) return -1;
            at += zero + 2;
            if (key[at - 1] == 1) return at;
        }
        return -1;
    }

    /// <summary>The user's key of a head.</summary>
    /// <param name="target">At least as long as the head's key.</param>
    /// <returns>Bytes written.</returns>
    public static int ReadUserKey(ReadOnlySpan<byte> headKey, Span<byte> target)
    {
        var escaped = headKey[KeyspaceId.PrefixBytes..^TerminatorBytes];
        var written = 0;
        while (true)
        {
            var zero = escaped.IndexOf((byte)0);
            if (zero < 0) break;
            escaped[..(zero + 1)].CopyTo(target[written..]);
            written += zero + 1;
            escaped = escaped[(zero + 2)..];
        }
        escaped.CopyTo(target[written..]);
        return written + escaped.Length;
    }

    /// <summary>The first key behind a head and all that can be its elements.</summary>
    /// <param name="target">As long as the head's key.</param>
    public static void WriteEndOf(ReadOnlySpan<byte> headKey, Span<byte> target)
    {
        headKey.CopyTo(target);
        target[headKey.Length - 1]++;   // the terminator's second byte: 1, and behind it only the escape's 0xFF
    }
}
