// FileMapping: a whole file as memory, shared with the page cache. mmap where LibC is available, MemoryMappedFile elsewhere.
//
// What is stored through a writable mapping is in the page cache at once: it survives the death of this process, and reaches the disk with
// the next sync of the file (Linux writes a file's dirty mapped pages at fdatasync; where that is not promised, Flush does it).
//
// The danger: touching a mapped page that the file system cannot provide (a hole on a full disk, a bad sector, a file that was cut) is not
// an error but a signal that ends the process. So (1) a writable mapping is made only over space that is really allocated
// (SpaceReservation),
// (2) Populate asks the kernel to provide pages and reports failure by return value, (3) a mapped file is never truncated. A bad sector
// under a mapping that is only read remains: whoever cannot bear that reads through IReadableFile.Read.

using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Aevum.Core.Files;

/// <summary>What may be done through a mapping.</summary>
enum MappingKind
{
    Read,

    /// <summary>Stores reach the file.</summary>
    Writable,

    /// <summary>Stores stay with this process: a page that is stored into becomes a copy of its own.</summary>
    Private,
}

sealed unsafe class FileMapping : SafeHandle
{
    readonly long _length;
    readonly MemoryMappedFile? _managed;
    readonly MemoryMappedViewAccessor? _view;

    FileMapping(byte* memory, long length, MemoryMappedFile? managed, MemoryMappedViewAccessor? view) : base(0, ownsHandle: true)
    {
        _length = length;
        _managed = managed;
        _view = view;
        SetHandle((nint)memory);
    }

    public override bool IsInvalid => handle == 0;

    public byte* Memory => (byte*)handle;

    /// <summary>Null if this file cannot be mapped (too many mappings, no address space, a file system without mappings, an empty
    /// file).</summary>
    public static FileMapping? TryCreate(SafeFileHandle file, long length, MappingKind kind, bool native)
    {
        if (length <= 0) return null;
        if (native && LibC.IsAvailable)
        {
            var memory = kind == MappingKind.Private ? LibC.MapPrivate(file, length, out _) : LibC.Map(file, length, kind == MappingKind.Writable, out _);
            return memory is null ? null : new FileMapping(memory, length, null, null);
        }
        MemoryMappedFile? managed = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            var access = kind switch
            {
                MappingKind.Read => MemoryMappedFileAccess.Read,
                MappingKind.Writable => MemoryMappedFileAccess.ReadWrite,
                _ => MemoryMappedFileAccess.CopyOnWrite,
            };
            managed = MemoryMappedFile.CreateFromFile(file, null, length, access, HandleInheritability.None, leaveOpen: true);
            view = managed.CreateViewAccessor(0, length, access);
            byte* memory = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref memory);
            return new FileMapping(memory + view.PointerOffset, length, managed, view);
        }
        catch (Exception e) when (DiskErrors.Is(e))
        {
            view?.Dispose();
            managed?.Dispose();
            return null;
        }
    }

    /// <summary>Tells the kernel not to read ahead: neighbours of a block that was asked for are rarely wanted.</summary>
    public void AdviseRandom()
    {
        if (_view is null) _ = LibC.Advise(Memory, _length, LibC.MadviseRandom);
    }

    /// <summary>Asks for large pages of the page cache. Providing them costs half of what small ones cost, and storing again after the kernel
    /// wrote them to the disk a tenth (measured on ext4, Linux 6.18). Where there are none the advice is without effect.</summary>
    public void PreferLargePages()
    {
        if (_view is null && OperatingSystem.IsLinux()) _ = LibC.Advise(Memory, _length, LibC.MadviseHugePage);
    }

    /// <summary>Makes the pages of [start, end) present and, for a writable mapping, storable without a fault.</summary>
    /// <returns>0, or an errno if the kernel cannot provide them. Where it cannot be asked (before Linux 5.14, other systems) pages are
    /// read one by one, which is only safe over allocated space.</returns>
    public int Populate(long start, long end, bool writable)
    {
        if (start >= end) return 0;
        var taken = false;
        try
        {
            DangerousAddRef(ref taken);     // others may dispose meanwhile
            var page = (long)Environment.SystemPageSize;
            var first = start / page * page;
            if (_view is null && OperatingSystem.IsLinux())
            {
                var error = LibC.Advise(Memory + first, end - first, writable ? LibC.MadvisePopulateWrite : LibC.MadvisePopulateRead);
                if (error != LibC.Invalid) return error;
            }
            for (var offset = first; offset < end; offset += page)
            {
                // A store that changes nothing, atomic because a writer may be storing there. A mapped page is whole, also the last one.
                if (writable) Interlocked.Or(ref *(int*)(Memory + offset), 0);
                else _ = Volatile.Read(ref *(Memory + offset));
            }
            return 0;
        }
        finally
        {
            if (taken) DangerousRelease();
        }
    }

    /// <summary>Hands dirty pages to the file where a sync of the file does not do it by itself. Throws what the view throws.</summary>
    public void Flush() => _view?.Flush();

    /// <summary>Writes the dirty pages of [start, end) to the disk, and past its cache: on Linux msync is fdatasync for a range
    /// (vfs_fsync_range). Elsewhere it is not; then do not call this.</summary>
    /// <returns>0 or an errno.</returns>
    public int SyncRange(long start, long end)
    {
        if (start >= end) return 0;
        var taken = false;
        try
        {
            DangerousAddRef(ref taken);     // others may dispose meanwhile
            var page = (long)Environment.SystemPageSize;
            var first = start / page * page;
            return LibC.SyncMapping(Memory + first, end - first);
        }
        finally
        {
            if (taken) DangerousRelease();
        }
    }

    protected override bool ReleaseHandle()
    {
        if (_view is null)
        {
            LibC.Unmap((byte*)handle, _length);
        }
        else
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _managed!.Dispose();
        }
        return true;
    }
}
