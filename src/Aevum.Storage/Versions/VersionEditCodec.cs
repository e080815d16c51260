// VersionEditCodec: a VersionEdit as bytes: a list of fields, each a tag (varint) and its content. An unknown tag is refused: a program
// that does not know a field cannot know what it would lose.
//
//   1 added     flags (bit 0 history) | level | table            2 removed   flags | level | table id
//   3 floor     keyspace u64 | time u64                          4 applied position    5 greatest time    6 next table id
//   7 database id, 16 bytes (RFC 9562 order)                     8 timeline
//   table       id | file bytes | smallest | largest | flags (bit 0 largest exclusive, 1 clip start, 2 clip end) | entries | deletes |
//               range deletes | min version u64 | max version u64 | min expiry u64 | max end u64 | [clip start] | [clip end]
//   numbers are varints unless marked u64 (little endian); byte strings are a varint length and the bytes.

using System.Buffers;
using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Storage.Versions;

static class VersionEditCodec
{
    const uint AddedTag = 1, RemovedTag = 2, FloorTag = 3, AppliedTag = 4, GreatestTag = 5, NextIdTag = 6, DatabaseTag = 7, TimelineTag = 8;
    const int GuidBytes = 16;
    const uint HistoryFlag = 1;
    const uint ExclusiveFlag = 1, ClipStartFlag = 2, ClipEndFlag = 4, KnownTableFlags = 7;

    public static byte[] Encode(VersionEdit edit)
    {
        var target = new ArrayBufferWriter<byte>();
        foreach (var (history, level, id) in edit.Removed)
        {
            Write(target, RemovedTag);
            Write(target, history ? HistoryFlag : 0);
            Write(target, (ulong)level);
            Write(target, id);
        }
        foreach (var (history, level, table) in edit.Added)
        {
            Write(target, AddedTag);
            Write(target, history ? HistoryFlag : 0);
            Write(target, (ulong)level);
            WriteTable(target, table);
        }
        foreach (var (keyspace, floor) in edit.Floors)
        {
            Write(target, FloorTag);
            WriteFixed(target, keyspace);
            WriteFixed(target, floor);
        }
        WriteOptional(target, AppliedTag, edit.AppliedPosition);
        WriteOptional(target, GreatestTag, edit.GreatestTime);
        WriteOptional(target, NextIdTag, edit.NextTableId);
        if (edit.DatabaseId is { } database)
        {
            Write(target, DatabaseTag);
            database.TryWriteBytes(target.GetSpan(GuidBytes), bigEndian: true, out _);
            target.Advance(GuidBytes);
        }
        WriteOptional(target, TimelineTag, edit.Timeline);
        return target.WrittenSpan.ToArray();
    }

    /// <exception cref="CorruptionException">The bytes are no edit.</exception>
    public static VersionEdit Decode(ReadOnlySpan<byte> bytes)
    {
        var edit = new VersionEdit();
        while (bytes.Length > 0)
        {
            switch (Read(ref bytes))
            {
                case AddedTag:
                    var added = ReadPlace(ref bytes);
                    edit.Added.Add((added.History, added.Level, ReadTable(ref bytes)));
                    break;
                case RemovedTag:
                    var removed = ReadPlace(ref bytes);
                    edit.Removed.Add((removed.History, removed.Level, Read(ref bytes)));
                    break;
                case FloorTag:
                    edit.Floors[ReadFixed(ref bytes)] = ReadFixed(ref bytes);
                    break;
                case AppliedTag: edit.AppliedPosition = Read(ref bytes); break;
                case GreatestTag: edit.GreatestTime = Read(ref bytes); break;
                case NextIdTag: edit.NextTableId = Read(ref bytes); break;
                case DatabaseTag:
                    if (bytes.Length < GuidBytes) throw new CorruptionException("a manifest edit ends inside the database id");
                    edit.DatabaseId = new Guid(bytes[..GuidBytes], bigEndian: true);
                    bytes = bytes[GuidBytes..];
                    break;
                case TimelineTag: edit.Timeline = (uint)Math.Min(Read(ref bytes), uint.MaxValue); break;
                case var tag: throw new CorruptionException($"a manifest edit has an unknown field {tag}");
            }
        }
        return edit;
    }

    static void WriteTable(ArrayBufferWriter<byte> target, TableMeta table)
    {
        Write(target, table.Id);
        Write(target, (ulong)table.FileBytes);
        WriteBytes(target, table.Smallest);
        WriteBytes(target, table.Largest);
        Write(target, (table.LargestExclusive ? ExclusiveFlag : 0) | (table.ClipStart is null ? 0 : ClipStartFlag) | (table.ClipEnd is null ? 0 : ClipEndFlag));
        Write(target, (ulong)table.Entries);
        Write(target, (ulong)table.Deletes);
        Write(target, (ulong)table.RangeDeletes);
        WriteFixed(target, table.MinVersion);
        WriteFixed(target, table.MaxVersion);
        WriteFixed(target, table.MinExpiry);
        WriteFixed(target, table.MaxEnd);
        if (table.ClipStart is not null) WriteBytes(target, table.ClipStart);
        if (table.ClipEnd is not null) WriteBytes(target, table.ClipEnd);
    }

    static TableMeta ReadTable(ref ReadOnlySpan<byte> bytes)
    {
        var id = Read(ref bytes);
        var fileBytes = ReadCount(ref bytes);
        var smallest = ReadBytes(ref bytes);
        var largest = ReadBytes(ref bytes);
        var flags = Read(ref bytes);
        if ((flags & ~(ulong)KnownTableFlags) != 0) throw new CorruptionException($"a manifest edit has unknown table flags {flags}");
        return new TableMeta
        {
            Id = id,
            FileBytes = fileBytes,
            Smallest = smallest,
            Largest = largest,
            LargestExclusive = (flags & ExclusiveFlag) != 0,
            Entries = ReadCount(ref bytes),
            Deletes = ReadCount(ref bytes),
            RangeDeletes = ReadCount(ref bytes),
            MinVersion = ReadFixed(ref bytes),
            MaxVersion = ReadFixed(ref bytes),
            MinExpiry = ReadFixed(ref bytes),
            MaxEnd = ReadFixed(ref bytes),
            ClipStart = (flags & ClipStartFlag) != 0 ? ReadBytes(ref bytes) : null,
            ClipEnd = (flags & ClipEndFlag) != 0 ? ReadBytes(ref bytes) : null,
        };
    }

    static (bool History, int Level) ReadPlace(ref ReadOnlySpan<byte> bytes)
    {
        var flags = Read(ref bytes);
        var level = Read(ref bytes);
        if (flags > HistoryFlag || level >= TreeVersion.LevelCount)
            throw new CorruptionException($"a manifest edit names level {level} with flags {flags}");
        return ((flags & HistoryFlag) != 0, (int)level);
    }

    static void WriteOptional(ArrayBufferWriter<byte> target, uint tag, ulong? value)
    {
        if (value is null) return;
        Write(target, tag);
        Write(target, value.Value);
    }

    static void Write(ArrayBufferWriter<byte> target, ulong value) => target.Advance(Varint.Write(target.GetSpan(Varint.MaxBytes64), value));

    static void WriteFixed(ArrayBufferWriter<byte> target, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target.GetSpan(sizeof(ulong)), value);
        target.Advance(sizeof(ulong));
    }

    static void WriteBytes(ArrayBufferWriter<byte> target, byte[] bytes)
    {
        Write(target, (ulong)bytes.Length);
        target.Write(bytes);
    }

    static ulong Read(ref ReadOnlySpan<byte> bytes)
    {
        if (!Varint.TryRead(bytes, out ulong value, out var used)) throw new CorruptionException("a manifest edit ends inside a number");
        bytes = bytes[used..];
        return value;
    }

    static long ReadCount(ref ReadOnlySpan<byte> bytes)
    {
        var value = Read(ref bytes);
        return value <= long.MaxValue ? (long)value : throw new CorruptionException($"a manifest edit holds the impossible count {value}");
    }

    static ulong ReadFixed(ref ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < sizeof(ulong)) throw new CorruptionException("a manifest edit ends inside a number");
        var value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        bytes = bytes[sizeof(ulong)..];
        return value;
    }

    static byte[] ReadBytes(ref ReadOnlySpan<byte> bytes)
    {
        var length = Read(ref bytes);
        if (length > (ulong)bytes.Length) throw new CorruptionException("a manifest edit ends inside a key");
        var value = bytes[..(int)length].ToArray();
        bytes = bytes[(int)length..];
        return value;
    }
}
