// SegmentHeader: the first 128 bytes of a log segment.
//
//   0    magic            "AevumLog"
//   8    format u32       1
//   12   header u32       128, where records begin
//   16   number u64       from 1, dense; also the file's name: 0000000001.log
//   24   epoch u64        another for each incarnation of a segment, rising by the log's life
//   32   database id      16 bytes, as a UUID is written
//   48   timeline u32
//   52   zero u32
//   56   boot u64         which boot of the machine wrote this segment: hash of the system's boot id; 0 if it has none
//   64   previous epoch u64    of the segment before; 0 for the first of a log
//   72   previous end u64      where a recovery ended the segment before; 0 if that one ends in a seal of its own
//   80   capacity u64     of the file, in bytes
//   88   zeros
//   124  CRC u32          CRC-32C of bytes [0, 124)                                                      all little endian
//
// Always true: the header was durable before the file got its name, so a file of that name with a bad header is damaged, never unfinished.

using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Storage.Log;

sealed record SegmentHeader
{
    public const int Bytes = 128;
    public const uint FormatVersion = 1;
    const int CrcOffset = 124;

    static ReadOnlySpan<byte> Magic => "AevumLog"u8;

    public required uint Number { get; init; }

    public required ulong Epoch { get; init; }

    public required Guid DatabaseId { get; init; }

    public required uint Timeline { get; init; }

    public required ulong Boot { get; init; }

    public required ulong PreviousEpoch { get; init; }

    /// <summary>Offset at which a recovery ended the segment before; 0: it ends in a seal.</summary>
    public required uint PreviousEnd { get; init; }

    public required long Capacity { get; init; }

    /// <summary>The boot as segments carry it.</summary>
    public static ulong BootOf(string bootId)
    {
        if (bootId.Length == 0) return 0;
        return Math.Max(1, KeyHash.Compute(Encoding.UTF8.GetBytes(bootId)));
    }

    public void Write(Span<byte> target)
    {
        target = target[..Bytes];
        target.Clear();
        Magic.CopyTo(target);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], FormatVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], Bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Number);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], Epoch);
        DatabaseId.TryWriteBytes(target[32..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(target[48..], Timeline);
        BinaryPrimitives.WriteUInt64LittleEndian(target[56..], Boot);
        BinaryPrimitives.WriteUInt64LittleEndian(target[64..], PreviousEpoch);
        BinaryPrimitives.WriteUInt64LittleEndian(target[72..], PreviousEnd);
        BinaryPrimitives.WriteUInt64LittleEndian(target[80..], (ulong)Capacity);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Crc32C.Compute(target[..CrcOffset]));
    }

    /// <param name="source">The first bytes of the file, as many as there are up to <see cref="Bytes"/>.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="AevumException">Corruption, or UnsupportedFormat for a version not known here.</exception>
    public static SegmentHeader Read(ReadOnlySpan<byte> source, string path)
    {
        if (source.Length < Bytes) Throw.Corruption(path, source.Length, $"a log segment's header of {Bytes} bytes");
        if (!source[..8].SequenceEqual(Magic)) Throw.Corruption(path, 0, "the magic AevumLog");
        // Every version keeps this CRC where it is, so that a damaged version number is not mistaken for a later one.
        var intact = Crc32C.Compute(source[..CrcOffset]) == BinaryPrimitives.ReadUInt32LittleEndian(source[CrcOffset..]);
        var format = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        if (!intact) Throw.Corruption(path, CrcOffset, "a header whose CRC holds");
        if (format != FormatVersion) Throw.UnsupportedFormat(path, $"log {format}", $"log {FormatVersion}");
        var number = BinaryPrimitives.ReadUInt64LittleEndian(source[16..]);
        var previousEnd = BinaryPrimitives.ReadUInt64LittleEndian(source[72..]);
        var capacity = BinaryPrimitives.ReadUInt64LittleEndian(source[80..]);
        if (number is 0 or > uint.MaxValue) Throw.Corruption(path, 16, "a segment number");
        if (previousEnd > int.MaxValue) Throw.Corruption(path, 72, "an offset below 2 GiB");
        if (capacity is < Bytes or > int.MaxValue) Throw.Corruption(path, 80, "a capacity below 2 GiB");
        return new SegmentHeader
        {
            Number = (uint)number,
            Epoch = BinaryPrimitives.ReadUInt64LittleEndian(source[24..]),
            DatabaseId = new Guid(source.Slice(32, 16), bigEndian: true),
            Timeline = BinaryPrimitives.ReadUInt32LittleEndian(source[48..]),
            Boot = BinaryPrimitives.ReadUInt64LittleEndian(source[56..]),
            PreviousEpoch = BinaryPrimitives.ReadUInt64LittleEndian(source[64..]),
            PreviousEnd = (uint)previousEnd,
            Capacity = (long)capacity,
        };
    }
}
