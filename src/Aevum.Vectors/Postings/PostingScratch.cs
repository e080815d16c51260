// PostingScratch: the memory of one search, kept for the next: so a search allocates nothing once there are as many scratches as searches at a time.

using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Postings;

sealed unsafe class PostingScratch(MemoryBudget budget) : IDisposable
{
    NativeBlock? _memory, _distances;
    VectorMatch[] _matches = new VectorMatch[64];
    uint[] _numbers = new uint[64];

    public PostingBytes Bytes { get; } = new(budget);

    /// <summary>Ids that were near enough, numbered as they came.</summary>
    public IdNumbers Ids { get; } = new();

    public byte* Memory(long bytes) => Ensure(ref _memory, bytes);

    public float* Distances(int count) => (float*)Ensure(ref _distances, (count + 4L) * sizeof(float));

    public Span<VectorMatch> Matches(int count)
    {
        if (count > _matches.Length) _matches = new VectorMatch[count * 2];
        return _matches.AsSpan(0, count);
    }

    public uint[] Numbers(int count)
    {
        if (count > _numbers.Length) _numbers = new uint[count * 2];
        return _numbers;
    }

    public void Dispose()
    {
        _memory?.Dispose();
        _distances?.Dispose();
        Bytes.Dispose();
    }

    byte* Ensure(ref NativeBlock? block, long bytes)
    {
        if (block is not null && block.Bytes >= bytes) return block.Pointer;
        var larger = new NativeBlock(Math.Max(4096, bytes * 2), budget);
        block?.Dispose();
        block = larger;
        return larger.Pointer;
    }
}

/// <summary>A set of ids that numbers them from 0; cleared at no cost.</summary>
sealed class IdNumbers
{
    ulong[] _ids = new ulong[256];
    int[] _places = new int[1024];
    int[] _stamps = new int[1024];
    int _stamp = 1;
    int _count;

    public ulong this[uint number] => _ids[number];

    public void Clear()
    {
        _count = 0;
        if (++_stamp != int.MaxValue) return;
        Array.Clear(_stamps);
        _stamp = 1;
    }

    /// <returns>False: it was there.</returns>
    public bool TryAdd(ulong id, out uint number)
    {
        var at = Find(id);
        number = (uint)_count;
        if (_stamps[at] == _stamp) return false;
        if (_count == _ids.Length) Array.Resize(ref _ids, _count * 2);
        _ids[_count++] = id;
        (_stamps[at], _places[at]) = (_stamp, (int)number);
        if (_count * 2 > _places.Length) Rehash();
        return true;
    }

    int Find(ulong id)
    {
        var mask = _places.Length - 1;
        var at = (int)((id * 0x9E3779B97F4A7C15) >> 40) & mask;
        while (_stamps[at] == _stamp && _ids[_places[at]] != id) at = (at + 1) & mask;
        return at;
    }

    void Rehash()
    {
        _places = new int[_places.Length * 4];
        _stamps = new int[_places.Length];
        _stamp = 1;
        for (var i = 0; i < _count; i++)
        {
            var at = Find(_ids[i]);
            (_stamps[at], _places[at]) = (_stamp, i);
        }
    }
}

/// <summary>Scratches that nobody uses at the moment.</summary>
sealed class PostingScratches(MemoryBudget budget) : IDisposable
{
    readonly Lock _gate = new();
    readonly Stack<PostingScratch> _free = new();

    public PostingScratch Rent()
    {
        lock (_gate)
            if (_free.TryPop(out var scratch)) return scratch;
        return new(budget);
    }

    public void Return(PostingScratch scratch)
    {
        lock (_gate) _free.Push(scratch);
    }

    /// <summary>None is lent out any more.</summary>
    public void Dispose()
    {
        while (_free.TryPop(out var scratch)) scratch.Dispose();
    }
}
