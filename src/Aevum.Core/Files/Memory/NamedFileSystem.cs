// NamedFileSystem: what file systems have in common whose names live in memory: the names, under one gate. What a file holds is for those who derive
// from it (MemoryFileSystem, OverlayFileSystem).

namespace Aevum.Core.Files;

public abstract class NamedFileSystem
{
    private protected NamedFileSystem() { }

    private protected Lock Gate { get; } = new();

    private protected abstract INames Names { get; }

    public bool FileExists(string path)
    {
        lock (Gate) return Names.HasFile(path);
    }

    public bool DirectoryExists(string path)
    {
        lock (Gate) return Names.HasDirectory(path);
    }

    public void Rename(string source, string target)
    {
        lock (Gate) Names.Rename(source, target);
    }

    public void Delete(string path)
    {
        lock (Gate) Names.Delete(path);
    }

    public void Link(string source, string target)
    {
        lock (Gate) Names.Link(source, target);
    }

    public void CreateDirectory(string path)
    {
        lock (Gate) Names.CreateDirectory(path);
    }

    public void DeleteDirectory(string path)
    {
        lock (Gate) Names.DeleteDirectory(path);
    }

    public IReadOnlyList<string> ListFiles(string directory)
    {
        lock (Gate) return Names.ListFiles(directory);
    }

    public IReadOnlyList<string> ListDirectories(string directory)
    {
        lock (Gate) return Names.ListDirectories(directory);
    }

    public void SyncDirectory(string directory)
    {
        lock (Gate) Names.RequireDirectory(directory);
    }
}

/// <summary>Changes and questions of names that do not ask what a file holds.</summary>
interface INames
{
    bool HasFile(string path);

    bool HasDirectory(string path);

    void RequireDirectory(string path);

    void Rename(string source, string target);

    void Delete(string path);

    void Link(string source, string target);

    void CreateDirectory(string path);

    void DeleteDirectory(string path);

    string[] ListFiles(string directory);

    string[] ListDirectories(string directory);
}
