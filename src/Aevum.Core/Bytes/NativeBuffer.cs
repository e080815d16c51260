// NativeBuffer: bytes outside of the managed heap that grow as they are written. For what is large, long-lived or handed to pointers: the
// collector neither moves, scans nor copies them. Starts and grows on 64-byte boundaries, so that a cache line or a vector is never split.
//
// Always true: (1) [0, Length) was written or set by the caller, the rest of the capacity is garbage; (2) growing may move the bytes:
// a pointer or span is good until the next call that grows, or Dispose; (3) memory is freed once, by Dispose or by the finalizer.
// Whoever holds a pointer or span keeps the buffer itself reachable too (a field, or GC.KeepAlive): the finalizer looks at references only.
//
// One thread at a time. Not here: many small allocations freed together (memtables bring their arenas).

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Core.Errors;

namespace Aevum.Core.Bytes;

public sealed unsafe class NativeBuffer : IDisposable
{
    public const int Alignment = 64;

    byte* _memory;
    long _length;
    long _capacity;

    /// <param name="capacity">Bytes to hold without growing. 0 allocates nothing yet.</param>
    public NativeBuffer(long capacity = 0)
    {
        if (capacity < 0) Throw.Invalid("a buffer's capacity is negative");
        if (capacity > 0) Grow(capacity);
    }

    ~NativeBuffer() => Free();

    /// <summary>The first byte; null while the capacity is 0.</summary>
    public byte* Pointer => _memory;

    /// <summary>How many bytes count as written.</summary>
    public long Length => _length;

    public long Capacity => Math.Max(_capacity, 0);

    /// <summary>What was written.</summary>
    /// <exception cref="AevumException">LimitExceeded: the length does not fit in a span; use <see cref="Pointer"/>.</exception>
    public Span<byte> Span
    {
        get
        {
            if (_length > int.MaxValue) Throw.Limit("the length of a span", _length, int.MaxValue);
            return new Span<byte>(_memory, (int)_length);
        }
    }

    /// <summary>Room for at least <paramref name="bytes"/> more bytes, to be counted by <see cref="Advance"/> once they are
    /// written.</summary>
    public Span<byte> GetSpan(int bytes)
    {
        if (bytes < 0) Throw.Invalid("the room asked for is negative");
        EnsureRoom(bytes);
        return new Span<byte>(_memory + _length, (int)Math.Min(_capacity - _length, int.MaxValue));
    }

    /// <summary>Counts <paramref name="bytes"/> bytes as written. They must lie within the capacity.</summary>
    public void Advance(long bytes)
    {
        if (bytes < 0 || bytes > _capacity - _length) Throw.Invalid($"cannot advance by {bytes} bytes from {_length} of {_capacity}");
        _length += bytes;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        EnsureRoom(bytes.Length);
        bytes.CopyTo(new Span<byte>(_memory + _length, bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Cuts the buffer to <paramref name="length"/> bytes or extends it by bytes of any content. Keeps the memory.</summary>
    public void SetLength(long length)
    {
        if (length < 0) Throw.Invalid("a buffer's length is negative");
        if (length > _length) EnsureRoom(length - _length);
        _length = length;
    }

    /// <summary>Makes the capacity at least <paramref name="capacity"/>.</summary>
    public void EnsureCapacity(long capacity)
    {
        if (capacity > _length) EnsureRoom(capacity - _length);
    }

    public void Dispose()
    {
        Free();
        _length = 0;
        _capacity = -1;   // nothing fits any more, so every write ends in Grow, which refuses
        GC.SuppressFinalize(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void EnsureRoom(long bytes)
    {
        if (bytes > _capacity - _length) Grow(bytes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void Grow(long bytes)
    {
        if (_capacity < 0) Throw.Closed("the buffer");
        var needed = checked(_length + bytes);
        var capacity = Math.Max(needed, Math.Min(_capacity * 2, long.MaxValue / 2));
        capacity = checked(capacity + Alignment - 1) & -Alignment;
        _memory = (byte*)NativeMemory.AlignedRealloc(_memory, checked((nuint)capacity), Alignment);
        _capacity = capacity;
    }

    void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
