// FilePaths: how paths are put together and taken apart, so that nobody outside the file seam looks for separators.

namespace Aevum.Core.Files;

public static class FilePaths
{
    static readonly char[] Separators = Path.DirectorySeparatorChar == Path.AltDirectorySeparatorChar
        ? [Path.DirectorySeparatorChar]
        : [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar];

    public static string Combine(string directory, string name) => Path.Combine(directory, name);

    /// <summary>The directory a path lies in; "." for a bare name, so that the answer can always be given to SyncDirectory.</summary>
    public static string DirectoryOf(string path)
    {
        var directory = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(path));
        return string.IsNullOrEmpty(directory) ? (Path.IsPathRooted(path) ? path : ".") : directory;
    }

    public static string NameOf(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(path));

    /// <summary>The names from the root down; empty ones and "." are left out. Only file systems kept in memory look at paths this
    /// closely.</summary>
    internal static string[] Split(string path)
    {
        var parts = path.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
        return Array.IndexOf(parts, ".") < 0 ? parts : Array.FindAll(parts, part => part != ".");
    }
}
