// MappedRegion: a region that is the page cache itself. A store survives the death of the process without a call; publishing is free.
//
// Errors of the device show only at Sync. Whatever the region was created over is really allocated (SpaceReservation), so that a store
// cannot fail for want of space; Prepare before use saves the page faults as well.

using Microsoft.Win32.SafeHandles;

namespace Aevum.Core.Files;

sealed unsafe class MappedRegion : IAppendRegion
{
    /// <summary>A smaller region is not worth pages that are provided 2 MiB at a time.</summary>
    const long LargePagesFrom = 4 * NativePages.LargePageBytes;

    readonly SafeFileHandle _file;
    readonly FileMapping _mapping;
    readonly bool _native;
    readonly long _capacity;
    byte* _memory;          // null once disposed
    bool _syncFailed;

    public MappedRegion(string path, SafeFileHandle file, FileMapping mapping, long capacity, bool native)
    {
        Path = path;
        _file = file;
        _mapping = mapping;
        _capacity = capacity;
        _native = native;
        _memory = mapping.Memory;
        if (native && capacity >= LargePagesFrom) mapping.PreferLargePages();
    }

    public string Path { get; }

    public long Capacity => _capacity;

    public bool IsMapped => true;

    public Span<byte> GetSpan(long offset, int length)
    {
        if (_memory is null) FileErrors.ThrowClosed(Path);
        FileErrors.CheckRange(Path, offset, offset + length, _capacity);
        return new Span<byte>(_memory + offset, length);
    }

    public void Publish(long start, long end)
    {
        if (_memory is null) FileErrors.ThrowClosed(Path);
        if (Volatile.Read(ref _syncFailed)) throw FileErrors.SyncFailedBefore(Path);
        FileErrors.CheckRange(Path, start, end, _capacity);
    }

    public void Sync()
    {
        if (_memory is null) FileErrors.ThrowClosed(Path);
        if (Volatile.Read(ref _syncFailed)) throw FileErrors.SyncFailedBefore(Path);
        try
        {
            _mapping.Flush();
            DiskSync.File(Path, _file, _native);
        }
        catch (Exception e)
        {
            Volatile.Write(ref _syncFailed, true);
            if (DiskErrors.Is(e)) throw DiskErrors.From(Path, "syncing", e);
            throw;
        }
    }

    public void SyncRange(long start, long end)
    {
        FileErrors.CheckRange(Path, start, end, _capacity);
        if (!_native || !OperatingSystem.IsLinux() || !LibC.IsAvailable)
        {
            Sync();
            return;
        }
        if (_memory is null) FileErrors.ThrowClosed(Path);
        if (Volatile.Read(ref _syncFailed)) throw FileErrors.SyncFailedBefore(Path);
        var error = _mapping.SyncRange(start, end);
        if (error == 0) return;
        Volatile.Write(ref _syncFailed, true);
        throw DiskErrors.FromErrno(Path, "syncing", error);
    }

    public void Prepare(long start, long end)
    {
        if (_memory is null) FileErrors.ThrowClosed(Path);
        FileErrors.CheckRange(Path, start, end, _capacity);
        var error = _mapping.Populate(start, end, writable: true);
        if (error != 0) throw Unavailable(Path, start, end, error);
    }

    /// <summary>The kernel could not provide pages. It says EFAULT both for no space and for a failing device; the free space tells them
    /// apart.</summary>
    public static Errors.AevumException Unavailable(string path, long start, long end, int error)
    {
        var what = $"the pages of [{start}, {end}) cannot be provided";
        if (error != LibC.BadAddress) return DiskErrors.FromErrno(path, what, error);
        return FreeSpace(path) < end - start ? FileErrors.DiskFull(path, what) : DiskErrors.FromErrno(path, what, error);
    }

    static long FreeSpace(string path)
    {
        try
        {
            return new DriveInfo(System.IO.Path.GetFullPath(path)).AvailableFreeSpace;
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            return long.MaxValue;
        }
    }

    public void Dispose()
    {
        _memory = null;
        _mapping.Dispose();
        _file.Dispose();
    }
}
