// FileSystemExtensions: what is always done with the same few calls.

namespace Aevum.Core.Files;

public static class FileSystemExtensions
{
    /// <summary>Creates the directory and its parents so that they survive a power cut. Those that were there before are taken to be
    /// durable.</summary>
    public static void CreateDirectoryDurably(this IFileSystem files, string path)
    {
        var parents = new List<string>();
        for (var missing = path; !files.DirectoryExists(missing); missing = parents[^1])
        {
            var parent = FilePaths.DirectoryOf(missing);
            if (parent == missing) break;
            parents.Add(parent);
        }
        files.CreateDirectory(path);
        // From the outermost in: a name is worth nothing before the names it hangs from.
        for (var i = parents.Count - 1; i >= 0; i--) files.SyncDirectory(parents[i]);
    }

    /// <summary>Deletes a directory with all it holds. No error if it is not there.</summary>
    public static void DeleteTree(this IFileSystem files, string path)
    {
        if (!files.DirectoryExists(path)) return;
        foreach (var name in files.ListDirectories(path)) files.DeleteTree(FilePaths.Combine(path, name));
        foreach (var name in files.ListFiles(path)) files.Delete(FilePaths.Combine(path, name));
        files.DeleteDirectory(path);
    }

    /// <summary>The whole content of a small file.</summary>
    public static byte[] ReadAllBytes(this IFileSystem files, string path)
    {
        using var file = files.OpenRead(path);
        var bytes = new byte[file.Length];
        var count = file.Read(0, bytes);
        return count == bytes.Length ? bytes : bytes[..count];
    }
}
