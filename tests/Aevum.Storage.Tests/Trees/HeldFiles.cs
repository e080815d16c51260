// HeldFiles: files in memory where a test may step in, on the thread that works and under no lock of the file system: when records of the log
// are synced, and when a table is begun.

using Aevum.Core.Files;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Trees;

sealed class HeldFiles() : ForwardingFiles(new MemoryFileSystem()), IDisposable
{
    /// <summary>Called at the beginning of each sync of records (not of a segment's header).</summary>
    public Action? OnSync { get; set; }

    /// <summary>Called before each table is created, by flushes and compactions.</summary>
    public Action? OnTable { get; set; }

    public override IWritableFile Create(string path)
    {
        if (path.EndsWith(".table", StringComparison.Ordinal)) OnTable?.Invoke();
        return base.Create(path);
    }

    public override IAppendRegion CreateRegion(string path, long capacity) => new HeldRegion(this, base.CreateRegion(path, capacity));

    public override IAppendRegion OpenRegion(string path) => new HeldRegion(this, base.OpenRegion(path));

    public void Dispose() => OnSync = OnTable = null;

    sealed class HeldRegion(HeldFiles files, IAppendRegion region) : ForwardingRegion(region)
    {
        public override void SyncRange(long start, long end)
        {
            if (start > 0) files.OnSync?.Invoke();
            base.SyncRange(start, end);
        }
    }
}
