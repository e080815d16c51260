// ForwardingFiles: a file system, and a region of it, that pass everything on to another: for tests that want one thing of it to be otherwise. They
// override that one thing.
//
// Public members are the interface's, in its order. Other projects that have no use for xunit take this file by a link.

using Aevum.Core.Files;

namespace Aevum.Testing;

/// <summary>Passes everything on.</summary>
public class ForwardingFiles(IFileSystem inner) : IFileSystem
{
    /// <summary>What everything is passed on to.</summary>
    protected IFileSystem Inner => inner;

    public virtual string BootId => inner.BootId;

    public virtual IReadableFile OpenRead(string path) => inner.OpenRead(path);

    public virtual IWritableFile Create(string path) => inner.Create(path);

    public virtual IAppendRegion CreateRegion(string path, long capacity) => inner.CreateRegion(path, capacity);

    public virtual IAppendRegion OpenRegion(string path) => inner.OpenRegion(path);

    public virtual bool FileExists(string path) => inner.FileExists(path);

    public virtual bool DirectoryExists(string path) => inner.DirectoryExists(path);

    public virtual long FileLength(string path) => inner.FileLength(path);

    public virtual void Rename(string source, string target) => inner.Rename(source, target);

    public virtual void Delete(string path) => inner.Delete(path);

    public virtual void Link(string source, string target) => inner.Link(source, target);

    public virtual void CreateDirectory(string path) => inner.CreateDirectory(path);

    public virtual void DeleteDirectory(string path) => inner.DeleteDirectory(path);

    public virtual IReadOnlyList<string> ListFiles(string directory) => inner.ListFiles(directory);

    public virtual IReadOnlyList<string> ListDirectories(string directory) => inner.ListDirectories(directory);

    public virtual void SyncDirectory(string directory) => inner.SyncDirectory(directory);

    public virtual IDisposable Lock(string path, string holder) => inner.Lock(path, holder);

    public virtual IDisposable LockShared(string path) => inner.LockShared(path);
}

/// <summary>Passes everything on.</summary>
public class ForwardingRegion(IAppendRegion inner) : IAppendRegion
{
    public string Path => inner.Path;

    public long Capacity => inner.Capacity;

    public bool IsMapped => inner.IsMapped;

    public virtual Span<byte> GetSpan(long offset, int length) => inner.GetSpan(offset, length);

    public virtual void Publish(long start, long end) => inner.Publish(start, end);

    public virtual void Sync() => inner.Sync();

    public virtual void SyncRange(long start, long end) => inner.SyncRange(start, end);

    public virtual void Prepare(long start, long end) => inner.Prepare(start, end);

    public virtual void Dispose()
    {
        inner.Dispose();
        GC.SuppressFinalize(this);
    }
}
