// VectorManifest: the small file that says which segments make up an index, and where in the stream of writes it stands (docs/formats/index-segment.md).
// Replaced as a whole by a rename: what it does not name does not exist.
//
//   MANIFEST                 [header, 64 bytes]  [16 bytes for each history segment, oldest first]  [CRC-32C of all before]
//   live-<number>.seg        the live rows
//   history-<number>.seg     one history segment; written once when it is sealed, and each time anew while it is open
//   coded-<number>.seg       live rows as codes; written once
//   dead-<number>.seg        which rows of these are dead
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
    const uint Version = 1;       // of an index without codes; so are its files the same as ever
    const uint CodedVersion = 2;
    const int HeaderBytes = 64;
    const int EntryBytes = 16;
    const int CodedHeaderBytes = 16;
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

    /// <summary>Number of another file with live rows, that of a frozen graph; 0: none.</summary>
    public ulong Frozen { get; init; }

    /// <summary>Number of the file that tells which rows of codes are dead; 0: there are no codes.</summary>
    public ulong Dead { get; init; }

    /// <summary>Numbers of the files with codes.</summary>
    public IReadOnlyList<ulong> Coded { get; init; } = [];

    /// <summary>Whether it names what only an index with codes has.</summary>
    public bool HasCodes => Coded.Count > 0 || Frozen != 0;

    public static string CodedName(ulong number) => $"coded-{number.ToString("D8", CultureInfo.InvariantCulture)}{Suffix}";

    public static string DeadName(ulong number) => $"dead-{number.ToString("D8", CultureInfo.InvariantCulture)}{Suffix}";

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
        if (version is not (Version or CodedVersion)) Throw.UnsupportedFormat(path, $"{version}", $"{Version} or {CodedVersion}");
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12));
        var codedCount = version == Version ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(52));
        if (end != HeaderBytes + ((long)count * EntryBytes) + (version == Version ? 0 : CodedHeaderBytes + ((long)codedCount * sizeof(ulong))))
            Throw.Corruption(path, 12, "the numbers of segments");
        var history = new (ulong, bool)[count];
        for (var i = 0; i < history.Length; i++)
        {
            var entry = bytes.AsSpan(HeaderBytes + (i * EntryBytes));
            history[i] = (BinaryPrimitives.ReadUInt64LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]) != 0);
        }
        var (frozen, dead) = (0UL, 0UL);
        var coded = new ulong[codedCount];
        if (version == CodedVersion)
        {
            var tail = bytes.AsSpan(HeaderBytes + (int)(count * EntryBytes));
            frozen = BinaryPrimitives.ReadUInt64LittleEndian(tail);
            dead = BinaryPrimitives.ReadUInt64LittleEndian(tail[8..]);
            for (var i = 0; i < coded.Length; i++) coded[i] = BinaryPrimitives.ReadUInt64LittleEndian(tail[(CodedHeaderBytes + (8 * i))..]);
            if ((dead != 0) != (codedCount > 0)) Throw.Corruption(path, HeaderBytes, "a file of dead rows where there are codes");
        }
        return new()
        {
            Frozen = frozen, Dead = dead, Coded = coded,
            Position = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16)), Floor = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24)),
            LastTime = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(32)), Live = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(40)),
            KeepsHistory = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(48)) != 0, History = history,
        };
    }

    /// <summary>Puts it in force, and deletes the files of segments that it does not name.</summary>
    public void Publish(IFileSystem files, string directory)
    {
        var codedBytes = HasCodes ? CodedHeaderBytes + (Coded.Count * sizeof(ulong)) : 0;
        var bytes = new byte[HeaderBytes + (History.Count * EntryBytes) + codedBytes + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), HasCodes ? CodedVersion : Version);
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
        if (HasCodes)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(52), Coded.Count);
            var tail = bytes.AsSpan(HeaderBytes + (History.Count * EntryBytes));
            BinaryPrimitives.WriteUInt64LittleEndian(tail, Frozen);
            BinaryPrimitives.WriteUInt64LittleEndian(tail[8..], Dead);
            for (var i = 0; i < Coded.Count; i++) BinaryPrimitives.WriteUInt64LittleEndian(tail[(CodedHeaderBytes + (8 * i))..], Coded[i]);
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

        var named = History.Select(h => HistoryName(h.Number)).Append(LiveName(Live)).Append(LiveName(Frozen))
            .Concat(Coded.Select(CodedName)).Append(DeadName(Dead)).ToHashSet();
        foreach (var name in files.ListFiles(directory))
            if (NumberOf(name) is not null && !named.Contains(name)) files.Delete(FilePaths.Combine(directory, name));
    }

    static ulong? NumberOf(string name)
    {
        if (!name.EndsWith(Suffix, StringComparison.Ordinal)) return null;
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || name[..dash] is not ("live" or "history" or "coded" or "dead")) return null;
        var digits = name.AsSpan(dash + 1, name.Length - dash - 1 - Suffix.Length);
        return ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
