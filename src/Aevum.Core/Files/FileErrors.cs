// FileErrors: one maker per kind of failure, so that every file system says the same thing with the same code, and names the path.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Aevum.Core.Errors;

namespace Aevum.Core.Files;

static class FileErrors
{
    public static AevumException NotFound(string path, Exception? because = null) =>
        new(ErrorCode.NotFound, $"{path}: there is no such file or directory", because);

    public static AevumException InputOutput(string path, string what, Exception? because = null) =>
        new(ErrorCode.InputOutput, $"{path}: {what}", because);

    public static AevumException DiskFull(string path, string what, Exception? because = null) =>
        new(ErrorCode.DiskFull, $"{path}: no space is left ({what})", because);

    public static AevumException Locked(string path, string holder) => new LockedException(path, holder);

    public static AevumException LockedByReaders(string path) => new LockedException(path, "somebody who reads");

    public static AevumException Closed(string path) => new(ErrorCode.Closed, $"{path}: the file is closed");

    /// <summary>After a failed sync nobody knows which pages the disk holds, and the kernel calls them clean: trying again would
    /// lie.</summary>
    public static AevumException SyncFailedBefore(string path) =>
        InputOutput(path, "an earlier sync failed, so what the disk holds is unknown and nothing more is written through this handle");

    [DoesNotReturn]
    public static void ThrowClosed(string path) => throw Closed(path);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CheckOffset(string path, long offset)
    {
        if (offset < 0) ThrowOffset(path, offset);
    }

    /// <summary>[<paramref name="start"/>, <paramref name="end"/>) must lie within [0, <paramref name="capacity"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CheckRange(string path, long start, long end, long capacity)
    {
        if ((ulong)start > (ulong)end || (ulong)end > (ulong)capacity) ThrowRange(path, start, end, capacity);
    }

    public static void CheckCapacity(string path, long capacity)
    {
        if (capacity <= 0) throw new AevumException(ErrorCode.InvalidArgument, $"{path}: a region of {capacity} bytes was asked for");
    }

    [DoesNotReturn]
    static void ThrowOffset(string path, long offset) =>
        throw new AevumException(ErrorCode.InvalidArgument, $"{path}: offset {offset} lies before the file");

    [DoesNotReturn]
    static void ThrowRange(string path, long start, long end, long capacity) =>
        throw new AevumException(ErrorCode.InvalidArgument, $"{path}: [{start}, {end}) does not lie within the region of {capacity} bytes");
}
