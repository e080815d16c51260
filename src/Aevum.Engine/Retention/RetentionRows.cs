using System.Buffers.Binary;
using Aevum.Core.Errors;
using Aevum.Model.Keyspace;

namespace Aevum.Engine.Retention;

/// <summary>History floors as rows: key <see cref="SystemKeyspaces.Floors"/> | keyspace u64, big endian; value the floor u64, little endian.</summary>
static class RetentionRows
{
    public static byte[] KeyOf(ulong keyspace)
    {
        Span<byte> id = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(id, keyspace);
        return KeyLayout.Make(SystemKeyspaces.Floors, id);
    }

    public static byte[] ValueOf(ulong floor)
    {
        var value = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, floor);
        return value;
    }

    /// <summary>Adds a row to the floors known, unless a higher one is.</summary>
    /// <exception cref="CorruptionException">The row is malformed.</exception>
    public static void Read(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, Dictionary<ulong, ulong> floors)
    {
        if (key.Length != KeyspaceId.PrefixBytes + sizeof(ulong) || value.Length != sizeof(ulong))
            throw new CorruptionException("a row of a history floor is malformed");
        var keyspace = BinaryPrimitives.ReadUInt64BigEndian(key[KeyspaceId.PrefixBytes..]);
        floors[keyspace] = Math.Max(floors.GetValueOrDefault(keyspace), BinaryPrimitives.ReadUInt64LittleEndian(value));
    }
}
