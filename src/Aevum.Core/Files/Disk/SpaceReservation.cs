// SpaceReservation: really allocating a region's space, and knowing where that is enough to store into it through a mapping.
//
// fallocate reserves blocks and sets the length at once, without writing them (Linux). Elsewhere, and on file systems without it, zeros
// are written: dearer, but as true. (File.OpenHandle's preallocationSize only hints on some systems and leaves the length 0.)
//
// Reserved space is enough only where overwriting happens in place. A file system that writes a block anew at each change (btrfs, ZFS,
// bcachefs, F2FS), or that lives behind a network or another program, may find no space for a page that was stored into long ago, and then
// the store is lost or the process dies. So regions are mapped by themselves on the kinds below only; anywhere else they are staged.
// Overlay file systems (containers without a volume) do not tell what lies below them and count as unknown.
// A region's file must not be cloned (cp --reflink) while it is written: on XFS its blocks would then be shared and copied on change.

using Microsoft.Win32.SafeHandles;

namespace Aevum.Core.Files;

static class SpaceReservation
{
    const int ChunkBytes = 1 << 20;
    const long Ext = 0xEF53;
    const long Xfs = 0x58465342;
    const long Tmpfs = 0x01021994;

    /// <summary>True if a store into a mapped, allocated page of this file cannot fail for want of space.</summary>
    public static bool OverwritesInPlace(SafeFileHandle file) =>
        OperatingSystem.IsLinux() && LibC.IsAvailable && LibC.FileSystemKind(file) is Ext or Xfs or Tmpfs;

    /// <summary>Allocates [0, <paramref name="length"/>) and makes the file that long; what is there stays, the rest is zero.</summary>
    public static void Reserve(string path, SafeFileHandle file, long length, bool native)
    {
        if (native && OperatingSystem.IsLinux() && LibC.IsAvailable)
        {
            var error = LibC.Allocate(file, length);
            if (error == 0) return;
            if (error != LibC.NotSupported && error != LibC.NotImplemented)
                throw DiskErrors.FromErrno(path, $"allocating {length} bytes", error);
        }
        WriteZeros(path, file, length);
    }

    static void WriteZeros(string path, SafeFileHandle file, long length)
    {
        try
        {
            var zeros = new byte[Math.Min(ChunkBytes, length)];
            for (var offset = RandomAccess.GetLength(file); offset < length; offset += zeros.Length)
                RandomAccess.Write(file, zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - offset)), offset);
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            throw DiskErrors.From(path, $"allocating {length} bytes", e);
        }
    }
}
