using System.Buffers;

namespace Aevum.Server.Admin;

/// <summary>A page that is put together in memory that others have used before and will use again.</summary>
sealed class PooledPage : IBufferWriter<byte>, IDisposable
{
    const int BytesAtFirst = 64 << 10;

    byte[] _bytes = ArrayPool<byte>.Shared.Rent(BytesAtFirst);
    int _length;

    /// <summary>Valid until it is disposed.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _bytes.AsSpan(_length);
    }

    void MakeRoom(int bytes)
    {
        bytes = Math.Max(bytes, 256);
        if (_bytes.Length - _length >= bytes) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(2 * _bytes.Length, _length + bytes));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }

    public void Dispose()
    {
        var bytes = _bytes;
        (_bytes, _length) = ([], 0);
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
    }
}
