// Rows of consumer groups: the group itself, its consumers, and what was delivered to them and is not acknowledged yet.
//
//   group       number u32 | last id 16 | read i64 | consumers u32 | pending i64
//   consumer    seen i64 | pending i64
//   pending     delivered i64 | deliveries i64 | the consumer's name
//
// Little endian, ids big endian; times in milliseconds since 1970. Bytes: docs/formats/structures.md.

using System.Buffers.Binary;
using Aevum.Core.Errors;

namespace Aevum.Model.Structures;

/// <summary>The row of a consumer group.</summary>
public record struct StreamGroupState
{
    public const int Bytes = sizeof(uint) + StreamId.Bytes + sizeof(long) + sizeof(uint) + sizeof(long);

    /// <summary>What the keys of its rows carry.</summary>
    public uint Number { get; set; }

    /// <summary>The entry delivered last.</summary>
    public StreamId Last { get; set; }

    /// <summary>Entries delivered, as far as is known; <see cref="StreamState.Unknown"/>: it is not.</summary>
    public long Read { get; set; }

    public uint Consumers { get; set; }

    public long Pending { get; set; }

    /// <param name="target">At least <see cref="Bytes"/>.</param>
    public readonly void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, Number);
        Last.Write(target[4..]);
        BinaryPrimitives.WriteInt64LittleEndian(target[20..], Read);
        BinaryPrimitives.WriteUInt32LittleEndian(target[28..], Consumers);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], Pending);
    }

    /// <exception cref="CorruptionException">The value is no group.</exception>
    public static StreamGroupState Parse(ReadOnlySpan<byte> value)
    {
        if (value.Length != Bytes) throw new CorruptionException("a row is no consumer group of a stream");
        return new StreamGroupState
        {
            Number = BinaryPrimitives.ReadUInt32LittleEndian(value),
            Last = StreamId.Read(value[4..]),
            Read = BinaryPrimitives.ReadInt64LittleEndian(value[20..]),
            Consumers = BinaryPrimitives.ReadUInt32LittleEndian(value[28..]),
            Pending = BinaryPrimitives.ReadInt64LittleEndian(value[32..]),
        };
    }
}

/// <summary>The row of a consumer.</summary>
public record struct StreamConsumerState
{
    public const int Bytes = 2 * sizeof(long);

    /// <summary>When it asked for something last, in milliseconds since 1970.</summary>
    public long Seen { get; set; }

    public long Pending { get; set; }

    /// <param name="target">At least <see cref="Bytes"/>.</param>
    public readonly void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target, Seen);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], Pending);
    }

    /// <exception cref="CorruptionException">The value is no consumer.</exception>
    public static StreamConsumerState Parse(ReadOnlySpan<byte> value)
    {
        if (value.Length != Bytes) throw new CorruptionException("a row is no consumer of a stream");
        return new StreamConsumerState { Seen = BinaryPrimitives.ReadInt64LittleEndian(value), Pending = BinaryPrimitives.ReadInt64LittleEndian(value[8..]) };
    }
}

/// <summary>The row of a pending entry. A span into the row's value.</summary>
public readonly ref struct StreamPendingState
{
    /// <summary>Bytes before the consumer's name.</summary>
    public const int Bytes = 2 * sizeof(long);

    /// <summary>When it was delivered last, in milliseconds since 1970.</summary>
    public long Delivered { get; init; }

    public long Deliveries { get; init; }

    public ReadOnlySpan<byte> Consumer { get; init; }

    /// <param name="target">At least <see cref="Bytes"/> and the consumer's name.</param>
    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target, Delivered);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], Deliveries);
        Consumer.CopyTo(target[Bytes..]);
    }

    /// <exception cref="CorruptionException">The value is no pending entry.</exception>
    public static StreamPendingState Parse(ReadOnlySpan<byte> value)
    {
        if (value.Length < Bytes) throw new CorruptionException("a row is no pending entry of a stream");
        return new StreamPendingState
        {
            Delivered = BinaryPrimitives.ReadInt64LittleEndian(value),
            Deliveries = BinaryPrimitives.ReadInt64LittleEndian(value[8..]),
            Consumer = value[Bytes..],
        };
    }
}
