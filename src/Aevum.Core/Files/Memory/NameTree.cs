// NameTree: directories and names of a file system that lives in memory. What a file holds is the owner's affair.
//
// Every change of names is first worked out as a NameChange, then applied, then told to the owner: a file system that models power cuts
// keeps the changes until their directory is synced.
//
// Always true:
//   (1) an entry is either a file or a directory; replacing one kind by the other is refused, as a disk does;
//   (2) a rename is one change, also when it crosses directories.
//
// Not here: locking; the owner calls under its own gate.

namespace Aevum.Core.Files;

/// <summary>One name that gets another meaning: <see cref="Before"/> and <see cref="After"/> are a file, a directory, or null for no
/// name.</summary>
readonly record struct NameEdit(NameDirectory Directory, string Name, object? Before, object? After);

/// <summary>One or two edits that happen together or not at all.</summary>
sealed class NameChange(params NameEdit[] edits)
{
    public NameEdit[] Edits { get; } = edits;
}

sealed class NameDirectory
{
    public Dictionary<string, object> Entries { get; } = new(StringComparer.Ordinal);
}

sealed class NameTree<TFile>(Action<NameChange>? changed = null) : INames where TFile : class
{
    public NameDirectory Root { get; set; } = new();

    public bool HasFile(string path) => TryFindFile(path) is not null;

    public bool HasDirectory(string path) => TryFindDirectory(path) is not null;

    public void RequireDirectory(string path) => FindDirectory(path);

    public TFile? TryFindFile(string path) => Find(path) as TFile;

    /// <summary>The file, or an error that says whether there is nothing or a directory.</summary>
    public TFile FindFile(string path) => Find(path) switch
    {
        TFile file => file,
        null => throw FileErrors.NotFound(path),
        _ => throw FileErrors.InputOutput(path, "is a directory"),
    };

    public NameDirectory? TryFindDirectory(string path) => Find(path) as NameDirectory;

    public NameDirectory FindDirectory(string path) => Find(path) switch
    {
        NameDirectory directory => directory,
        null => throw FileErrors.NotFound(path),
        _ => throw FileErrors.InputOutput(path, "is a file, not a directory"),
    };

    /// <summary>The directory that holds or would hold the name.</summary>
    public (NameDirectory Directory, string Name) FindParent(string path)
    {
        var parts = FilePaths.Split(path);
        if (parts.Length == 0) throw FileErrors.InputOutput(path, "is the root directory");
        var parent = Root;
        foreach (var part in parts.AsSpan(0, parts.Length - 1))
            parent = parent.Entries.GetValueOrDefault(part) as NameDirectory ?? throw FileErrors.NotFound(path);
        return (parent, parts[^1]);
    }

    /// <summary>Throws what <see cref="SetFile"/> would throw: for owners that must do something else before the name changes.</summary>
    public void CheckSetFile(string path)
    {
        var (parent, name) = FindParent(path);
        if (parent.Entries.GetValueOrDefault(name) is NameDirectory) throw FileErrors.InputOutput(path, "is a directory");
    }

    /// <summary>Gives the name to a file; whatever file had it loses it.</summary>
    public void SetFile(string path, TFile file)
    {
        CheckSetFile(path);
        var (parent, name) = FindParent(path);
        Apply(new NameChange(Edit(parent, name, file)));
    }

    public void Link(string source, string target)
    {
        var file = FindFile(source);
        var (parent, name) = FindParent(target);
        if (parent.Entries.ContainsKey(name)) throw FileErrors.InputOutput(target, "exists already, so it cannot become a link");
        Apply(new NameChange(Edit(parent, name, file)));
    }

    public void Rename(string source, string target)
    {
        var (sourceParent, sourceName) = FindParent(source);
        var (targetParent, targetName) = FindParent(target);
        var moved = sourceParent.Entries.GetValueOrDefault(sourceName) ?? throw FileErrors.NotFound(source);
        var replaced = targetParent.Entries.GetValueOrDefault(targetName);
        if (ReferenceEquals(moved, replaced)) return;
        switch (moved, replaced)
        {
            case (TFile, NameDirectory): throw FileErrors.InputOutput(target, "is a directory");
            case (NameDirectory, TFile): throw FileErrors.InputOutput(target, "is a file, not a directory");
            case (_, NameDirectory { Entries.Count: > 0 }): throw FileErrors.InputOutput(target, "is a directory that is not empty");
            case (NameDirectory directory, _) when Holds(directory, targetParent):
                throw FileErrors.InputOutput(target, $"lies inside of {source}");
        }
        Apply(new NameChange(Edit(sourceParent, sourceName, null), Edit(targetParent, targetName, moved)));
    }

    public void Delete(string path)
    {
        switch (Find(path))
        {
            case null: return;
            case NameDirectory: throw FileErrors.InputOutput(path, "is a directory");
        }
        var (parent, name) = FindParent(path);
        Apply(new NameChange(Edit(parent, name, null)));
    }

    public void CreateDirectory(string path)
    {
        var parent = Root;
        foreach (var part in FilePaths.Split(path))
        {
            if (!parent.Entries.TryGetValue(part, out var entry))
            {
                entry = new NameDirectory();
                Apply(new NameChange(Edit(parent, part, entry)));
            }
            parent = entry as NameDirectory ?? throw FileErrors.InputOutput(path, $"{part} is a file, not a directory");
        }
    }

    public void DeleteDirectory(string path)
    {
        if (Find(path) is null) return;
        if (FindDirectory(path).Entries.Count > 0) throw FileErrors.InputOutput(path, "is a directory that is not empty");
        var (parent, name) = FindParent(path);
        Apply(new NameChange(Edit(parent, name, null)));
    }

    public string[] ListFiles(string directory) => List(directory, static entry => entry is TFile);

    public string[] ListDirectories(string directory) => List(directory, static entry => entry is NameDirectory);

    string[] List(string directory, Func<object, bool> wanted)
    {
        var names = FindDirectory(directory).Entries.Where(pair => wanted(pair.Value)).Select(pair => pair.Key).ToArray();
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    object? Find(string path)
    {
        object? entry = Root;
        foreach (var part in FilePaths.Split(path))
        {
            entry = entry is NameDirectory directory ? directory.Entries.GetValueOrDefault(part) : null;
            if (entry is null) return null;
        }
        return entry;
    }

    static bool Holds(NameDirectory outer, NameDirectory inner) =>
        ReferenceEquals(outer, inner) || outer.Entries.Values.OfType<NameDirectory>().Any(child => Holds(child, inner));

    static NameEdit Edit(NameDirectory directory, string name, object? after) =>
        new(directory, name, directory.Entries.GetValueOrDefault(name), after);

    void Apply(NameChange change)
    {
        foreach (var edit in change.Edits) ApplyEdit(edit.Directory.Entries, edit);
        changed?.Invoke(change);
    }

    public static void ApplyEdit(Dictionary<string, object> entries, NameEdit edit)
    {
        if (edit.After is null) entries.Remove(edit.Name);
        else entries[edit.Name] = edit.After;
    }
}
