// OverlayFileSystem: a directory of another file system as it is, and everything that is written to it kept in memory: what lies below is read
// and never changed. It is how a database is opened for reading only: whatever an open has to tidy up, it tidies up here.
//
//   names      copied from below when it is made, and the overlay's own from then on
//   content    below, until somebody wants to write into it in place: then a copy in memory
//
// While it lives it holds a shared lock, which those who only read may hold together, and which keeps writers out: what it reads stays.
//
// Always true: nothing below changes, not even the text of a lock file.
// Not here: files that grow below meanwhile; more than 2 GiB for a file that is written (MemoryContent).

namespace Aevum.Core.Files;

public sealed class OverlayFileSystem : IFileSystem, IDisposable
{
    // A file below, or one in memory. Names share it as links share an inode.
    sealed class Entry
    {
        public string? Below { get; set; }

        public MemoryContent? Content { get; set; }
    }

    readonly Lock _gate = new();
    readonly IFileSystem _below;
    readonly NameTree<Entry> _names = new();
    readonly IDisposable _lock;

    /// <summary>Lays an overlay over a directory, which need not be there.</summary>
    /// <param name="below">What is read; outlives the overlay.</param>
    /// <param name="root">The only directory that is seen of it.</param>
    /// <param name="lockFile">The file in it that writers lock; nothing is locked if it is not there.</param>
    /// <exception cref="Errors.AevumException">Locked: somebody writes there.</exception>
    public OverlayFileSystem(IFileSystem below, string root, string lockFile)
    {
        _below = below;
        _lock = below.LockShared(FilePaths.Combine(root, lockFile));
        try
        {
            if (below.DirectoryExists(root)) Copy(root);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    public string BootId => _below.BootId;

    void Copy(string directory)
    {
        _names.CreateDirectory(directory);
        foreach (var name in _below.ListDirectories(directory)) Copy(FilePaths.Combine(directory, name));
        foreach (var name in _below.ListFiles(directory))
        {
            var path = FilePaths.Combine(directory, name);
            _names.SetFile(path, new Entry { Below = path });
        }
    }

    public IReadableFile OpenRead(string path)
    {
        lock (_gate)
        {
            var entry = _names.FindFile(path);
            return entry.Content is { } content ? new MemoryReadableFile(path, content) : _below.OpenRead(entry.Below!);
        }
    }

    public IWritableFile Create(string path)
    {
        var content = new MemoryContent();
        lock (_gate) _names.SetFile(path, new Entry { Content = content });
        return new MemoryWritableFile(path, content);
    }

    public IAppendRegion CreateRegion(string path, long capacity)
    {
        FileErrors.CheckCapacity(path, capacity);
        var content = new MemoryContent(path, capacity);
        lock (_gate) _names.SetFile(path, new Entry { Content = content });
        return new MemoryRegion(path, content);
    }

    public IAppendRegion OpenRegion(string path)
    {
        lock (_gate)
        {
            var entry = _names.FindFile(path);
            entry.Content ??= CopyOf(entry.Below!);
            return new MemoryRegion(path, entry.Content);
        }
    }

    MemoryContent CopyOf(string path)
    {
        var content = new MemoryContent();
        content.Write(path, 0, _below.ReadAllBytes(path));
        return content;
    }

    public bool FileExists(string path)
    {
        lock (_gate) return _names.TryFindFile(path) is not null;
    }

    public bool DirectoryExists(string path)
    {
        lock (_gate) return _names.TryFindDirectory(path) is not null;
    }

    public long FileLength(string path)
    {
        lock (_gate)
        {
            var entry = _names.FindFile(path);
            return entry.Content?.Length ?? _below.FileLength(entry.Below!);
        }
    }

    public void Rename(string source, string target)
    {
        lock (_gate) _names.Rename(source, target);
    }

    public void Delete(string path)
    {
        lock (_gate) _names.Delete(path);
    }

    public void Link(string source, string target)
    {
        lock (_gate) _names.Link(source, target);
    }

    public void CreateDirectory(string path)
    {
        lock (_gate) _names.CreateDirectory(path);
    }

    public void DeleteDirectory(string path)
    {
        lock (_gate) _names.DeleteDirectory(path);
    }

    public IReadOnlyList<string> ListFiles(string directory)
    {
        lock (_gate) return _names.ListFiles(directory);
    }

    public IReadOnlyList<string> ListDirectories(string directory)
    {
        lock (_gate) return _names.ListDirectories(directory);
    }

    public void SyncDirectory(string directory)
    {
        lock (_gate) _names.FindDirectory(directory);
    }

    public IDisposable Lock(string path, string holder)
    {
        lock (_gate)
        {
            if (_names.TryFindFile(path)?.Content is { } present) MemoryLock.RequireFree(path, present);
            var content = MemoryLock.Exclusive(path, holder);
            _names.SetFile(path, new Entry { Content = content });
            return new MemoryLock(_gate, content);
        }
    }

    public IDisposable LockShared(string path)
    {
        lock (_gate) return MemoryLock.Shared(_gate, path, _names.TryFindFile(path)?.Content);
    }

    /// <summary>Lets writers in below. Nothing of the overlay may be in use.</summary>
    public void Dispose() => _lock.Dispose();
}
