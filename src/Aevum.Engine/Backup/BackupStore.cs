// BackupStore: a directory with any number of backups of one database, which share what they have in common.
//
//   DIR/BACKUPS                                     which database; the number below which none is given out again
//   DIR/LOCK                                        held while anything is changed or relied on
//   DIR/backups/<number, 8 digits>.backup           a backup (BackupManifest)
//   DIR/log/<number, 8 digits>.log                  the piece of log that came with it (LogPiece)
//   DIR/tables/<shard>-<table>-<digest>.table       a table, whichever backups it belongs to
//   *.tmp                                           something that was not finished
//
// Always true: (1) a file under its own name is whole and synced; (2) a backup is there only if everything that it names is; (3) files that no backup
// needs go (Sweep), but none while there is a backup that cannot be read: nobody knows what it needs.

using System.Buffers.Binary;
using System.Globalization;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Checking;

namespace Aevum.Engine.Backup;

sealed class BackupStore
{
    public const string MarkerName = "BACKUPS", LockName = "LOCK";
    const string BackupSuffix = ".backup", PieceSuffix = ".log", TableSuffix = ".table", UnfinishedSuffix = ".tmp";
    const uint Version = 1;
    const int MarkerBytes = FormatHeader.Bytes + 16 + sizeof(ulong) + sizeof(uint);

    static ReadOnlySpan<byte> Magic => "AEVMBKST"u8;

    ulong _nextNumber;

    BackupStore(IFileSystem files, string directory, Guid databaseId, ulong nextNumber)
    {
        Files = files;
        Directory = directory;
        DatabaseId = databaseId;
        _nextNumber = nextNumber;
    }

    public IFileSystem Files { get; }

    public string Directory { get; }

    public Guid DatabaseId { get; }

    public string BackupFolder => FilePaths.Combine(Directory, "backups");

    public string PieceFolder => FilePaths.Combine(Directory, "log");

    public string TableFolder => FilePaths.Combine(Directory, "tables");

    string MarkerPath => FilePaths.Combine(Directory, MarkerName);

    public static bool Exists(IFileSystem files, string directory) =>
        files.DirectoryExists(directory) && files.FileExists(FilePaths.Combine(directory, MarkerName));

    /// <exception cref="AevumException">NotFound: there are no backups here. Corruption, UnsupportedFormat.</exception>
    public static BackupStore Open(IFileSystem files, string directory)
    {
        if (!Exists(files, directory)) throw new AevumException(ErrorCode.NotFound, $"{directory} holds no backups");
        var path = FilePaths.Combine(directory, MarkerName);
        var bytes = files.ReadAllBytes(path).AsSpan();
        FormatHeader.Read(bytes, Magic, Version, path, "a store of backups");
        if (bytes.Length != MarkerBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) != Crc32C.Compute(bytes[..^4]))
            Throw.Corruption(path, Math.Min(bytes.Length, MarkerBytes), $"{MarkerBytes} bytes whose checksum holds");
        var next = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(FormatHeader.Bytes + 16)..]);
        return new(files, directory, new Guid(bytes.Slice(FormatHeader.Bytes, 16), bigEndian: true), next);
    }

    /// <summary>The store in a directory, or a new one if there is nothing.</summary>
    /// <param name="held">The store's lock.</param>
    /// <exception cref="AevumException">InvalidArgument: the directory holds something else, or backups of another database. Locked.</exception>
    public static BackupStore OpenOrCreate(IFileSystem files, string directory, Guid databaseId, string holder, out IDisposable held)
    {
        if (!Exists(files, directory))
        {
            // Whoever mistypes a path must not find his files swept away.
            if (files.DirectoryExists(directory) && (files.ListDirectories(directory).Count > 0 ||
                files.ListFiles(directory).Any(name => name is not (LockName or MarkerName + UnfinishedSuffix))))
                Throw.Invalid($"{directory} is not empty, and holds no backups");
            files.CreateDirectoryDurably(directory);
        }
        held = files.Lock(FilePaths.Combine(directory, LockName), holder);
        try
        {
            var store = Exists(files, directory) ? Open(files, directory) : new BackupStore(files, directory, databaseId, 1);
            if (store.DatabaseId != databaseId)
                Throw.Invalid($"{directory} holds backups of database {store.DatabaseId}, and this is {databaseId}: it needs a directory of its own");
            if (!Exists(files, directory)) store.WriteMarker();
            foreach (var folder in (string[])[store.BackupFolder, store.PieceFolder, store.TableFolder]) files.CreateDirectory(folder);
            files.SyncDirectory(directory);
            return store;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Keeps others from changing the store meanwhile. On a medium that takes no writes nobody can.</summary>
    /// <exception cref="AevumException">Locked.</exception>
    public IDisposable? LockForReading(string holder)
    {
        try
        {
            return Files.Lock(FilePaths.Combine(Directory, LockName), holder);
        }
        catch (AevumException failure) when (failure.Code == ErrorCode.InputOutput)
        {
            return null;
        }
    }

    public IDisposable Lock(string holder) => Files.Lock(FilePaths.Combine(Directory, LockName), holder);

    /// <summary>A number that no backup has or had.</summary>
    public ulong NextNumber => Math.Max(_nextNumber, Numbers(BackupFolder, BackupSuffix).DefaultIfEmpty().Max() + 1);

    public string BackupPath(ulong number) => FilePaths.Combine(BackupFolder, NameOf(number) + BackupSuffix);

    public string PiecePath(ulong number) => FilePaths.Combine(PieceFolder, NameOf(number) + PieceSuffix);

    public string TablePath(uint shard, in BackupTable table) => FilePaths.Combine(TableFolder, TableName(shard, table.Id, table.Digest));

    static string NameOf(ulong number) => number.ToString("D8", CultureInfo.InvariantCulture);

    public static string TableName(uint shard, ulong table, ulong digest) =>
        string.Create(CultureInfo.InvariantCulture, $"{shard:x8}-{table:x16}-{digest:x16}{TableSuffix}");

    /// <summary>Numbers of the backups that there are, readable or not, ascending.</summary>
    public IReadOnlyList<ulong> BackupNumbers() => Numbers(BackupFolder, BackupSuffix);

    public IReadOnlyList<ulong> PieceNumbers() => Numbers(PieceFolder, PieceSuffix);

    List<ulong> Numbers(string folder, string suffix)
    {
        var numbers = new List<ulong>();
        if (!Files.DirectoryExists(folder)) return numbers;
        foreach (var name in Files.ListFiles(folder))
            if (name.EndsWith(suffix, StringComparison.Ordinal)
                && ulong.TryParse(name.AsSpan(0, name.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && name == NameOf(number) + suffix && number is > 0 and < ulong.MaxValue)
                numbers.Add(number);
        numbers.Sort();
        return numbers;
    }

    /// <exception cref="AevumException">NotFound, Corruption, UnsupportedFormat.</exception>
    public BackupManifest Read(ulong number)
    {
        var path = BackupPath(number);
        if (!Files.FileExists(path)) throw new AevumException(ErrorCode.NotFound, $"{Directory} holds no backup {number}");
        var manifest = BackupManifest.Decode(Files.ReadAllBytes(path), path);
        if (manifest.Id != number) Throw.Corruption(path, FormatHeader.Bytes, $"backup {number}, not {manifest.Id}");
        if (manifest.Identity.DatabaseId != DatabaseId) Throw.Corruption(path, FormatHeader.Bytes, $"a backup of database {DatabaseId}");
        return manifest;
    }

    /// <summary>All backups and pieces that can be read, ascending, and what is wrong with the others.</summary>
    public StoreContent ReadAll()
    {
        var backups = new List<BackupManifest>();
        var pieces = new List<LogPieceInfo>();
        var problems = new List<CheckProblem>();
        foreach (var number in BackupNumbers()) Try(BackupPath(number), problems, () => backups.Add(Read(number)));
        foreach (var number in PieceNumbers())
            Try(PiecePath(number), problems, () =>
            {
                using var reader = new LogPieceReader(Files, PiecePath(number));
                if (reader.Info.Number != number || reader.Info.DatabaseId != DatabaseId)
                    Throw.Corruption(PiecePath(number), 0, $"piece {number} of the log of database {DatabaseId}");
                pieces.Add(reader.Info);
            });
        return new(backups, pieces, problems);
    }

    static void Try(string path, List<CheckProblem> problems, Action read)
    {
        try
        {
            read();
        }
        catch (AevumException failure)
        {
            problems.Add(ProblemOf(path, failure));
        }
    }

    public static CheckProblem ProblemOf(string path, AevumException failure)
    {
        if (failure is not CorruptionException { File: { } file } damage) return new(path, null, failure.Message);
        var prefix = string.Create(CultureInfo.InvariantCulture, $"{file} at byte {damage.Offset}: ");
        var text = damage.Message.StartsWith(prefix, StringComparison.Ordinal) ? damage.Message[prefix.Length..] : damage.Message;
        return new(file, damage.Offset, text.Replace(" The file is left untouched.", "", StringComparison.Ordinal));
    }

    /// <summary>A new name for something that is being written.</summary>
    public static string Unfinished(string path) => path + UnfinishedSuffix;

    /// <summary>Gives a synced file its own name, for good.</summary>
    public void Finish(string path)
    {
        Files.Rename(Unfinished(path), path);
        Files.SyncDirectory(FilePaths.DirectoryOf(path));
    }

    public void Write(string path, ReadOnlySpan<byte> bytes)
    {
        using (var file = Files.Create(Unfinished(path)))
        {
            file.Append(bytes);
            file.Sync();
        }
        Finish(path);
    }

    void WriteMarker()
    {
        var bytes = new byte[MarkerBytes];
        FormatHeader.Write(bytes, Magic, Version);
        DatabaseId.TryWriteBytes(bytes.AsSpan(FormatHeader.Bytes), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(FormatHeader.Bytes + 16), _nextNumber);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(MarkerBytes - 4), Crc32C.Compute(bytes.AsSpan(0, MarkerBytes - 4)));
        Write(MarkerPath, bytes);
    }

    /// <summary>Removes a backup, readable or not, and what no other one needs.</summary>
    /// <returns>Bytes that became free.</returns>
    public long Delete(ulong number)
    {
        if (!BackupNumbers().Contains(number)) throw new AevumException(ErrorCode.NotFound, $"{Directory} holds no backup {number}");
        // A number never comes back: what somebody noted down as 7 is not another backup one day.
        _nextNumber = NextNumber;
        WriteMarker();
        var freed = Files.FileLength(BackupPath(number));
        Files.Delete(BackupPath(number));
        // Before anything that it needs goes, or a power cut could bring it back without.
        Files.SyncDirectory(BackupFolder);
        return freed + Sweep();
    }

    /// <summary>Removes what no backup needs, and what was never finished.</summary>
    /// <returns>Bytes that became free.</returns>
    public long Sweep()
    {
        var content = ReadAll();
        if (BackupNumbers().Count != content.Backups.Count) return 0;
        var pieces = content.PiecesInUse();
        // One that cannot be read may hold what makes others useful: it stays until nothing is left that could want it.
        if (content.Backups.Count > 0) pieces.UnionWith(PieceNumbers().Except(content.Pieces.Select(p => p.Number)));
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var backup in content.Backups)
            foreach (var shard in backup.Shards)
                foreach (var table in shard.Tables) kept.Add(TableName(shard.Id, table.Id, table.Digest));
        var freed = SweepFolder(TableFolder, kept.Contains, TableSuffix);
        freed += SweepFolder(PieceFolder, pieces.Select(p => NameOf(p) + PieceSuffix).ToHashSet().Contains, PieceSuffix);
        return freed + SweepFolder(BackupFolder, static _ => true, BackupSuffix);
    }

    // Files of other names are none of ours.
    long SweepFolder(string folder, Func<string, bool> isKept, string suffix)
    {
        if (!Files.DirectoryExists(folder)) return 0;
        long freed = 0;
        foreach (var name in Files.ListFiles(folder))
        {
            var isUnfinished = name.EndsWith(suffix + UnfinishedSuffix, StringComparison.Ordinal);
            if (!isUnfinished && (isKept(name) || !name.EndsWith(suffix, StringComparison.Ordinal))) continue;
            var path = FilePaths.Combine(folder, name);
            freed += Files.FileLength(path);
            Files.Delete(path);
        }
        return freed;
    }
}
