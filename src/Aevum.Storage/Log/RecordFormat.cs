// RecordFormat: how one record lies in a log segment, and when a stretch of bytes is one.
//
//   0   CRC u32          CRC-32C of bytes [4, padded size), begun from salt(segment epoch) xor the record's offset in its segment
//   4   length u32       of the payload, in bytes
//   8   epoch u32        the lower half of the segment epoch
//   12  stream u32
//   16  position u64     bits 0-55 the position, bits 56-63 the kind
//   24  payload, then zeros up to a multiple of 8                                                            all little endian
//
// The first 8 bytes are stored last, by one aligned store: until then the place holds whatever lay there, which is no record of this
// epoch at this offset. So a process that dies anywhere leaves either the whole record or none.
//
// Why the salt: a recycled segment is full of old, valid records, and a payload may hold a copy of any of them (a log stored as a value).
// Neither can be taken for a record of this segment, since its epoch or its offset is another.
//
// Bytes: docs/formats/log.md.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Core.Bytes;

namespace Aevum.Storage.Log;

/// <summary>What a record is. The values are stored.</summary>
public enum RecordKind : byte
{
    /// <summary>A payload of a stream at a position.</summary>
    Data = 1,

    /// <summary>Everything before the log address in the payload (u64) was durable when this was written. Stream and position are
    /// 0.</summary>
    Mark = 2,

    /// <summary>The stream's records from the position on are no longer part of it.</summary>
    Truncate = 3,

    /// <summary>The stream's last position is the record's position; the first one still needed is in the payload (u64).</summary>
    Bounds = 4,

    /// <summary>The stream is gone: records of it that follow begin a new one at position 1.</summary>
    Drop = 5,

    /// <summary>The segment ends here and goes on in the next, whose epoch is in the payload (u64). Stream and position are 0.</summary>
    Seal = 6,
}

/// <summary>The fixed part of a record.</summary>
readonly record struct RecordHeader(uint Crc, uint Length, uint Epoch, uint Stream, ulong Position, RecordKind Kind)
{
    /// <summary>Bytes the whole record takes in its segment.</summary>
    public long Size => RecordFormat.SizeOf(Length);
}

static class RecordFormat
{
    public const int HeaderBytes = 24;
    public const int Alignment = 8;
    public const ulong PositionMax = (1UL << 56) - 1;

    /// <summary>Longest payload: the longest value of a batch and what surrounds it.</summary>
    public const int PayloadBytesMax = (512 << 20) + (1 << 20);

    /// <summary>Size of a record whose payload is one u64: marks, bounds, seals.</summary>
    public const int SmallRecordBytes = HeaderBytes + sizeof(ulong);

    const int KindShift = 56;

    public static long SizeOf(long payloadLength) => (HeaderBytes + payloadLength + (Alignment - 1)) & ~(long)(Alignment - 1);

    /// <summary>What the CRCs of a segment begin from, before the record's offset is mixed in.</summary>
    public static uint Salt(ulong epoch)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, epoch);
        return Crc32C.Compute(bytes);
    }

    /// <summary>Stores a record into <paramref name="target"/>, which has exactly its padded size and begins 8-aligned in memory.</summary>
    [SkipLocalsInit]
    public static void Write(
        Span<byte> target, uint salt, uint epoch, uint offset, RecordKind kind, uint stream, ulong position,
        ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        var length = (uint)(head.Length + body.Length);
        ref var start = ref MemoryMarshal.GetReference(target);
        // The padding first: the payload then overwrites what of this word belongs to it.
        WriteWord(ref start, target.Length - sizeof(ulong), 0);
        if (head.Length > 0) head.CopyTo(target[HeaderBytes..]);
        body.CopyTo(target[(HeaderBytes + head.Length)..]);
        WriteHalf(ref start, 4, length);
        WriteWord(ref start, 8, epoch | ((ulong)stream << 32));
        WriteWord(ref start, 16, position | ((ulong)kind << KindShift));
        var crc = Crc32C.Extend(salt ^ offset, target[4..]);
        var word = crc | ((ulong)length << 32);
        if (!BitConverter.IsLittleEndian) word = BinaryPrimitives.ReverseEndianness(word);
        Volatile.Write(ref Unsafe.As<byte, ulong>(ref start), word);
    }

    /// <summary>Reads the fixed part; <paramref name="bytes"/> holds at least that. Says nothing about whether it is a record.</summary>
    public static RecordHeader ReadHeader(ReadOnlySpan<byte> bytes)
    {
        var crcAndLength = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        var epochAndStream = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        var positionAndKind = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        return new RecordHeader(
            (uint)crcAndLength, (uint)(crcAndLength >> 32), (uint)epochAndStream, (uint)(epochAndStream >> 32),
            positionAndKind & PositionMax, (RecordKind)(positionAndKind >> KindShift));
    }

    /// <summary>True if the fixed part could be that of a record of this epoch with <paramref name="room"/> bytes from its start to the
    /// end.</summary>
    public static bool IsPlausible(in RecordHeader header, uint epoch, long room)
    {
        if (header.Epoch != epoch || header.Length > PayloadBytesMax || header.Size > room) return false;
        return header.Kind switch
        {
            RecordKind.Data => header.Position > 0,
            RecordKind.Mark or RecordKind.Seal => header is { Length: sizeof(ulong), Stream: 0, Position: 0 },
            RecordKind.Bounds => header.Length == sizeof(ulong),
            RecordKind.Truncate => header is { Length: 0, Position: > 0 },
            RecordKind.Drop => header is { Length: 0, Position: 0 },
            _ => false,
        };
    }

    /// <summary>True if the CRC holds. <paramref name="record"/> is the whole padded record.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> record, uint salt, uint offset) =>
        Crc32C.Extend(salt ^ offset, record[4..]) == BinaryPrimitives.ReadUInt32LittleEndian(record);

    static void WriteWord(ref byte start, int at, ulong value)
    {
        if (!BitConverter.IsLittleEndian) value = BinaryPrimitives.ReverseEndianness(value);
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref start, at), value);
    }

    static void WriteHalf(ref byte start, int at, uint value)
    {
        if (!BitConverter.IsLittleEndian) value = BinaryPrimitives.ReverseEndianness(value);
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref start, at), value);
    }
}
