using System.Buffers.Binary;
using System.Globalization;

namespace Aevum.Model.Keyspace;

/// <summary>A keyspace of a namespace: the first eight bytes of its keys. Ids are given once and never used again.</summary>
/// <param name="Namespace">The tenant. 0 is the system's own.</param>
/// <param name="Keyspace">0 is the namespace's default.</param>
public readonly record struct KeyspaceId(uint Namespace, uint Keyspace)
{
    /// <summary>Bytes that an id takes at the beginning of a key.</summary>
    public const int PrefixBytes = 8;

    /// <summary>Both ids as one number, in the order of keys.</summary>
    public ulong Value => ((ulong)Namespace << 32) | Keyspace;

    public static KeyspaceId FromValue(ulong value) => new((uint)(value >> 32), (uint)value);

    public void WriteTo(Span<byte> target) => BinaryPrimitives.WriteUInt64BigEndian(target, Value);

    /// <summary>The keyspace of a whole key; false if it is too short to have one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> key, out KeyspaceId id)
    {
        id = key.Length < PrefixBytes ? default : FromValue(BinaryPrimitives.ReadUInt64BigEndian(key));
        return key.Length >= PrefixBytes;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Namespace}/{Keyspace}");
}
