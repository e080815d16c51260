using System.Buffers;

namespace Aevum.Core.Network;

/// <summary>Native memory as a <see cref="Memory{T}"/>, for callees that take nothing else and are done when they return.</summary>
sealed unsafe class NativeMemoryView : MemoryManager<byte>
{
    byte* _bytes;
    int _length;

    public ReadOnlyMemory<byte> Of(byte* bytes, int length)
    {
        _bytes = bytes;
        _length = length;
        return CreateMemory(length);
    }

    public override Span<byte> GetSpan() => new(_bytes, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_bytes + elementIndex);

    public override void Unpin() { }

    protected override void Dispose(bool disposing) { }
}
