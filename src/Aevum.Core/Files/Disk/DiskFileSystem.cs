// DiskFileSystem: the real one, over the operating system's files.
//
// Always true:
//   (1) no content is buffered here: what Append or Publish has returned from is in the page cache and survives the death of the process;
//   (2) a file that may be mapped is never truncated: Create and CreateRegion give the name a new file and leave the
//       old one to its handles;
//   (3) a region is mapped only over space that is really allocated on a file system that overwrites in place; else it is staged.
//
// P/Invoke lives in LibC only; each use has a managed way round, chosen here at run time and testable by DiskOptions.
// Not here: buffering (writers bring their own chunks), caching (Storage has a block cache).

using Microsoft.Win32.SafeHandles;

namespace Aevum.Core.Files;

public enum RegionMapping
{
    /// <summary>Mapped where it is known to be safe (Linux on ext4, XFS, tmpfs), staged elsewhere.</summary>
    Automatic = 0,

    /// <summary>Never mapped: publishing is one write() each.</summary>
    Never = 1,

    /// <summary>Mapped wherever the platform maps. The caller vouches that the file system overwrites in place; where it does not, a full
    /// disk can end the process.</summary>
    Always = 2,
}

public sealed record DiskOptions
{
    public RegionMapping RegionMapping { get; init; }

    /// <summary>False: only what .NET offers. Directories are then not synced and links are copies.</summary>
    public bool UseNativeCalls { get; init; } = true;
}

public sealed class DiskFileSystem : IFileSystem
{
    const int CopyChunkBytes = 1 << 20;
    const FileShare ShareAll = FileShare.ReadWrite | FileShare.Delete;

    readonly DiskOptions _options;
    readonly bool _native;
    readonly Lazy<string> _bootId = new(ReadBootId);

    public DiskFileSystem(DiskOptions? options = null)
    {
        _options = options ?? new DiskOptions();
        _native = _options.UseNativeCalls;
    }

    public string BootId => _bootId.Value;

    internal bool UsesNativeCalls => _native && LibC.IsAvailable;

    public IReadableFile OpenRead(string path) =>
        new DiskReadableFile(path, Open(path, FileMode.Open, FileAccess.Read, "opening for reading"), _native);

    public IWritableFile Create(string path)
    {
        Delete(path);
        return new DiskWritableFile(path, Open(path, FileMode.CreateNew, FileAccess.Write, "creating"), _native);
    }

    public IAppendRegion CreateRegion(string path, long capacity)
    {
        FileErrors.CheckCapacity(path, capacity);
        Delete(path);
        var file = Open(path, FileMode.CreateNew, FileAccess.ReadWrite, "creating");
        try
        {
            SpaceReservation.Reserve(path, file, capacity, _native);
            return MakeRegion(path, file, capacity, created: true);
        }
        catch
        {
            file.Dispose();
            Delete(path);       // a full disk gets its blocks back
            throw;
        }
    }

    public IAppendRegion OpenRegion(string path)
    {
        var file = Open(path, FileMode.Open, FileAccess.ReadWrite, "opening for writing");
        try
        {
            var capacity = RandomAccess.GetLength(file);
            // After a power cut, or a copy by some tool, it may have holes; a store into one may not find space.
            if (capacity > 0 && MayMap(file)) SpaceReservation.Reserve(path, file, capacity, _native);
            return MakeRegion(path, file, capacity, created: false);
        }
        catch (Exception e)
        {
            file.Dispose();
            if (DiskErrors.Is(e)) throw DiskErrors.From(path, "opening for writing", e);
            throw;
        }
    }

    bool MayMap(SafeFileHandle file) => _options.RegionMapping switch
    {
        RegionMapping.Always => true,
        RegionMapping.Never => false,
        _ => _native && SpaceReservation.OverwritesInPlace(file),
    };

    IAppendRegion MakeRegion(string path, SafeFileHandle file, long capacity, bool created)
    {
        var mapping = MayMap(file) ? FileMapping.TryCreate(file, capacity, MappingKind.Writable, _native) : null;
        if (mapping is null) return new StagedRegion(path, file, capacity, readContent: !created, _native);
        if (!created)
        {
            // What the disk cannot give back shows here as an error, and not later as a signal that ends the process.
            var error = mapping.Populate(0, capacity, writable: false);
            if (error != 0)
            {
                mapping.Dispose();
                throw MappedRegion.Unavailable(path, 0, capacity, error);
            }
        }
        return new MappedRegion(path, file, mapping, capacity, _native);
    }

    public bool FileExists(string path) => File.Exists(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public long FileLength(string path) => Guard(path, "asking for the length", static path =>
        Directory.Exists(path) ? throw FileErrors.InputOutput(path, "is a directory") : new FileInfo(path).Length);

    public void Rename(string source, string target)
    {
        if (_native && LibC.IsAvailable)
        {
            var error = LibC.Rename(source, target);
            if (error != 0) throw DiskErrors.FromErrno(source, $"renaming to {target}", error);
            return;
        }
        try
        {
            if (Directory.Exists(source)) Directory.Move(source, target);
            else File.Move(source, target, overwrite: true);
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            throw DiskErrors.From(source, $"renaming to {target}", e);
        }
    }

    public void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Then the name is not there either.
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            throw DiskErrors.From(path, "deleting", e);
        }
    }

    public void Link(string source, string target)
    {
        if (_native && LibC.IsAvailable)
        {
            var error = LibC.Link(source, target);
            if (error == 0) return;
            if (error == LibC.Exists) throw FileErrors.InputOutput(target, "exists already, so it cannot become a link");
            if (error != LibC.CrossDevice && error != LibC.NotPermitted && error != LibC.TooManyLinks && error != LibC.NotSupported
                && error != LibC.NotImplemented)
                throw DiskErrors.FromErrno(source, $"linking as {target}", error);
        }
        CopySynced(source, target);
    }

    /// <summary>Under another name first: the target appears whole or not at all.</summary>
    void CopySynced(string source, string target)
    {
        if (File.Exists(target) || Directory.Exists(target))
            throw FileErrors.InputOutput(target, "exists already, so it cannot become a link");
        var half = target + ".copying";
        try
        {
            using (var from = OpenRead(source))
            using (var to = Create(half))
            {
                var chunk = new byte[CopyChunkBytes];
                while (from.Read(to.Length, chunk) is > 0 and var count) to.Append(chunk.AsSpan(0, count));
                to.Sync();
            }
            Rename(half, target);
        }
        catch
        {
            Delete(half);
            throw;
        }
    }

    public void CreateDirectory(string path) => Guard(path, "creating the directory", static path => Directory.CreateDirectory(path));

    public void DeleteDirectory(string path)
    {
        if (File.Exists(path)) throw FileErrors.InputOutput(path, "is a file, not a directory");
        try
        {
            Directory.Delete(path, recursive: false);
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing to delete.
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            throw DiskErrors.From(path, "deleting the directory", e);
        }
    }

    public IReadOnlyList<string> ListFiles(string directory) => Guard(directory, "listing", static path => Names(Directory.GetFiles(path)));

    public IReadOnlyList<string> ListDirectories(string directory) =>
        Guard(directory, "listing", static path => Names(Directory.GetDirectories(path)));

    static string[] Names(string[] paths)
    {
        for (var i = 0; i < paths.Length; i++) paths[i] = Path.GetFileName(paths[i]);
        Array.Sort(paths, StringComparer.Ordinal);
        return paths;
    }

    public void SyncDirectory(string directory) => DiskSync.Directory(directory, _native);

    public IDisposable Lock(string path, string holder) => DiskLock.Take(path, holder, _native);

    public IDisposable LockShared(string path) => DiskLock.TakeShared(path, _native);

    static SafeFileHandle Open(string path, FileMode mode, FileAccess access, string what)
    {
        try
        {
            return File.OpenHandle(path, mode, access, ShareAll);
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            throw DiskErrors.From(path, what, e);
        }
    }

    static T Guard<T>(string path, string what, Func<string, T> act)
    {
        try
        {
            return act(path);
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            throw DiskErrors.From(path, what, e);
        }
    }

    static string ReadBootId()
    {
        const string Kernel = "/proc/sys/kernel/random/boot_id";
        try
        {
            return OperatingSystem.IsLinux() && File.Exists(Kernel) ? File.ReadAllText(Kernel).Trim() : "";
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            return "";
        }
    }
}
