using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Aevum.Storage.Tables;

/// <summary>Bytes outside the managed heap that grow by doubling and are kept for reuse. Not thread safe; a struct so that it costs no
/// object.</summary>
/// <remarks>The memory is not zeroed. <see cref="SlackBytes"/> bytes beyond the capacity may be written, so that copies can go in whole
/// words; pointers into it are good until the next <see cref="Reserve"/>. It is Core's NativeBuffer without the object, the finalizer and
/// the checks: a field of what runs for every entry.</remarks>
unsafe struct GrowingBytes : IDisposable
{
    public const int SlackBytes = 64;
    const int Alignment = 64;

    public byte* Start;
    public long Length;
    long _capacity;

    /// <summary>Bytes that fit without growing.</summary>
    public readonly long Capacity => _capacity;

    public readonly ReadOnlySpan<byte> Span => new(Start, checked((int)Length));

    /// <summary>Makes room for <paramref name="more"/> bytes after <see cref="Length"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Reserve(long more)
    {
        if (Length + more > _capacity) Grow(Length + more);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void Grow(long needed)
    {
        var capacity = Math.Max(Math.Max(needed, 2 * _capacity), 256);
        Start = (byte*)NativeMemory.AlignedRealloc(Start, (nuint)(capacity + SlackBytes), Alignment);
        _capacity = capacity;
    }

    public void Append(byte* bytes, long length)
    {
        Reserve(length);
        Buffer.MemoryCopy(bytes, Start + Length, length, length);
        Length += length;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes) Append(start, bytes.Length);
    }

    public void Append<T>(T value) where T : unmanaged
    {
        Reserve(sizeof(T));
        Unsafe.WriteUnaligned(Start + Length, value);
        Length += sizeof(T);
    }

    /// <summary>The i-th of the values of one type that the buffer holds.</summary>
    public readonly ref T At<T>(long i) where T : unmanaged
    {
        Debug.Assert(i >= 0 && (i + 1) * sizeof(T) <= Length);
        return ref ((T*)Start)[i];
    }

    public void Clear() => Length = 0;

    public void Dispose()
    {
        NativeMemory.AlignedFree(Start);
        this = default;
    }
}
