// SegmentScan: walks the records of one segment and trusts none of its bytes.
//
//   MoveNext        the record at Next, if the bytes there are one; else stays, and Next is where the log could end
//   FindNext        the first record at or behind an offset, at any 8-aligned place: what tells a torn tail from damage in the middle
//
// Always true: whatever the bytes are, nothing outside [header, limit) is read, and the work is bounded (see CandidateBytesFactor).
//
// Not here: what the records mean to their streams (LogRecovery), which damage is forgiven (LogRecovery).

using System.Buffers.Binary;
using Aevum.Core.Errors;

namespace Aevum.Storage.Log;

sealed class SegmentScan(string path, SegmentView view, ulong epoch, long limit)
{
    // FindNext checks a CRC wherever the epoch's four bytes stand in the right place. In honest files those are few; in a forged one each
    // could claim half a gigabyte. Past this many times the segment's size it is damage, whatever else it may be.
    const int CandidateBytesFactor = 32;

    readonly uint _salt = RecordFormat.Salt(epoch);
    RecordHeader _record;
    uint _offset;

    /// <summary>The record the scan stands on.</summary>
    public RecordHeader Record => _record;

    /// <summary>Where that record begins.</summary>
    public uint Offset => _offset;

    /// <summary>Where the next record would begin.</summary>
    public uint Next { get; private set; } = SegmentHeader.Bytes;

    public string Path => path;

    /// <summary>The payload of the record the scan stands on. Valid until the scan moves.</summary>
    public ReadOnlySpan<byte> Payload => view.GetSpan(_offset + RecordFormat.HeaderBytes, (int)_record.Length);

    /// <summary>The payload of a small record.</summary>
    public ulong Value => BinaryPrimitives.ReadUInt64LittleEndian(Payload);

    public bool MoveNext()
    {
        if (!TryReadAt(Next, out var record, out _)) return false;
        _record = record;
        _offset = Next;
        Next += (uint)record.Size;
        return true;
    }

    /// <summary>Moves to the first record at or behind <paramref name="from"/> (8-aligned).</summary>
    public bool FindNext(uint from)
    {
        var budget = limit * CandidateBytesFactor;
        for (long at = from; at <= limit - RecordFormat.HeaderBytes; at += RecordFormat.Alignment)
        {
            if (TryReadAt(at, out var record, out var looked))
            {
                _record = record;
                _offset = (uint)at;
                Next = (uint)(at + record.Size);
                return true;
            }
            budget -= looked;
            if (budget < 0) Throw.Corruption(path, at, "records or none of them, not thousands of things that begin like one");
        }
        return false;
    }

    /// <summary>How many bytes the unfinished or damaged record at <paramref name="offset"/> says it has; 0 if it is not of this
    /// epoch.</summary>
    public long ClaimedSize(uint offset)
    {
        if (offset > limit - RecordFormat.HeaderBytes) return 0;
        var record = RecordFormat.ReadHeader(view.GetSpan(offset, RecordFormat.HeaderBytes));
        return record.Epoch == (uint)epoch ? Math.Min(record.Size, limit - offset) : 0;
    }

    bool TryReadAt(long offset, out RecordHeader record, out long looked)
    {
        record = default;
        looked = 0;
        if (offset > limit - RecordFormat.HeaderBytes) return false;
        record = RecordFormat.ReadHeader(view.GetSpan(offset, RecordFormat.HeaderBytes));
        if (!RecordFormat.IsPlausible(record, (uint)epoch, limit - offset)) return false;
        looked = record.Size;
        return RecordFormat.IsIntact(view.GetSpan(offset, (int)record.Size), _salt, (uint)offset);
    }
}
