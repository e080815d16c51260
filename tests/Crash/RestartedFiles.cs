// RestartedFiles: the real file system as it looks after the machine was started again: another boot id. An image of what a power cut leaves is
// opened through it.

using Aevum.Core.Files;

namespace Aevum.Crash;

sealed class RestartedFiles(IFileSystem files) : IFileSystem
{
    public string BootId => "another boot";

    public IReadableFile OpenRead(string path) => files.OpenRead(path);

    public IWritableFile Create(string path) => files.Create(path);

    public IAppendRegion CreateRegion(string path, long capacity) => files.CreateRegion(path, capacity);

    public IAppendRegion OpenRegion(string path) => files.OpenRegion(path);

    public bool FileExists(string path) => files.FileExists(path);

    public bool DirectoryExists(string path) => files.DirectoryExists(path);

    public long FileLength(string path) => files.FileLength(path);

    public void Rename(string source, string target) => files.Rename(source, target);

    public void Delete(string path) => files.Delete(path);

    public void Link(string source, string target) => files.Link(source, target);

    public void CreateDirectory(string path) => files.CreateDirectory(path);

    public void DeleteDirectory(string path) => files.DeleteDirectory(path);

    public IReadOnlyList<string> ListFiles(string directory) => files.ListFiles(directory);

    public IReadOnlyList<string> ListDirectories(string directory) => files.ListDirectories(directory);

    public void SyncDirectory(string directory) => files.SyncDirectory(directory);

    public IDisposable Lock(string path, string holder) => files.Lock(path, holder);
}
