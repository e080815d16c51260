// StagedRegion: a region where mapping cannot be had or cannot be trusted. Stores go to memory of our own; publishing writes them to the
// file with one call. So nothing of it survives the death of the process before Publish, and every error has a return value.
//
// Costs as much memory as the region is long, of which pages that were never touched are not yet real.

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Aevum.Core.Files;

sealed unsafe class StagedRegion : IAppendRegion
{
    readonly SafeFileHandle _file;
    readonly bool _native;
    readonly long _capacity;
    byte* _staging;         // null once disposed
    bool _syncFailed;

    /// <param name="readContent">False for a region that was just created: its zeros need not be read.</param>
    public StagedRegion(string path, SafeFileHandle file, long capacity, bool readContent, bool native)
    {
        Path = path;
        _file = file;
        _native = native;
        _capacity = capacity;
        _staging = (byte*)NativeMemory.AllocZeroed((nuint)Math.Max(capacity, 1));
        if (!readContent) return;
        try
        {
            for (var offset = 0L; offset < capacity;)
            {
                var count = RandomAccess.Read(file, new Span<byte>(_staging + offset, (int)Math.Min(capacity - offset, 1 << 20)), offset);
                if (count == 0) throw FileErrors.InputOutput(path, $"ends at {offset}, before its length of {capacity}");
                offset += count;
            }
        }
        catch (Exception e)
        {
            Free();
            if (DiskErrors.Is(e)) throw DiskErrors.From(path, "reading the region", e);
            throw;
        }
    }

    ~StagedRegion() => Free();

    public string Path { get; }

    public long Capacity => _capacity;

    public bool IsMapped => false;

    public Span<byte> GetSpan(long offset, int length)
    {
        if (_staging is null) FileErrors.ThrowClosed(Path);
        FileErrors.CheckRange(Path, offset, offset + length, _capacity);
        return new Span<byte>(_staging + offset, length);
    }

    public void Publish(long start, long end)
    {
        if (_staging is null) FileErrors.ThrowClosed(Path);
        if (Volatile.Read(ref _syncFailed)) throw FileErrors.SyncFailedBefore(Path);
        FileErrors.CheckRange(Path, start, end, _capacity);
        try
        {
            // Spans are counted in ints; a publish beyond 1 GiB takes several calls.
            for (; start < end; start += Math.Min(end - start, 1 << 30))
                RandomAccess.Write(_file, new ReadOnlySpan<byte>(_staging + start, (int)Math.Min(end - start, 1 << 30)), start);
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            throw DiskErrors.From(Path, $"writing [{start}, {end})", e);
        }
    }

    public void Sync()
    {
        if (_staging is null) FileErrors.ThrowClosed(Path);
        if (Volatile.Read(ref _syncFailed)) throw FileErrors.SyncFailedBefore(Path);
        try
        {
            DiskSync.File(Path, _file, _native);
        }
        catch
        {
            Volatile.Write(ref _syncFailed, true);
            throw;
        }
    }

    public void SyncRange(long start, long end)
    {
        FileErrors.CheckRange(Path, start, end, _capacity);
        Sync();
    }

    /// <summary>Touches the staging memory; the file's space was allocated when the region was made.</summary>
    public void Prepare(long start, long end)
    {
        if (_staging is null) FileErrors.ThrowClosed(Path);
        FileErrors.CheckRange(Path, start, end, _capacity);
        // The last word of the staging may be short of four bytes; its page was touched by the word before or is touched by its first use.
        for (var offset = start & ~4095; offset + sizeof(int) <= end; offset += 4096) Interlocked.Or(ref *(int*)(_staging + offset), 0);
    }

    void Free()
    {
        NativeMemory.Free(_staging);
        _staging = null;
    }

    public void Dispose()
    {
        Free();
        _file.Dispose();
        GC.SuppressFinalize(this);
    }
}
