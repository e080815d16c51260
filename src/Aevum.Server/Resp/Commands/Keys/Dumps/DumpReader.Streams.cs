// DumpReader, streams: nodes of entries as listpacks, then what the stream knows of itself, then its groups. All numbers in the form of lengths, of 64 bits,
// but for times and ids of pending entries.
//
//   nodes     count | each: first id (a string of 16 bytes), listpack (a string)
//   listpack  live, deleted, number of fields, fields, 0; entries: flags (1 deleted, 2 fields of the node), time and sequence less those of the first id,
//             [number of fields, field, value, ... | value, ...], number of elements
//   stream    length | last id; of types 2 and 3: first id, greatest deleted id, entries added                     an id: time, sequence
//   groups    count | each: name, last id, [entries read: 2 and 3], pending: count | each: id 16 bytes, delivered i64, deliveries;
//             consumers: count | each: name, seen i64, [active i64: 3], pending: count | each: id 16 bytes
//
// Entries that were deleted are passed over. What does not fit together is refused: ids that do not ascend, a length that is not theirs, a pending entry of
// a consumer that is not its group's, or of none or two.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Keys.Dumps;

/// <summary>An entry's fields and values by turns.</summary>
readonly record struct DumpedEntry(StreamId Id, byte[][] Fields);

readonly record struct DumpedPending(StreamId Id, long Delivered, long Deliveries);

/// <param name="Pending">By consumer.</param>
sealed record DumpedGroup(byte[] Name, StreamId Last, long? Read, List<(byte[] Name, long Seen, List<DumpedPending> Pending)> Consumers);

/// <summary>A stream out of a dump.</summary>
/// <param name="Added">Null: the dump does not know.</param>
sealed record DumpedStream(List<DumpedEntry> Entries, StreamId Last, StreamId MaxDeleted, ulong? Added, List<DumpedGroup> Groups);

ref partial struct DumpReader
{
    const int DeletedFlag = 1;
    const int NodeFieldsFlag = 2;

    /// <summary>True if a dump that is sound says that it holds a stream.</summary>
    public static bool HoldsStream(ReadOnlySpan<byte> dump) =>
        dump.Length > FooterBytes && (Type)dump[0] is Type.StreamListpacks or Type.StreamListpacks2 or Type.StreamListpacks3;

    /// <summary>Reads the stream of a dump that is sound.</summary>
    /// <returns>Null: the bytes are none.</returns>
    public static DumpedStream? ReadStream(ReadOnlySpan<byte> dump)
    {
        var reader = new DumpReader(dump[..^FooterBytes]) { _at = 1 };
        return reader.TryStream((Type)dump[0], out var stream) ? stream : null;
    }

    bool TryStream(Type type, out DumpedStream? stream)
    {
        stream = null;
        var entries = new List<DumpedEntry>();
        if (!TryLength(out var nodes)) return false;
        for (var i = 0L; i < nodes; i++)
        {
            if (!TryString(out var first) || first.Length != StreamId.Bytes) return false;
            if (!TryString(out var node) || !TryEntries(StreamId.Read(first), node, entries)) return false;
        }
        for (var i = 1; i < entries.Count; i++)
            if (entries[i].Id <= entries[i - 1].Id) return false;
        var (deleted, added) = (StreamId.Zero, (ulong?)null);
        if (!TryNumber(out var length) || length != (ulong)entries.Count || !TryId(out var last)) return false;
        if (entries.Count > 0 && (entries[0].Id == StreamId.Zero || entries[^1].Id > last)) return false;
        if (type != Type.StreamListpacks)
        {
            if (!TryId(out _) || !TryId(out deleted) || !TryNumber(out var number) || number > long.MaxValue) return false;
            added = number;
        }
        var groups = new List<DumpedGroup>();
        if (!TryLength(out var count) || count > _bytes.Length - _at) return false;
        var names = new HashSet<byte[]>(KeyComparer.Instance);
        for (var i = 0L; i < count; i++)
        {
            if (!TryGroup(type, out var group) || !names.Add(group!.Name)) return false;
            groups.Add(group);
        }
        stream = new DumpedStream(entries, last, deleted, added, groups);
        return _at == _bytes.Length;
    }

    static bool TryEntries(StreamId first, byte[] node, List<DumpedEntry> entries)
    {
        var parts = new List<byte[]>();
        if (!PackedForms.TryReadListpack(node, parts)) return false;
        if (parts.Count < 4 || !TryCount(parts, 0, out var live) || !TryCount(parts, 1, out var deleted) || !TryCount(parts, 2, out var fields)) return false;
        var at = 3 + fields;
        if (at >= parts.Count) return false;
        at++;   // 0: here the entries begin
        for (var i = 0; i < live + deleted; i++)
        {
            if (at + 3 > parts.Count || !TryCount(parts, at, out var flags) || !Numbers.TryInteger(parts[at + 1], out var time) ||
                !Numbers.TryInteger(parts[at + 2], out var sequence)) return false;
            at += 3;
            var hasOwn = (flags & NodeFieldsFlag) == 0;
            var own = fields;
            if (hasOwn && (at >= parts.Count || !TryCount(parts, at++, out own))) return false;
            var size = hasOwn ? 2 * own : own;
            if (size > parts.Count - at - 1) return false;   // behind them their number
            var all = new byte[2 * own][];
            for (var f = 0; f < own; f++)
            {
                all[2 * f] = hasOwn ? parts[at + (2 * f)] : parts[3 + f];
                all[(2 * f) + 1] = hasOwn ? parts[at + (2 * f) + 1] : parts[at + f];
            }
            at += size + 1;
            if ((flags & DeletedFlag) != 0)
            {
                deleted--;
                i--;
                if (deleted < 0) return false;
                continue;
            }
            if (own == 0) return false;
            entries.Add(new DumpedEntry(new StreamId(unchecked(first.Milliseconds + (ulong)time), unchecked(first.Sequence + (ulong)sequence)), all));
        }
        return at == parts.Count && deleted == 0;
    }

    // Counts are below the number of parts there are.
    static bool TryCount(List<byte[]> parts, int at, out int count)
    {
        var isCount = Numbers.TryInteger(parts[at], out var number) && number >= 0 && number <= parts.Count;
        count = (int)number;
        return isCount;
    }

    bool TryGroup(Type type, out DumpedGroup? group)
    {
        group = null;
        long? read = null;
        if (!TryString(out var name) || !TryId(out var last)) return false;
        if (type != Type.StreamListpacks)
        {
            if (!TryNumber(out var number)) return false;
            read = (long)number;
            if (read < StreamState.Unknown) return false;
        }
        var pending = new Dictionary<StreamId, DumpedPending>();
        if (!TryLength(out var count)) return false;
        for (var i = 0L; i < count; i++)
        {
            if (!TryRawId(out var id) || !TryTime(out var delivered) || !TryNumber(out var deliveries)) return false;
            if (!pending.TryAdd(id, new DumpedPending(id, delivered, (long)deliveries))) return false;
        }
        var consumers = new List<(byte[], long, List<DumpedPending>)>();
        var names = new HashSet<byte[]>(KeyComparer.Instance);
        if (!TryLength(out var consumerCount)) return false;
        for (var i = 0L; i < consumerCount; i++)
        {
            if (!TryString(out var consumer) || !names.Add(consumer) || !TryTime(out var seen)) return false;
            if ((type == Type.StreamListpacks3 && !TryTime(out _)) || !TryLength(out var owned)) return false;
            var his = new List<DumpedPending>();
            for (var j = 0L; j < owned; j++)
            {
                if (!TryRawId(out var id) || !pending.Remove(id, out var one)) return false;
                his.Add(one);
            }
            consumers.Add((consumer, seen, his));
        }
        group = new DumpedGroup(name, last, read, consumers);
        return pending.Count == 0;
    }

    bool TryId(out StreamId id)
    {
        id = default;
        if (!TryNumber(out var milliseconds) || !TryNumber(out var sequence)) return false;
        id = new StreamId(milliseconds, sequence);
        return true;
    }

    bool TryRawId(out StreamId id)
    {
        id = default;
        if (_bytes.Length - _at < StreamId.Bytes) return false;
        id = StreamId.Read(_bytes[_at..]);
        _at += StreamId.Bytes;
        return true;
    }

    bool TryTime(out long milliseconds)
    {
        milliseconds = 0;
        if (_bytes.Length - _at < sizeof(long)) return false;
        milliseconds = BinaryPrimitives.ReadInt64LittleEndian(_bytes[_at..]);
        _at += sizeof(long);
        return true;
    }

    // A number in the form of a length, of all 64 bits.
    bool TryNumber(out ulong number)
    {
        number = 0;
        if (_bytes.Length - _at > sizeof(ulong) && _bytes[_at] == 0x81)
        {
            number = BinaryPrimitives.ReadUInt64BigEndian(_bytes[(_at + 1)..]);
            _at += 1 + sizeof(ulong);
            return true;
        }
        if (!TryLength(out var length)) return false;
        number = (ulong)length;
        return true;
    }
}
