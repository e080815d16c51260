// IFileSystem: everything the database asks of a file system, and the one place where it asks.
//
// Every implementation holds the same contract tests: DiskFileSystem (the real one), MemoryFileSystem (a test or an in-memory database),
// FaultyFileSystem (in memory too: errors, no space, torn writes, power cuts, bit flips, all from one seed), RecordingFileSystem (over a
// real one: keeps what would be left after a power cut).
//
// Always true:
//   (1) paths are opaque strings joined by FilePaths/Path.Combine; names are never interpreted here;
//   (2) a new, linked or renamed name survives a power cut only after SyncDirectory on its directory;
//   (3) file content survives a power cut only after Sync on the file;
//   (4) every failure is an AevumException: DiskFull when space ran out, NotFound, Locked, Closed after Dispose, InvalidArgument for a
//       range outside of the file's, else InputOutput; the message names the path;
//   (5) a failed sync is final: what the disk holds is unknown and the kernel calls the pages clean, so the handle writes and syncs no
//       more (InputOutput each time) and the owner must open the file anew and see what is there;
//   (6) content has a life of its own: Create, CreateRegion, Rename and Delete take a name away from it, never its bytes from those who
//       have it open, mapped or linked.

namespace Aevum.Core.Files;

public interface IFileSystem
{
    /// <summary>Opens an existing file for positional reads. Many threads may read at once.</summary>
    IReadableFile OpenRead(string path);

    /// <summary>Creates an empty file that is written from front to back. An existing file of that name loses the name, as by
    /// Delete.</summary>
    IWritableFile Create(string path);

    /// <summary>Creates a zero-filled region of fixed capacity whose space is really allocated before this returns. An existing file of
    /// that name loses the name, as by Delete.</summary>
    IAppendRegion CreateRegion(string path, long capacity);

    /// <summary>Opens an existing region for further writes, its content as it stands; the capacity is the file's length (0 too).</summary>
    IAppendRegion OpenRegion(string path);

    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>Length in bytes.</summary>
    long FileLength(string path);

    /// <summary>Moves a file or a directory with all it holds. Replaces <paramref name="target"/> atomically if it exists (a directory only
    /// if it is empty). Does nothing if both are names of the same content, as POSIX has it.</summary>
    void Rename(string source, string target);

    /// <summary>Removes a name. The content lives on while a handle is open. No error if the name is not there.</summary>
    void Delete(string path);

    /// <summary>A second name for the same content: a hard link, or a synced copy where the file system has no links (so only for content
    /// that no longer changes). The target must not exist.</summary>
    void Link(string source, string target);

    /// <summary>Creates the directory and its parents. Each is a name in its parent, which wants SyncDirectory to survive a power cut:
    /// <see cref="FileSystemExtensions.CreateDirectoryDurably"/> does both.</summary>
    void CreateDirectory(string path);

    /// <summary>Removes an empty directory. No error if it is not there.</summary>
    void DeleteDirectory(string path);

    /// <summary>Names (not paths) of the files in a directory, in ordinal order.</summary>
    IReadOnlyList<string> ListFiles(string directory);

    /// <summary>Names (not paths) of the directories in a directory, in ordinal order.</summary>
    IReadOnlyList<string> ListDirectories(string directory);

    /// <summary>Makes names created, renamed, linked or deleted in the directory survive a power cut.</summary>
    void SyncDirectory(string directory);

    /// <summary>Takes an exclusive lock that ends with the process. The file keeps <paramref name="holder"/> as text for whoever is
    /// refused.</summary>
    /// <exception cref="Errors.AevumException">Locked: the message holds the text of the present holder.</exception>
    IDisposable Lock(string path, string holder);

    /// <summary>Takes a lock that several may hold together, but nobody beside a holder of <see cref="Lock"/>. Writes nothing. Where the file
    /// is not there nothing is locked.</summary>
    /// <exception cref="Errors.AevumException">Locked.</exception>
    IDisposable LockShared(string path);

    /// <summary>A text that changes when the machine restarts (Linux: the kernel's boot id); empty where there is none.</summary>
    string BootId { get; }
}

public interface IReadableFile : IDisposable
{
    string Path { get; }

    long Length { get; }

    /// <summary>Fills <paramref name="target"/> from <paramref name="offset"/> unless the file ends before.</summary>
    /// <returns>Bytes read: the full length, or less at the end of the file only.</returns>
    int Read(long offset, Span<byte> target);

    /// <summary>Maps the whole file read-only, where the platform can. The mapping lives until the file is disposed.</summary>
    /// <returns>False if this file system does not map, or if the file is empty; then use <see cref="Read"/>.</returns>
    unsafe bool TryMap(out byte* memory);

    /// <summary>Maps the whole file copy on write, where the platform can: stores change this process's memory and never the file. The mapping
    /// lives until the file is disposed.</summary>
    /// <returns>False if this file system does not map so, or if the file is empty; then <see cref="Read"/> it into memory of your own.</returns>
    unsafe bool TryMapPrivate(out byte* memory)
    {
        memory = null;
        return false;
    }

    /// <summary>Makes many reads, all on their way at once where the platform can (the disk then works on them side by side), one after the
    /// other elsewhere. For reads that lie apart: nothing beyond what is asked for is read ahead.</summary>
    /// <returns>False if the file ends before the end of one of them; then the targets mean nothing.</returns>
    unsafe bool ReadMany(ReadOnlySpan<FileRead> reads)
    {
        foreach (ref readonly var read in reads)
            if (Read(read.Offset, new Span<byte>(read.Target, read.Length)) < read.Length) return false;
        return true;
    }

    /// <summary>Asks the system to forget what it holds of this file in memory (only what the disk has): for files whose bytes are read once,
    /// and to measure cold reads. A hint; nothing happens where there is no such cache.</summary>
    void DropCache() { }
}

/// <summary>One of many reads.</summary>
/// <param name="offset">In the file, in bytes.</param>
/// <param name="target">Room for <paramref name="length"/> bytes, which stays where it is until the read has ended.</param>
/// <param name="length">In bytes.</param>
public readonly unsafe struct FileRead(long offset, byte* target, int length)
{
    public long Offset { get; } = offset;

    public byte* Target { get; } = target;

    public int Length { get; } = length;
}

public interface IWritableFile : IDisposable
{
    string Path { get; }

    /// <summary>Bytes written so far.</summary>
    long Length { get; }

    /// <summary>On return the bytes survive the death of the process. A failed append leaves <see cref="Length"/> as it was; a part may
    /// have reached the file beyond it, and the next append overwrites that.</summary>
    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>On return everything appended survives a power cut (the name needs SyncDirectory too).</summary>
    void Sync();
}

/// <summary>
/// A fixed stretch of a file written in place: the caller stores into <see cref="GetSpan"/>, then publishes. Where the platform maps
/// files, the span is the page cache itself and publishing is free; elsewhere publishing is one write. One writer at a time.
/// </summary>
public interface IAppendRegion : IDisposable
{
    string Path { get; }

    long Capacity { get; }

    /// <summary>True when stores reach the operating system without a call, so that they survive the death of this process at
    /// once.</summary>
    bool IsMapped { get; }

    /// <summary>Memory to read or store the bytes from <paramref name="offset"/> on; the same memory for the same offset each time. Valid
    /// until the region is disposed; still readable after a failed sync.</summary>
    Span<byte> GetSpan(long offset, int length);

    /// <summary>On return the bytes [start, end) survive the death of the process.</summary>
    void Publish(long start, long end);

    /// <summary>On return every published byte survives a power cut. May run beside stores and publishes of later bytes.</summary>
    void Sync();

    /// <summary>On return the published bytes of [start, end) survive a power cut; others may too. Cheaper than <see cref="Sync"/>
    /// where the rest of the region is dirty and nobody needs it: a recycled log segment. A failure is the region's failure, as with
    /// Sync.</summary>
    void SyncRange(long start, long end);

    /// <summary>Touches [start, end) so that later stores neither fault nor fail for want of space. May be called from another
    /// thread.</summary>
    void Prepare(long start, long end);
}
