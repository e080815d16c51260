// Repository: where the checks look. Finds the root, and lists what belongs to the repository without asking git (a source archive
// must pass too): everything but what .gitignore leaves out, whose patterns are few and plain.

namespace Aevum.Architecture.Tests;

static class Repository
{
    static readonly string[] FoldersLeftOut = ["bin", "obj", "artifacts", ".git", ".vs", "TestResults", "BenchmarkDotNet.Artifacts", "node_modules"];

    public static string Root { get; } = FindRoot();

    /// <summary>Paths relative to the root, with forward slashes, in ordinal order.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Walk(Root).Select(Relative).Order(StringComparer.Ordinal)];

    public static IEnumerable<string> FilesUnder(string folder, string extension) =>
        Files.Where(f => f.StartsWith(folder, StringComparison.Ordinal) && f.EndsWith(extension, StringComparison.Ordinal));

    public static string Read(string path) => File.ReadAllText(FullPath(path));

    public static string[] ReadLines(string path) => File.ReadAllLines(FullPath(path));

    public static byte[] ReadBytes(string path) => File.ReadAllBytes(FullPath(path));

    public static string FullPath(string path) => Path.Combine(Root, path);

    static string Relative(string full) => Path.GetRelativePath(Root, full).Replace('\\', '/');

    static IEnumerable<string> Walk(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
            if (!file.EndsWith(".user", StringComparison.Ordinal)) yield return file;
        foreach (var inner in Directory.EnumerateDirectories(folder))
        {
            var name = Path.GetFileName(inner);
            var isStore = folder == Root && name is "data" or "data.filling";
            if (isStore || FoldersLeftOut.Contains(name)) continue;
            foreach (var file in Walk(inner)) yield return file;
        }
    }

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Aevum.slnx"))) return folder.FullName;
        throw new InvalidOperationException($"no Aevum.slnx above {AppContext.BaseDirectory}");
    }
}
