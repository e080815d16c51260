// IvfScratch: the memory of one search or insertion, in one native block, kept for the next. Allocates nothing once it is large enough.

namespace Aevum.Vectors.Ivf;

sealed unsafe class IvfScratch(MemoryBudget budget) : IDisposable
{
    NativeBlock? _block;
    long _used;

    /// <summary>Starts anew with room for so many bytes: for each piece that is taken its <see cref="NativeBlock.Room"/>.</summary>
    public void Begin(long bytes)
    {
        _used = 0;
        if (_block is not null && _block.Bytes >= bytes) return;
        _block?.Dispose();
        _block = null;
        _block = new(bytes, budget);
    }

    public byte* Take(long bytes)
    {
        var taken = _block!.Pointer + _used;
        _used += NativeBlock.Room(bytes);
        System.Diagnostics.Debug.Assert(_used <= _block.Bytes, "less was asked for than is taken");
        return taken;
    }

    public void Dispose()
    {
        _block?.Dispose();
        _block = null;
    }
}
