// PostingLogFormat: headers in the files of a posting store (docs/formats/postings.md). Little endian.
//
//   segment      [header, 32] ([batch header, 40] ([change header, 24] [bytes])*)*
//   checkpoint   [header, 64] [directory] [state]
//
// A batch is what one Write wrote. Its number is one above that of the batch before, across segments; Durable is the number of the last batch that
// was known to have reached the disk when this one was written, so that damage to what was promised is told from a tail that was never promised.

using System.Buffers.Binary;
using Aevum.Core.Bytes;

namespace Aevum.Vectors.Postings;

/// <param name="Number">Segments of a store, from 1, rising with time.</param>
/// <param name="First">The number of the first batch that may stand in it.</param>
readonly record struct SegmentHeader(uint Number, ulong First)
{
    public const int Bytes = 32;

    const uint Magic = 0x73507641;   // `AvPs`
    public const ushort Version = 1;

    public void Write(Span<byte> target)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[4..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], Number);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], First);
        BinaryPrimitives.WriteUInt32LittleEndian(target[28..], Crc32C.Compute(target[..28]));
    }

    /// <returns>False: no header stands here.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out SegmentHeader header, out ushort version)
    {
        (header, version) = (default, 0);
        if (source.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic) return false;
        version = BinaryPrimitives.ReadUInt16LittleEndian(source[4..]);
        if (version != Version) return true;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[28..]) != Crc32C.Compute(source[..28])) return false;
        header = new(BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), BinaryPrimitives.ReadUInt64LittleEndian(source[16..]));
        return true;
    }
}

/// <param name="Length">Bytes of all changes with their headers.</param>
readonly record struct BatchHeader(ulong Number, ulong Durable, int Changes, int Length)
{
    public const int Bytes = 40;

    public const uint Magic = 0x62507641;   // `AvPb`

    public void Write(Span<byte> target)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], Changes);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], Length);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Number);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], Durable);
        BinaryPrimitives.WriteUInt32LittleEndian(target[36..], Crc32C.Compute(target[..36]));
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out BatchHeader header)
    {
        header = default;
        if (source.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[36..]) != Crc32C.Compute(source[..36])) return false;
        header = new(BinaryPrimitives.ReadUInt64LittleEndian(source[16..]), BinaryPrimitives.ReadUInt64LittleEndian(source[24..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[4..]), BinaryPrimitives.ReadInt32LittleEndian(source[8..]));
        return header.Changes >= 0 && header.Length >= 0;
    }
}

/// <param name="Fresh">Where in the bytes what is new begins: an append that writes the whole posting anew has the older bytes before it.</param>
/// <param name="BodyChecksum">CRC-32C of the bytes.</param>
readonly record struct ChangeHeader(PostingChangeKind Kind, uint Posting, int Length, int Fresh, uint BodyChecksum)
{
    public const int Bytes = 24;

    /// <param name="batch">Its number is under the checksum: a change of another batch is none of this one.</param>
    public void Write(Span<byte> target, ulong batch)
    {
        target[..Bytes].Clear();
        target[0] = (byte)Kind;
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Posting);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], Length);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], Fresh);
        BinaryPrimitives.WriteUInt32LittleEndian(target[16..], BodyChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(target[20..], Checksum(target[..20], batch));
    }

    public static bool TryRead(ReadOnlySpan<byte> source, ulong batch, out ChangeHeader header)
    {
        header = default;
        if (source.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(source[20..]) != Checksum(source[..20], batch)) return false;
        header = new((PostingChangeKind)source[0], BinaryPrimitives.ReadUInt32LittleEndian(source[4..]), BinaryPrimitives.ReadInt32LittleEndian(source[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[12..]), BinaryPrimitives.ReadUInt32LittleEndian(source[16..]));
        return header.Kind is >= PostingChangeKind.Put and <= PostingChangeKind.Move && header.Length >= 0 && header.Fresh >= 0
            && header.Fresh <= header.Length && (header.Fresh == 0 || header.Kind == PostingChangeKind.Append);
    }

    static uint Checksum(ReadOnlySpan<byte> source, ulong batch)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(number, batch);
        return Crc32C.Extend(Crc32C.Compute(number), source);
    }
}

/// <param name="Batch">The last batch that the directory and the state know of.</param>
readonly record struct CheckpointHeader(ulong Batch, int Postings, long DirectoryBytes, long StateBytes, uint DirectoryChecksum, uint StateChecksum)
{
    public const int Bytes = 64;

    const uint Magic = 0x63507641;   // `AvPc`

    public void Write(Span<byte> target)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[4..], SegmentHeader.Version);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Batch);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], Postings);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], DirectoryBytes);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], StateBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[40..], DirectoryChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(target[44..], StateChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(target[60..], Crc32C.Compute(target[..60]));
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out CheckpointHeader header, out ushort version)
    {
        (header, version) = (default, 0);
        if (source.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic) return false;
        version = BinaryPrimitives.ReadUInt16LittleEndian(source[4..]);
        if (version != SegmentHeader.Version) return true;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[60..]) != Crc32C.Compute(source[..60])) return false;
        header = new(BinaryPrimitives.ReadUInt64LittleEndian(source[8..]), BinaryPrimitives.ReadInt32LittleEndian(source[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[24..]), BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[40..]), BinaryPrimitives.ReadUInt32LittleEndian(source[44..]));
        return header.Postings >= 0 && header.DirectoryBytes >= 0 && header.StateBytes >= 0;
    }
}
