// VectorManifest: the small file that says which segments make up an index, and where in the stream of writes it stands (docs/formats/index-segment.md).
// Replaced as a whole by a rename: what it does not name does not exist.
//
//   MANIFEST                 [header, 64 bytes]  [16 bytes for each history segment, oldest first]  [CRC-32C of all before]
//   live-<number>.seg        the live rows
//   history-<number>.seg     one history segment; written once when it is sealed, and each time anew while it is open
//
// Always true: a file that a manifest names was synced, and its name too, before the manifest was renamed; numbers are never used twice in a directory.

using System.Buffers.Binary;
using System.Globalization;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Vectors;

sealed record VectorManifest
{
    const ulong Magic = 0x696E614D78497641;   // `AvIxMani` in ASCII
    const uint Version = 1;
    const int HeaderBytes = 64;
    const int EntryBytes = 16;
    const int BytesMax = 1 << 20;
    const string Name = "MANIFEST";
    const string NewName = "MANIFEST.new";
    const string Suffix = ".seg";

    public ulong Position { get; init; }

    public ulong Floor { get; init; }

    public ulong LastTime { get; init; }

    /// <summary>Number of the file with the live rows.</summary>
    public ulong Live { get; init; }

    public bool KeepsHistory { get; init; }

    /// <summary>Numbers of history files, oldest first, and whether each is sealed.</summary>
    public IReadOnlyList<(ulong Number, bool IsSealed)> History { get; init; } = [];

    public static string LiveName(ulong number) => $"live-{number.ToString("D8", CultureInfo.InvariantCulture)}{Suffix}";

    public static string HistoryName(ulong number) => $"history-{number.ToString("D8", CultureInfo.InvariantCulture)}{Suffix}";

    public static bool Exists(IFileSystem files, string directory) => files.FileExists(FilePaths.Combine(directory, Name));

    /// <summary>A number above that of every segment's file in the directory, named or left over.</summary>
    public static ulong NextNumber(IFileSystem files, string directory)
    {
        var last = 0UL;
        foreach (var name in files.ListFiles(directory))
            if (NumberOf(name) is { } number) last = Math.Max(last, number);
        return last + 1;
    }

    /// <exception cref="AevumException">NotFound; Corruption; UnsupportedFormat.</exception>
    public static VectorManifest Read(IFileSystem files, string directory)
    {
        var path = FilePaths.Combine(directory, Name);
        if (files.FileExists(path) && files.FileLength(path) > BytesMax) Throw.Corruption(path, 0, $"at most {BytesMax} bytes");
        var bytes = files.ReadAllBytes(path);
        if (bytes.Length < HeaderBytes + sizeof(uint)) Throw.Corruption(path, bytes.Length, $"at least {HeaderBytes + sizeof(uint)} bytes");
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic) Throw.Corruption(path, 0, "an index manifest's magic number");
        var end = bytes.Length - sizeof(uint);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(end)) != Crc32C.Compute(bytes.AsSpan(0, end))) Throw.Corruption(path, end, "the checksum");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        if (version != Version) Throw.UnsupportedFormat(path, $"{version}", $"{Version}");
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12));
        if (end != HeaderBytes + ((long)count * EntryBytes)) Throw.Corruption(path, 12, "the number of history segments");
        var history = new (ulong, bool)[count];
        for (var i = 0; i < history.Length; i++)
        {
            var entry = bytes.AsSpan(HeaderBytes + (i * EntryBytes));
            history[i] = (BinaryPrimitives.ReadUInt64LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]) != 0);
        }
        return new()
        {
            Position = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16)), Floor = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24)),
            LastTime = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(32)), Live = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(40)),
            KeepsHistory = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(48)) != 0, History = history,
        };
    }

    /// <summary>Puts it in force, and deletes the files of segments that it does not name.</summary>
    public void Publish(IFileSystem files, string directory)
    {
        var bytes = new byte[HeaderBytes + (History.Count * EntryBytes) + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), History.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Position);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), Floor);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(32), LastTime);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(40), Live);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(48), KeepsHistory ? 1u : 0);
        for (var i = 0; i < History.Count; i++)
        {
            var entry = bytes.AsSpan(HeaderBytes + (i * EntryBytes));
            BinaryPrimitives.WriteUInt64LittleEndian(entry, History[i].Number);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], History[i].IsSealed ? 1u : 0);
        }
        var end = bytes.Length - sizeof(uint);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(end), Crc32C.Compute(bytes.AsSpan(0, end)));

        // The names of the segments before the name that leads to them.
        files.SyncDirectory(directory);
        var made = FilePaths.Combine(directory, NewName);
        using (var file = files.Create(made))
        {
            file.Append(bytes);
            file.Sync();
        }
        files.Rename(made, FilePaths.Combine(directory, Name));
        files.SyncDirectory(directory);

        var named = History.Select(h => HistoryName(h.Number)).Append(LiveName(Live)).ToHashSet();
        foreach (var name in files.ListFiles(directory))
            if (NumberOf(name) is not null && !named.Contains(name)) files.Delete(FilePaths.Combine(directory, name));
    }

    static ulong? NumberOf(string name)
    {
        if (!name.EndsWith(Suffix, StringComparison.Ordinal)) return null;
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || name[..dash] is not ("live" or "history")) return null;
        var digits = name.AsSpan(dash + 1, name.Length - dash - 1 - Suffix.Length);
        return ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
