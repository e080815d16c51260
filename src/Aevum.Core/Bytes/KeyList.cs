namespace Aevum.Core.Bytes;

/// <summary>Where keys are put one behind the other (<see cref="PackedKeys"/>). Kept and used again, so that it allocates only while it grows.</summary>
public sealed class KeyList
{
    byte[] _bytes = new byte[1024];
    int[] _ends = new int[64];
    int _length;

    public int Count { get; private set; }

    /// <summary>Valid until the next change.</summary>
    public PackedKeys Packed => new(_bytes.AsSpan(0, _length), _ends.AsSpan(0, Count));

    public void Clear()
    {
        Count = 0;
        _length = 0;
    }

    public void Add(ReadOnlySpan<byte> key)
    {
        key.CopyTo(Reserve(key.Length));
        Take(key.Length);
    }

    /// <summary>Room for one more key, to be written before <see cref="Take"/>.</summary>
    public Span<byte> Reserve(int length)
    {
        if (_bytes.Length - _length < length) Array.Resize(ref _bytes, Math.Max(_length + length, 2 * _bytes.Length));
        if (Count == _ends.Length) Array.Resize(ref _ends, 2 * _ends.Length);
        return _bytes.AsSpan(_length, length);
    }

    /// <summary>Adds the key that was written where <see cref="Reserve"/> said.</summary>
    public void Take(int length)
    {
        _length += length;
        _ends[Count++] = _length;
    }
}
