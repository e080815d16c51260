// ChannelInput: what a handler has not taken yet, in one piece. In most turns that is nothing, and then there is no memory either.

using System.Runtime.InteropServices;
using Aevum.Core.Errors;

namespace Aevum.Core.Network;

unsafe struct ChannelInput
{
    const int CapacityMin = 256;

    byte* _bytes;
    int _start, _end, _capacity;

    public readonly int Length => _end - _start;

    public readonly int Capacity => _capacity;

    public readonly byte* Bytes => _bytes + _start;

    public readonly ReadOnlySpan<byte> Span => new(_bytes + _start, _end - _start);

    /// <summary>Room for at least so many bytes at the end.</summary>
    /// <param name="bytes">At least 1.</param>
    /// <param name="total">If more in all are known to come.</param>
    public Span<byte> GetRoom(int bytes, long total = 0)
    {
        if (_capacity - _end < bytes)
        {
            var needed = (long)Length + bytes;
            if (needed > int.MaxValue) Throw.Limit("the length of a request", needed, int.MaxValue);
            if (_capacity >= 2 * needed)
            {
                Span.CopyTo(new Span<byte>(_bytes, _capacity));
            }
            else
            {
                var capacity = Math.Min(Math.Max(Math.Max(2 * needed, CapacityMin), Math.Min(total, 16 << 20)), int.MaxValue);
                var grown = (byte*)NativeMemory.Alloc((nuint)capacity);
                Span.CopyTo(new Span<byte>(grown, (int)capacity));
                NativeMemory.Free(_bytes);
                _bytes = grown;
                _capacity = (int)capacity;
            }
            (_start, _end) = (0, Length);
        }
        return new Span<byte>(_bytes + _end, _capacity - _end);
    }

    public void Advance(int bytes) => _end += bytes;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        bytes.CopyTo(GetRoom(bytes.Length));
        Advance(bytes.Length);
    }

    /// <summary>So many bytes were taken. When nothing is left the memory goes; when little is left of much, too.</summary>
    public void Take(int bytes)
    {
        _start += bytes;
        if (_start == _end) Free();
        else if (_capacity > 64 << 10 && Length < _capacity / 16) Shrink();
    }

    public void Free()
    {
        NativeMemory.Free(_bytes);
        this = default;
    }

    void Shrink()
    {
        var capacity = Math.Max(Length, CapacityMin);
        var shrunk = (byte*)NativeMemory.Alloc((nuint)capacity);
        Span.CopyTo(new Span<byte>(shrunk, capacity));
        NativeMemory.Free(_bytes);
        _bytes = shrunk;
        (_start, _end, _capacity) = (0, Length, capacity);
    }
}
