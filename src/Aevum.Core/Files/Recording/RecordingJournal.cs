// RecordingJournal: everything that became durable, in the order it did, in one file that outlives the process that writes it.
//
//   record     length u32 | crc32c u32 | kind u8 | body                  length counts kind and body; little endian
//   Names      count u32, then each edit: directory u32 | name | meaning u8 (0 no name, 1 file, 2 directory) | id u32
//   Data       file u32 | offset i64 | bytes to the end
//   Length     file u32 | length i64
//
// Directory 0 is the root; names are UTF-8 behind a u16 length. All edits of one SyncDirectory stand in one record.
// A record that SIGKILL cut short ends the journal: what it speaks of was not yet acknowledged. The journal is appended to the page cache
// and never synced, since it must survive the process and not the machine.

using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Bytes;

namespace Aevum.Core.Files;

sealed class RecordingJournal : IDisposable
{
    public const string FileName = "journal";
    const int HeaderBytes = 8;
    const byte NamesKind = 1;
    const byte DataKind = 2;
    const byte LengthKind = 3;

    readonly Lock _gate = new();
    readonly IWritableFile _file;
    byte[] _record = new byte[4096];
    int _length;

    public RecordingJournal(IFileSystem files, string directory) => _file = files.Create(FilePaths.Combine(directory, FileName));

    public void Names(IReadOnlyList<(uint Directory, string Name, byte Meaning, uint Id)> edits)
    {
        if (edits.Count == 0) return;
        lock (_gate)
        {
            Begin(NamesKind);
            PutUInt32((uint)edits.Count);
            foreach (var (directory, name, meaning, id) in edits)
            {
                PutUInt32(directory);
                var bytes = Encoding.UTF8.GetBytes(name);
                BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), checked((ushort)bytes.Length));
                bytes.CopyTo(Reserve(bytes.Length));
                Reserve(1)[0] = meaning;
                PutUInt32(id);
            }
            End();
        }
    }

    public void Data(uint file, long offset, ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            Begin(DataKind);
            PutUInt32(file);
            BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), offset);
            bytes.CopyTo(Reserve(bytes.Length));
            End();
        }
    }

    public void Length(uint file, long length)
    {
        lock (_gate)
        {
            Begin(LengthKind);
            PutUInt32(file);
            BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), length);
            End();
        }
    }

    void Begin(byte kind)
    {
        _length = 0;
        Reserve(HeaderBytes);
        Reserve(1)[0] = kind;
    }

    void End()
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_record, (uint)(_length - HeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(_record.AsSpan(4), Crc32C.Compute(_record.AsSpan(HeaderBytes, _length - HeaderBytes)));
        _file.Append(_record.AsSpan(0, _length));
    }

    void PutUInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);

    Span<byte> Reserve(int count)
    {
        if (_length + count > _record.Length) Array.Resize(ref _record, Math.Max(_record.Length * 2, _length + count));
        _length += count;
        return _record.AsSpan(_length - count, count);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Writes what the journal says was durable into an empty directory.</summary>
    public static void Rebuild(IFileSystem files, string directory, string target)
    {
        var names = new Dictionary<uint, SortedDictionary<string, (byte Meaning, uint Id)>>();
        var contents = new Dictionary<uint, MemoryContent>();
        using (var journal = files.OpenRead(FilePaths.Combine(directory, FileName)))
            for (var offset = 0L; TryReadRecord(journal, ref offset, out var record);) Apply(record, names, contents);
        Write(files, 0, target, names, contents);
    }

    static bool TryReadRecord(IReadableFile journal, ref long offset, out byte[] record)
    {
        record = [];
        var header = new byte[HeaderBytes];
        if (journal.Read(offset, header) < HeaderBytes) return false;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (length == 0 || length > journal.Length - offset - HeaderBytes) return false;
        record = new byte[length];
        if (journal.Read(offset + HeaderBytes, record) < record.Length) return false;
        if (Crc32C.Compute(record) != BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4))) return false;
        offset += HeaderBytes + length;
        return true;
    }

    static void Apply(byte[] record, Dictionary<uint, SortedDictionary<string, (byte Meaning, uint Id)>> names,
        Dictionary<uint, MemoryContent> contents)
    {
        var body = record.AsSpan(1);
        var id = BinaryPrimitives.ReadUInt32LittleEndian(body);
        switch (record[0])
        {
            case NamesKind:
                body = body[4..];
                for (var i = 0; i < id; i++)
                {
                    var directory = BinaryPrimitives.ReadUInt32LittleEndian(body);
                    var length = BinaryPrimitives.ReadUInt16LittleEndian(body[4..]);
                    var name = Encoding.UTF8.GetString(body.Slice(6, length));
                    var meaning = body[6 + length];
                    if (!names.TryGetValue(directory, out var entries)) names.Add(directory, entries = new(StringComparer.Ordinal));
                    if (meaning == 0) entries.Remove(name);
                    else entries[name] = (meaning, BinaryPrimitives.ReadUInt32LittleEndian(body[(7 + length)..]));
                    body = body[(11 + length)..];
                }
                break;
            case DataKind:
                Content(id).Write("", BinaryPrimitives.ReadInt64LittleEndian(body[4..]), body[12..]);
                break;
            case LengthKind:
                // Zeros up to the length, where nothing was ever stored.
                var missing = BinaryPrimitives.ReadInt64LittleEndian(body[4..]);
                if (missing > Content(id).Length) Content(id).Write("", missing, []);
                break;
        }

        MemoryContent Content(uint file)
        {
            if (!contents.TryGetValue(file, out var content)) contents.Add(file, content = new MemoryContent());
            return content;
        }
    }

    static void Write(IFileSystem files, uint directory, string target,
        Dictionary<uint, SortedDictionary<string, (byte Meaning, uint Id)>> names, Dictionary<uint, MemoryContent> contents)
    {
        files.CreateDirectory(target);
        if (!names.TryGetValue(directory, out var entries)) return;
        foreach (var (name, (meaning, id)) in entries)
        {
            var path = FilePaths.Combine(target, name);
            if (meaning == 2)
            {
                Write(files, id, path, names, contents);
                continue;
            }
            using var file = files.Create(path);
            if (contents.TryGetValue(id, out var content)) file.Append(content.Bytes.AsSpan(0, (int)content.Length));
        }
    }
}
