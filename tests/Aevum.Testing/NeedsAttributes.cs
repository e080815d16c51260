// Facts and theories that need something a machine may lack. Decided when tests are discovered, so that the runner counts them as skipped and
// shows the reason; a test that returns early would count as passed.

using System.Runtime.InteropServices;

namespace Aevum.Testing;

/// <summary>A fact that is skipped, with the reason, where what it needs is missing.</summary>
public sealed class FactThatNeedsAttribute : FactAttribute
{
    /// <summary>A file or folder under AEVUM_DATASETS.</summary>
    public string? Dataset
    {
        get;
        set => Skip ??= Need.Dataset(field = value);
    }

    /// <summary>A shared library by its file name, such as liblz4.so.1. Only tests load native code.</summary>
    public string? Library
    {
        get;
        set => Skip ??= Need.Library(field = value);
    }

    /// <summary>A program on the path, by its file name.</summary>
    public string? Program
    {
        get;
        set => Skip ??= Need.Program(field = value);
    }

    /// <summary>A file by its full path, such as a header of a library.</summary>
    public string? File
    {
        get;
        set => Skip ??= Need.File(field = value);
    }
}

/// <summary>A theory that is skipped, with the reason, where what it needs is missing.</summary>
public sealed class TheoryThatNeedsAttribute : TheoryAttribute
{
    /// <summary>A file or folder under AEVUM_DATASETS.</summary>
    public string? Dataset
    {
        get;
        set => Skip ??= Need.Dataset(field = value);
    }

    /// <summary>A shared library by its file name, such as liblz4.so.1. Only tests load native code.</summary>
    public string? Library
    {
        get;
        set => Skip ??= Need.Library(field = value);
    }

    /// <summary>A program on the path, by its file name.</summary>
    public string? Program
    {
        get;
        set => Skip ??= Need.Program(field = value);
    }

    /// <summary>A file by its full path, such as a header of a library.</summary>
    public string? File
    {
        get;
        set => Skip ??= Need.File(field = value);
    }
}

static class Need
{
    public static string? Dataset(string? path) =>
        path is null || TestFolders.FindDataset(path) is not null ? null : $"the data set {path} is not under AEVUM_DATASETS";

    public static string? Program(string? name) =>
        name is null
        || (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => System.IO.File.Exists(Path.Combine(folder, name)))
            ? null
            : $"{name} is not installed";

    public static string? File(string? path) => path is null || System.IO.File.Exists(path) ? null : $"{path} is not there";

    public static string? Library(string? name)
    {
        if (name is null) return null;
        if (!NativeLibrary.TryLoad(name, out var handle)) return $"{name} is not installed";
        NativeLibrary.Free(handle);
        return null;
    }
}
