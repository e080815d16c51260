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

public sealed class OverlayFileSystem : NamedFileSystem, IFileSystem, IDisposable
{
    // A file below, or one in memory. Names share it as links share an inode.
    sealed class Entry
    {
        public string? Below { get; set; }

        public MemoryContent? Content { get; set; }
    }

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

    private protected override INames Names => _names;

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
        lock (Gate)
        {
            var entry = _names.FindFile(path);
            return entry.Content is { } content ? new MemoryReadableFile(path, content) : _below.OpenRead(entry.Below!);
        }
    }

    public IWritableFile Create(string path)
    {
        var content = new MemoryContent();
        lock (Gate) _names.SetFile(path, new Entry { Content = content });
        return new MemoryWritableFile(path, content);
    }

    public IAppendRegion CreateRegion(string path, long capacity)
    {
        FileErrors.CheckCapacity(path, capacity);
        var content = new MemoryContent(path, capacity);
        lock (Gate) _names.SetFile(path, new Entry { Content = content });
        return new MemoryRegion(path, content);
    }

    public IAppendRegion OpenRegion(string path)
    {
        lock (Gate)
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

    public long FileLength(string path)
    {
        lock (Gate)
        {
            var entry = _names.FindFile(path);
            return entry.Content?.Length ?? _below.FileLength(entry.Below!);
        }
    }

    public IDisposable Lock(string path, string holder)
    {
        lock (Gate)
        {
            if (_names.TryFindFile(path)?.Content is { } present) MemoryLock.RequireFree(path, present);
            var content = MemoryLock.Exclusive(path, holder);
            _names.SetFile(path, new Entry { Content = content });
            return new MemoryLock(Gate, content);
        }
    }

    public IDisposable LockShared(string path)
    {
        lock (Gate) return MemoryLock.Shared(Gate, path, _names.TryFindFile(path)?.Content);
    }

    /// <summary>Lets writers in below. Nothing of the overlay may be in use.</summary>
    public void Dispose() => _lock.Dispose();
}
