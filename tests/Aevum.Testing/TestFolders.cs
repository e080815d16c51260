namespace Aevum.Testing;

/// <summary>Where things lie, found from where the test runs; no path is compiled in, so a build may be moved.</summary>
public static class TestFolders
{
    /// <summary>The folder of Aevum.slnx.</summary>
    public static string Repository { get; } = Above("Aevum.slnx");

    /// <summary>The folder of the test project that runs.</summary>
    public static string Project { get; } = Above("*.csproj");

    /// <summary>A file or folder of the large data sets; null where they are not on this machine (AEVUM_DATASETS is not set, or lacks it).</summary>
    public static string? FindDataset(string path)
    {
        var root = Environment.GetEnvironmentVariable("AEVUM_DATASETS");
        if (string.IsNullOrEmpty(root)) return null;
        var full = Path.Combine(root, path);
        return Path.Exists(full) ? full : null;
    }

    static string Above(string pattern)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (folder.EnumerateFiles(pattern).Any()) return folder.FullName;
        throw new InvalidOperationException($"no {pattern} above {AppContext.BaseDirectory}");
    }
}
