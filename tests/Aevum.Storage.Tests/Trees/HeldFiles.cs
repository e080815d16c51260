// HeldFiles: files in memory where a test may step in, on the thread that works and under no lock of the file system: when records of the log
// are synced, and when a table is begun.

using Aevum.Core.Files;

namespace Aevum.Storage.Tests.Trees;

sealed class HeldFiles : IFileSystem, IDisposable
{
    readonly MemoryFileSystem _files = new();

    /// <summary>Called at the beginning of each sync of records (not of a segment's header).</summary>
    public Action? OnSync { get; set; }

    /// <summary>Called before each table is created, by flushes and compactions.</summary>
    public Action? OnTable { get; set; }

    public string BootId => _files.BootId;

    public IReadableFile OpenRead(string path) => _files.OpenRead(path);

    public IWritableFile Create(string path)
    {
        if (path.EndsWith(".table", StringComparison.Ordinal)) OnTable?.Invoke();
        return _files.Create(path);
    }

    public IAppendRegion CreateRegion(string path, long capacity) => new HeldRegion(this, _files.CreateRegion(path, capacity));

    public IAppendRegion OpenRegion(string path) => new HeldRegion(this, _files.OpenRegion(path));

    public bool FileExists(string path) => _files.FileExists(path);

    public bool DirectoryExists(string path) => _files.DirectoryExists(path);

    public long FileLength(string path) => _files.FileLength(path);

    public void Rename(string source, string target) => _files.Rename(source, target);

    public void Delete(string path) => _files.Delete(path);

    public void Link(string source, string target) => _files.Link(source, target);

    public void CreateDirectory(string path) => _files.CreateDirectory(path);

    public void DeleteDirectory(string path) => _files.DeleteDirectory(path);

    public IReadOnlyList<string> ListFiles(string directory) => _files.ListFiles(directory);

    public IReadOnlyList<string> ListDirectories(string directory) => _files.ListDirectories(directory);

    public void SyncDirectory(string directory) => _files.SyncDirectory(directory);

    public IDisposable Lock(string path, string holder) => _files.Lock(path, holder);

    public void Dispose() => OnSync = OnTable = null;

    sealed class HeldRegion(HeldFiles files, IAppendRegion region) : IAppendRegion
    {
        public string Path => region.Path;

        public long Capacity => region.Capacity;

        public bool IsMapped => region.IsMapped;

        public Span<byte> GetSpan(long offset, int length) => region.GetSpan(offset, length);

        public void Publish(long start, long end) => region.Publish(start, end);

        public void Sync() => region.Sync();

        public void SyncRange(long start, long end)
        {
            if (start > 0) files.OnSync?.Invoke();
            region.SyncRange(start, end);
        }

        public void Prepare(long start, long end) => region.Prepare(start, end);

        public void Dispose() => region.Dispose();
    }
}
