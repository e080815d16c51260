// BitmapSlot: what a builder holds under one key. States and their changes: BitmapBuilder.cs.

using System.Numerics;

namespace Aevum.Core.Bitmaps;

sealed class BitmapSlot
{
    const int FirstCapacity = 8;

    Container _frozen;
    ushort[]? _values;   // an array, its first Count values; null in the other states
    ulong[]? _words;     // words; null in the other states

    public BitmapSlot(in Container frozen) => (_frozen, Count) = (frozen, frozen.Count);

    public BitmapSlot(ushort value)
    {
        _values = new ushort[FirstCapacity];
        _values[0] = value;
        Count = 1;
    }

    public int Count { get; private set; }

    public bool Contains(ushort value)
    {
        if (_words is not null) return (_words[value >> 6] >> value & 1) != 0;
        return _values is null ? _frozen.Contains(value) : IndexOf(value) >= 0;
    }

    public bool Add(ushort value)
    {
        if (_values is null && _words is null)
        {
            if (_frozen.Contains(value)) return false;
            Thaw();
        }
        if (_values is null)
        {
            ref var word = ref _words![value >> 6];
            if ((word >> value & 1) != 0) return false;
            word |= 1UL << value;
            Count++;
            return true;
        }
        var at = Count == 0 || _values[Count - 1] < value ? ~Count : IndexOf(value);
        if (at >= 0) return false;
        if (Count == Container.ArrayCountMax)
        {
            ToWords();
            return Add(value);
        }
        if (Count == _values.Length) Array.Resize(ref _values, Math.Min(Count * 2, Container.ArrayCountMax));
        _values.AsSpan(~at, Count - ~at).CopyTo(_values.AsSpan(~at + 1));
        _values[~at] = value;
        Count++;
        return true;
    }

    public bool Remove(ushort value)
    {
        if (!Contains(value)) return false;
        if (_values is null && _words is null) Thaw();
        Count--;
        if (_values is null)
        {
            _words![value >> 6] &= ~(1UL << value);
            return true;
        }
        var at = _values.AsSpan(0, Count + 1).BinarySearch(value);
        _values.AsSpan(at + 1, Count - at).CopyTo(_values.AsSpan(at));
        return true;
    }

    public void AddRange(ushort first, ushort last)
    {
        if (first == 0 && last == ushort.MaxValue)
        {
            (_frozen, _values, _words, Count) = (Container.Full, null, null, Container.ChunkSize);
            return;
        }
        if (IsFrozenRange(first, last)) return;
        ToWords();
        Count += last - first + 1 - WordRange.Count(_words, first, last);
        WordRange.Set(_words, first, last);
    }

    public void RemoveRange(ushort first, ushort last)
    {
        if (first == 0 && last == ushort.MaxValue)
        {
            Count = 0;
            return;
        }
        ToWords();
        Count -= WordRange.Count(_words, first, last);
        WordRange.Clear(_words, first, last);
    }

    /// <summary>The members as a container, which the slot shares from now on.</summary>
    public Container Freeze()
    {
        if (_words is not null) ContainerForms.TryFromWords(_words, out _frozen);
        else if (_values is not null) ContainerForms.TryFromValues(_values.AsSpan(0, Count), out _frozen);
        (_values, _words) = (null, null);
        return _frozen;
    }

    // A range that is added under a new key is there already.
    bool IsFrozenRange(ushort first, ushort last) =>
        _values is null && _words is null && _frozen.Count == last - first + 1 && _frozen.First == first && _frozen.Last == last;

    int IndexOf(ushort value) => _values.AsSpan(0, Count).BinarySearch(value);

    void Thaw()
    {
        if (_frozen.Kind != ContainerKind.Array)
        {
            ToWords();
            return;
        }
        _values = new ushort[Math.Max(BitOperations.RoundUpToPowerOf2((uint)Count), FirstCapacity)];
        _frozen.Values.CopyTo(_values);
    }

    [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_words))]
    void ToWords()
    {
        if (_words is not null) return;
        _words = new ulong[Container.WordCount];
        if (_values is null)
        {
            _frozen.SetBits(_words);
            return;
        }
        foreach (var value in _values.AsSpan(0, Count)) _words[value >> 6] |= 1UL << value;
        _values = null;
    }
}
