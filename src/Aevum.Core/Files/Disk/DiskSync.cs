using Microsoft.Win32.SafeHandles;

namespace Aevum.Core.Files;

/// <summary>Making content and names durable.</summary>
static class DiskSync
{
    /// <summary>fdatasync on Linux: content, and of the metadata what is needed to find it. Elsewhere what .NET does (F_FULLFSYNC on macOS,
    /// FlushFileBuffers on Windows), since a plain fsync there may stop at the drive's cache.</summary>
    public static void File(string path, SafeFileHandle file, bool native)
    {
        try
        {
            if (native && OperatingSystem.IsLinux() && LibC.IsAvailable)
            {
                var error = LibC.SyncData(file);
                if (error != 0) throw DiskErrors.FromErrno(path, "syncing", error);
            }
            else
            {
                RandomAccess.FlushToDisk(file);
            }
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            throw DiskErrors.From(path, "syncing", e);
        }
    }

    /// <summary>On Windows, and where LibC is not available, nothing: there is no such call, and NTFS keeps names in its own
    /// journal.</summary>
    public static void Directory(string path, bool native)
    {
        if (!System.IO.Directory.Exists(path))
            throw System.IO.File.Exists(path) ? FileErrors.InputOutput(path, "is a file, not a directory") : FileErrors.NotFound(path);
        if (!native || !LibC.IsAvailable) return;
        using var directory = LibC.OpenForReading(path, out var error) ?? throw DiskErrors.FromErrno(path, "opening the directory", error);
        error = LibC.Sync(directory);
        // Some file systems cannot sync directories and say so; there is nothing better to ask them for.
        if (error != 0 && error != LibC.Invalid && error != LibC.NotSupported && error != LibC.ReadOnlyFileSystem)
            throw DiskErrors.FromErrno(path, "syncing the directory", error);
    }
}
