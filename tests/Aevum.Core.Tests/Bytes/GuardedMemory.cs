// GuardedMemory: bytes with an unreadable page right before or right after them, so that the first access outside ends the test process
// instead of passing unseen. Linux only; elsewhere plain memory, which still holds the bytes but catches nothing.

using System.Runtime.InteropServices;

namespace Aevum.Core.Tests.Bytes;

sealed unsafe class GuardedMemory : IDisposable
{
    const int PageBytes = 4096, ReadWrite = 3, PrivateAnonymous = 0x22;

    readonly byte* _all;
    readonly int _pages;

    public GuardedMemory(int capacity)
    {
        _pages = ((capacity + PageBytes - 1) / PageBytes) + 2;
        var length = (nuint)(_pages * PageBytes);
        if (!OperatingSystem.IsLinux() || Environment.SystemPageSize != PageBytes)
        {
            _all = (byte*)NativeMemory.AllocZeroed(length);
            return;
        }
        var map = (delegate* unmanaged<void*, nuint, int, int, int, nint, byte*>)NativePeer.Function("libc.so.6", "mmap");
        var protect = (delegate* unmanaged<void*, nuint, int, int>)NativePeer.Function("libc.so.6", "mprotect");
        _all = map(null, length, ReadWrite, PrivateAnonymous, -1, 0);
        Assert.NotEqual(-1, (nint)_all);
        Assert.Equal(0, protect(_all, PageBytes, 0));
        Assert.Equal(0, protect(_all + ((_pages - 1) * PageBytes), PageBytes, 0));
    }

    /// <summary>The last <paramref name="length"/> bytes before the unreadable page: catches what goes beyond the end.</summary>
    public Span<byte> AtEnd(int length) => new(_all + ((_pages - 1) * PageBytes) - length, length);

    /// <summary>The first <paramref name="length"/> bytes after the unreadable page: catches what goes below the start.</summary>
    public Span<byte> AtStart(int length) => new(_all + PageBytes, length);

    public Span<byte> CopyAtEnd(ReadOnlySpan<byte> bytes)
    {
        var copy = AtEnd(bytes.Length);
        bytes.CopyTo(copy);
        return copy;
    }

    public void Dispose()
    {
        if (!OperatingSystem.IsLinux() || Environment.SystemPageSize != PageBytes)
        {
            NativeMemory.Free(_all);
            return;
        }
        var unmap = (delegate* unmanaged<void*, nuint, int>)NativePeer.Function("libc.so.6", "munmap");
        Assert.Equal(0, unmap(_all, (nuint)(_pages * PageBytes)));
    }
}
