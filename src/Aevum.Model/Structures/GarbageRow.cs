// GarbageRow: elements of a large object that may go. Whoever deletes, replaces or lets expire a large object writes its head alone, and puts down such a
// row in the same commit; the collector takes the elements away in the background, when the row is due.
//
//   SystemKeyspaces.Garbage | due u64 | head key | incarnation u64        big endian; value: empty
//
// Due is the system time from which they may go: of what is gone already the time of the commit, of what expires the expiry. So rows come to the
// collector in the order of time, and it need not walk over those that it has taken away before.
//
// A row is a hint, not an order: by then the object may live on (PERSIST, a later expiry). Whoever collects looks at the head.

using System.Buffers.Binary;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Structures;

/// <summary>The key of a row of <see cref="SystemKeyspaces.Garbage"/>, taken apart.</summary>
public readonly ref struct GarbageRow
{
    const int HeadAt = KeyspaceId.PrefixBytes + sizeof(ulong);
    const int AroundHead = HeadAt + sizeof(ulong);

    /// <summary>The system time from which the elements may go.</summary>
    public SystemTime Due { get; private init; }

    /// <summary>The key of the head behind which the elements lie: the object's, unless it was renamed since (<see cref="StructureHead.Home"/>).</summary>
    public ReadOnlySpan<byte> HeadKey { get; private init; }

    /// <summary>What the elements' keys carry behind the head's.</summary>
    public ulong Incarnation { get; private init; }

    /// <summary>The length of a row's key.</summary>
    public static int LengthOf(int headKeyLength) => AroundHead + headKeyLength;

    /// <summary>Writes a row's key.</summary>
    /// <param name="target"><see cref="LengthOf"/> bytes.</param>
    public static void Write(Span<byte> target, SystemTime due, ReadOnlySpan<byte> headKey, ulong incarnation)
    {
        SystemKeyspaces.Garbage.WriteTo(target);
        BinaryPrimitives.WriteUInt64BigEndian(target[KeyspaceId.PrefixBytes..], due.Value);
        headKey.CopyTo(target[HeadAt..]);
        BinaryPrimitives.WriteUInt64BigEndian(target[(HeadAt + headKey.Length)..], incarnation);
    }

    /// <summary>Takes a row's key apart.</summary>
    /// <returns>False: it is none.</returns>
    public static bool TryRead(ReadOnlySpan<byte> key, out GarbageRow row)
    {
        row = default;
        if (key.Length <= AroundHead) return false;
        row = new GarbageRow
        {
            Due = new SystemTime(BinaryPrimitives.ReadUInt64BigEndian(key[KeyspaceId.PrefixBytes..])),
            HeadKey = key[HeadAt..^sizeof(ulong)],
            Incarnation = BinaryPrimitives.ReadUInt64BigEndian(key[^sizeof(ulong)..]),
        };
        return true;
    }

    /// <summary>The first key that rows of a time or later can have.</summary>
    public static byte[] StartAt(SystemTime due)
    {
        Span<byte> time = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(time, due.Value);
        return KeyLayout.Make(SystemKeyspaces.Garbage, time);
    }
}
