// BitmapBuilder: a set of unsigned 32-bit numbers that changes; makes a Bitmap when asked.
//
// Under each key stands one slot in one of three states:
//   frozen   a container of a bitmap, shared, or one that a range made: the first change of one number thaws it
//   array    sorted values with room for more, up to 4,096
//   words    65,536 bits, from then on until it is empty
// Words are not made an array again when members go: ToBitmap finds the smallest form anyway.
//
// Always true: no slot is empty; keys rise. One thread at a time. Not here: operations of two sets, which are the bitmaps'.

using Aevum.Core.Errors;

namespace Aevum.Core.Bitmaps;

public sealed class BitmapBuilder
{
    readonly List<ushort> _keys = [];
    readonly List<BitmapSlot> _slots = [];
    int _last;   // index of the slot used last: neighbours are often asked for one after the other

    public BitmapBuilder()
    {
    }

    /// <summary>Starts with the members of <paramref name="bitmap"/>, sharing its memory until they change.</summary>
    public BitmapBuilder(Bitmap bitmap)
    {
        for (var i = 0; i < bitmap.Keys.Length; i++)
        {
            _keys.Add(bitmap.Keys[i]);
            _slots.Add(new(bitmap.Containers[i]));
            Count += bitmap.Containers[i].Count;
        }
    }

    /// <summary>How many members there are.</summary>
    public long Count { get; private set; }

    public bool Contains(uint value) => Find(value >> 16) is var at && at >= 0 && _slots[at].Contains((ushort)value);

    /// <returns>False if it was a member before.</returns>
    public bool Add(uint value)
    {
        var at = Find(value >> 16);
        if (at < 0)
        {
            Insert(~at, (ushort)(value >> 16), new((ushort)value));
            Count++;
            return true;
        }
        if (!_slots[at].Add((ushort)value)) return false;
        Count++;
        return true;
    }

    /// <returns>False if it was no member.</returns>
    public bool Remove(uint value)
    {
        var at = Find(value >> 16);
        if (at < 0 || !_slots[at].Remove((ushort)value)) return false;
        Count--;
        if (_slots[at].Count == 0) Delete(at, 1);
        return true;
    }

    /// <summary>Adds all numbers from <paramref name="first"/> to <paramref name="last"/>, both inclusive.</summary>
    public void AddRange(uint first, uint last)
    {
        if (first > last) Throw.Invalid($"the range from {first} to {last} ends before it begins");
        var range = Bitmap.Range(first, last);
        var at = LowerBound((ushort)(first >> 16));
        for (var i = 0; i < range.Keys.Length; i++, at++)
        {
            if (at == _keys.Count || _keys[at] != range.Keys[i]) Insert(at, range.Keys[i], new(range.Containers[i]));
            else Count -= _slots[at].Count;
            var slot = _slots[at];
            slot.AddRange(range.Containers[i].First, range.Containers[i].Last);
            Count += slot.Count;
        }
    }

    /// <summary>Removes all numbers from <paramref name="first"/> to <paramref name="last"/>, both inclusive.</summary>
    public void RemoveRange(uint first, uint last)
    {
        if (first > last) Throw.Invalid($"the range from {first} to {last} ends before it begins");
        for (var at = LowerBound((ushort)(first >> 16)); at < _keys.Count && _keys[at] <= last >> 16;)
        {
            var slot = _slots[at];
            Count -= slot.Count;
            slot.RemoveRange(_keys[at] == first >> 16 ? (ushort)first : (ushort)0, _keys[at] == last >> 16 ? (ushort)last : ushort.MaxValue);
            Count += slot.Count;
            if (slot.Count == 0) Delete(at, 1);
            else at++;
        }
    }

    public void Clear()
    {
        _keys.Clear();
        _slots.Clear();
        Count = 0;
    }

    /// <summary>The members as they are now. The builder goes on and shares what it does not change.</summary>
    public Bitmap ToBitmap()
    {
        if (_keys.Count == 0) return Bitmap.Empty;
        var containers = new Container[_keys.Count];
        for (var i = 0; i < containers.Length; i++) containers[i] = _slots[i].Freeze();
        return new([.. _keys], containers);
    }

    int Find(uint key)
    {
        if (_last < _keys.Count && _keys[_last] == key) return _last;
        // Most sets grow at their end.
        if (_keys.Count == 0 || _keys[^1] < key) return ~_keys.Count;
        var at = _keys.BinarySearch((ushort)key);
        if (at >= 0) _last = at;
        return at;
    }

    int LowerBound(ushort key) => _keys.BinarySearch(key) is var at && at < 0 ? ~at : at;

    void Insert(int at, ushort key, BitmapSlot slot)
    {
        _keys.Insert(at, key);
        _slots.Insert(at, slot);
        _last = at;
    }

    void Delete(int at, int count)
    {
        _keys.RemoveRange(at, count);
        _slots.RemoveRange(at, count);
    }
}
