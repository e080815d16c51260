// Manifest: the list of edits that says which files make up a tree. Appending one edit is the commit point of a flush, a compaction,
// an ingest; what no manifest names does not exist.
//
//   CURRENT             text: the name of the manifest in force; replaced by rename
//   MANIFEST-<number>   header, 16 bytes: magic "AEVMNFST" u64 | format version u32 | CRC32C of those 12 bytes u32
//                       then records: length u32 | CRC32C of number, length and content u32 | content (VersionEditCodec)
//                       the first record is the whole state; each later one an edit. The CRC starts from the record's number, so a record
//                       cannot stand in another's place.
//
// Always true:
//   (1) a record is synced before anything relies on it (files deleted, log released);
//   (2) a file named by an edit was synced, its directory too, before the edit is appended;
//   (3) a manifest larger than its limit is replaced by one that starts with the whole state: written, synced, then named by CURRENT.
//
// A damaged last record that reaches the end of the file is an append that a crash cut short: it is dropped and said so. Damage with a
// readable record behind it is corruption. Dropping the last record is safe even if it was whole once: the files it removed are
// missing then, or the log it released starts too late, and opening says so instead of answering from half a state.

using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Storage.Versions;

/// <summary>A tree's state as its manifest tells it.</summary>
sealed record ManifestState
{
    public TreeVersion Version { get; init; } = TreeVersion.Empty;

    public ulong AppliedPosition { get; init; }

    public ulong GreatestTime { get; init; }

    public ulong NextTableId { get; init; } = 1;

    public IReadOnlyDictionary<ulong, ulong> Floors { get; init; } = new Dictionary<ulong, ulong>();

    public Guid DatabaseId { get; init; }

    public uint Timeline { get; init; }

    public ManifestState After(VersionEdit edit)
    {
        var floors = new Dictionary<ulong, ulong>(Floors);
        foreach (var (keyspace, floor) in edit.Floors) floors[keyspace] = Math.Max(floor, floors.GetValueOrDefault(keyspace));
        return new ManifestState
        {
            Version = edit.Added.Count + edit.Removed.Count > 0 ? edit.Apply(Version) : Version,
            AppliedPosition = Math.Max(AppliedPosition, edit.AppliedPosition ?? 0),
            GreatestTime = Math.Max(GreatestTime, edit.GreatestTime ?? 0),
            NextTableId = Math.Max(NextTableId, edit.NextTableId ?? 0),
            Floors = floors,
            DatabaseId = edit.DatabaseId ?? DatabaseId,
            Timeline = edit.Timeline ?? Timeline,
        };
    }

    /// <summary>One edit that makes this state from nothing.</summary>
    public VersionEdit AsEdit()
    {
        var edit = new VersionEdit
        {
            AppliedPosition = AppliedPosition,
            GreatestTime = GreatestTime,
            NextTableId = NextTableId,
            DatabaseId = DatabaseId,
            Timeline = Timeline,
        };
        foreach (var (keyspace, floor) in Floors) edit.Floors[keyspace] = floor;
        foreach (var history in new[] { false, true })
            for (var level = 0; level < TreeVersion.LevelCount; level++)
                foreach (var table in Version.Shape(history)[level].Reverse()) edit.Added.Add((history, level, table));
        return edit;
    }
}

sealed class Manifest : IDisposable
{
    public const string CurrentName = "CURRENT";
    public const string Prefix = "MANIFEST-";
    const ulong Magic = 0x5453464E4D564541;   // "AEVMNFST"
    const uint FormatVersion = 1;
    const int HeaderBytes = 16;
    const int RecordHeaderBytes = 8;
    const int RecordBytesMax = 1 << 30;

    readonly IFileSystem _files;
    readonly string _directory;
    readonly long _bytesMax;
    IWritableFile? _file;
    ulong _number;
    ulong _lastNumber;
    uint _records;
    long _snapshotBytes;

    Manifest(IFileSystem files, string directory, ManifestState state, ulong number, long bytesMax)
    {
        _files = files;
        _directory = directory;
        State = state;
        _number = number;
        _lastNumber = number;
        _bytesMax = bytesMax;
    }

    /// <summary>The state after the last edit that was appended.</summary>
    public ManifestState State { get; private set; }

    /// <summary>The name of the file in force.</summary>
    public string FileName => NameOf(_number);

    public long FileBytes => _file?.Length ?? 0;

    public static string NameOf(ulong number) => Prefix + number.ToString("D8", CultureInfo.InvariantCulture);

    public static bool Exists(IFileSystem files, string directory) => files.FileExists(Path.Combine(directory, CurrentName));

    /// <summary>Starts the first manifest of a new tree.</summary>
    public static Manifest Create(IFileSystem files, string directory, ManifestState state, long bytesMax = 4 << 20)
    {
        var manifest = new Manifest(files, directory, state, 0, bytesMax);
        manifest.Rewrite(state);
        return manifest;
    }

    /// <summary>Reads the manifest in force. Changes nothing: the first append, or <see cref="StartAnew"/>, begins a new file.</summary>
    /// <exception cref="CorruptionException">CURRENT or the manifest it names is damaged.</exception>
    public static Manifest Open(IFileSystem files, string directory, out long bytesCut, long bytesMax = 4 << 20)
    {
        var (state, number, cut) = Read(files, directory);
        bytesCut = cut;
        return new Manifest(files, directory, state, number, bytesMax);
    }

    /// <summary>Begins a new file with the state as it is, so that nothing depends any more on how the end of the old one is read.</summary>
    public void StartAnew()
    {
        if (_file is null) Rewrite(State);
    }

    /// <summary>Reads the manifest in force without changing anything.</summary>
    public static (ManifestState State, ulong Number, long BytesCut) Read(IFileSystem files, string directory)
    {
        var currentPath = Path.Combine(directory, CurrentName);
        var name = Encoding.ASCII.GetString(ReadAll(files, currentPath)).TrimEnd('\n');
        ulong number = 0;
        if (!name.StartsWith(Prefix, StringComparison.Ordinal) ||
            !ulong.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number))
            Throw.Corruption(currentPath, 0, "the name of a manifest");
        var path = Path.Combine(directory, name);
        if (!files.FileExists(path)) Throw.Corruption(currentPath, 0, $"the name of an existing manifest, not {name}");
        var state = new ManifestState();
        var cut = ReadRecords(path, ReadAll(files, path), (_, content) => state = Follow(state, VersionEditCodec.Decode(content)));
        return (state, number, cut);
    }

    // While a tree runs, an edit that breaks an invariant is our own mistake; read back from a file, it is the file's.
    internal static ManifestState Follow(ManifestState state, VersionEdit edit)
    {
        try
        {
            return state.After(edit);
        }
        catch (InvalidOperationException broken)
        {
            throw new CorruptionException($"a manifest edit makes no tree: {broken.Message}", broken);
        }
    }

    /// <summary>Hands out every record: its offset and content.</summary>
    /// <returns>Bytes at the end that a crash left unfinished.</returns>
    public static long ReadRecords(string path, byte[] bytes, Action<long, byte[]> record)
    {
        var header = bytes.AsSpan(0, Math.Min(bytes.Length, HeaderBytes));
        if (header.Length < HeaderBytes || BinaryPrimitives.ReadUInt64LittleEndian(header) != Magic) Throw.Corruption(path, 0, "a manifest's header");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != Crc32C.Compute(header[..12])) Throw.Corruption(path, 12, "the header's checksum");
        var format = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (format != FormatVersion) Throw.UnsupportedFormat(path, $"{format}", $"{FormatVersion}");

        long at = HeaderBytes;
        for (uint number = 0; at < bytes.Length; number++)
        {
            if (!TryReadRecord(bytes, at, number, out var content))
            {
                // The first record is written before CURRENT names the file, so it is never cut; of the others only the last can be.
                if (number == 0 || RecordFollows(bytes, at, number)) Throw.Corruption(path, at, $"record {number} with a valid checksum");
                return bytes.Length - at;
            }
            try
            {
                record(at, content);
            }
            catch (CorruptionException e)
            {
                throw new CorruptionException($"{path} at byte {at}: {e.Message}", e) { File = path, Offset = at };
            }
            at += RecordHeaderBytes + content.Length;
        }
        if (at == HeaderBytes) Throw.Corruption(path, at, "a first record");
        return 0;
    }

    /// <summary>Appends one edit and syncs it: the commit point.</summary>
    public void Append(VersionEdit edit)
    {
        var next = State.After(edit);
        if (_file is null || _file.Length > Math.Max(_bytesMax, 4 * _snapshotBytes))
        {
            Rewrite(next);
            return;
        }
        try
        {
            WriteRecord(_file, VersionEditCodec.Encode(edit));
            _file.Sync();
        }
        catch
        {
            // What of the record reached the disk is unknown: the next append starts a new file from the last known state.
            _file.Dispose();
            _file = null;
            throw;
        }
        State = next;
    }

    public void Dispose() => _file?.Dispose();

    void Rewrite(ManifestState state)
    {
        // A number is never used twice: after a failure nobody knows which file CURRENT names on the disk.
        var number = ++_lastNumber;
        var path = Path.Combine(_directory, NameOf(number));
        var file = _files.Create(path);
        try
        {
            Span<byte> header = stackalloc byte[HeaderBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
            BinaryPrimitives.WriteUInt32LittleEndian(header[8..], FormatVersion);
            BinaryPrimitives.WriteUInt32LittleEndian(header[12..], Crc32C.Compute(header[..12]));
            file.Append(header);
            _records = 0;
            WriteRecord(file, VersionEditCodec.Encode(state.AsEdit()));
            file.Sync();
            // Before CURRENT names it: of two names that change, a power cut may keep either.
            _files.SyncDirectory(_directory);
        }
        catch
        {
            file.Dispose();
            TryDelete(number);   // CURRENT cannot name it yet
            throw;
        }
        try
        {
            SetCurrent(NameOf(number));
        }
        catch
        {
            // Which of the two CURRENT names on the disk is unknown, so both stay; each tells a whole state.
            file.Dispose();
            _file?.Dispose();
            _file = null;
            throw;
        }
        // From here on the new state is the truth, whatever else fails.
        var before = _number;
        _file?.Dispose();
        _file = file;
        _snapshotBytes = file.Length;
        _number = number;
        State = state;
        TryDelete(before);
    }

    // What is left over is removed by the next open.
    void TryDelete(ulong number)
    {
        try
        {
            _files.Delete(Path.Combine(_directory, NameOf(number)));
        }
        catch (AevumException)
        {
        }
    }

    void SetCurrent(string name)
    {
        var temporary = Path.Combine(_directory, CurrentName + ".tmp");
        using (var current = _files.Create(temporary))
        {
            current.Append(Encoding.ASCII.GetBytes(name + "\n"));
            // Synced before the rename, or after a power cut the name could point at an empty file.
            current.Sync();
        }
        _files.Rename(temporary, Path.Combine(_directory, CurrentName));
        _files.SyncDirectory(_directory);
    }

    void WriteRecord(IWritableFile file, byte[] content)
    {
        var record = new byte[RecordHeaderBytes + content.Length];
        BinaryPrimitives.WriteInt32LittleEndian(record, content.Length);
        content.CopyTo(record.AsSpan(RecordHeaderBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), Checksum(_records, content));
        file.Append(record);
        _records++;
    }

    static uint Checksum(uint number, ReadOnlySpan<byte> content)
    {
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, number);
        BinaryPrimitives.WriteInt32LittleEndian(prefix[4..], content.Length);
        return Crc32C.Extend(Crc32C.Compute(prefix), content);
    }

    static bool TryReadRecord(byte[] bytes, long at, uint number, out byte[] content)
    {
        content = [];
        if (bytes.Length - at < RecordHeaderBytes) return false;
        var header = bytes.AsSpan((int)at);
        var length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length < 0 || length > RecordBytesMax || length > bytes.Length - at - RecordHeaderBytes) return false;
        var found = header.Slice(RecordHeaderBytes, length);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != Checksum(number, found)) return false;
        content = found.ToArray();
        return true;
    }

    // A record with the next number anywhere behind the damage proves that the damaged one had been whole.
    static bool RecordFollows(byte[] bytes, long damaged, uint number)
    {
        for (var at = damaged + 1; at + RecordHeaderBytes <= bytes.Length; at++)
            if (TryReadRecord(bytes, at, number + 1, out _)) return true;
        return false;
    }

    static byte[] ReadAll(IFileSystem files, string path)
    {
        using var file = files.OpenRead(path);
        var bytes = new byte[file.Length];
        var read = file.Read(0, bytes);
        return read == bytes.Length ? bytes : bytes[..read];
    }
}
