// BitmapEnumerator: a walk through the members in rising order, one by one, many at a time, or leaping ahead. Allocates nothing.
//
// Always true: (1) the members passed are those under the keys before _key and, under it, those below _next; (2) _hint fits _next: of an array it
// is the index of the first value at or after _next, of runs the index of the first pair that ends at or after it.

using System.Numerics;

namespace Aevum.Core.Bitmaps;

public struct BitmapEnumerator
{
    readonly Bitmap _bitmap;
    int _key;        // index of the key we stand in; the number of keys: behind the end
    int _next;       // 0 to 65,536
    int _hint;
    uint _current;

    internal BitmapEnumerator(Bitmap bitmap) => _bitmap = bitmap;

    /// <summary>The member we stand on, after <see cref="MoveNext"/> or <see cref="SkipTo"/> said true.</summary>
    public readonly uint Current => _current;

    /// <returns>False if there is no further member.</returns>
    public bool MoveNext()
    {
        while (_key < _bitmap.Keys.Length)
        {
            var low = NextIn(_bitmap.Containers[_key]);
            if (low >= 0)
            {
                _current = Bitmap.Join(_bitmap.Keys[_key], (ushort)low);
                return true;
            }
            Enter(_key + 1, 0);
        }
        return false;
    }

    /// <summary>Moves to the first member at or after <paramref name="value"/>, but never back: a member that was passed is not seen again.</summary>
    /// <returns>False if there is no such member.</returns>
    public bool SkipTo(uint value)
    {
        var at = _bitmap.Keys[_key..].BinarySearch((ushort)(value >> 16));
        if (at > 0 || (at == 0 && (ushort)value > _next)) Enter(_key + at, (ushort)value);
        else if (at < 0 && ~at > 0) Enter(_key + ~at, 0);
        return MoveNext();
    }

    /// <summary>The next members, as many as there are and fit.</summary>
    /// <returns>How many were written; fewer than fit: there are no more.</returns>
    public int Read(Span<uint> target)
    {
        var count = 0;
        while (_key < _bitmap.Keys.Length)
        {
            ref readonly var container = ref _bitmap.Containers[_key];
            var high = (uint)_bitmap.Keys[_key] << 16;
            count += container.Kind switch
            {
                ContainerKind.Array => ReadArray(container.Values, high, target[count..]),
                ContainerKind.Words => ReadWords(container.Words, high, target[count..]),
                _ => ReadRuns(container.Runs, high, target[count..]),
            };
            if (count == target.Length) return count;
            Enter(_key + 1, 0);
        }
        return count;
    }

    int NextIn(in Container container)
    {
        switch (container.Kind)
        {
            case ContainerKind.Array:
                if (_hint == container.Values.Length) return -1;
                var value = container.Values[_hint++];
                _next = value + 1;
                return value;
            case ContainerKind.Words:
                var low = Container.NextInWords(container.Words, _next);
                if (low >= 0) _next = low + 1;
                return low;
            default:
                var runs = container.Runs;
                if (_hint == runs.Length) return -1;
                var member = Math.Max(_next, runs[_hint]);
                _next = member + 1;
                if (member == runs[_hint + 1]) _hint += 2;
                return member;
        }
    }

    void Enter(int key, ushort low)
    {
        (_key, _next, _hint) = (key, low, 0);
        if (low == 0) return;
        ref readonly var container = ref _bitmap.Containers[key];
        if (container.Kind == ContainerKind.Array) _hint = Container.LowerBound(container.Values, low);
        else if (container.Kind == ContainerKind.Runs) _hint = 2 * container.RunAtOrAfter(low);
    }

    int ReadArray(ReadOnlySpan<ushort> values, uint high, Span<uint> target)
    {
        var taken = Math.Min(values.Length - _hint, target.Length);
        for (var i = 0; i < taken; i++) target[i] = high | values[_hint + i];
        _hint += taken;
        if (taken > 0) _next = values[_hint - 1] + 1;
        return taken;
    }

    int ReadWords(ReadOnlySpan<ulong> words, uint high, Span<uint> target)
    {
        var count = 0;
        var mask = ulong.MaxValue << _next;   // shifts count modulo 64
        for (var at = _next >> 6; at < Container.WordCount; at++, mask = ulong.MaxValue)
        {
            for (var word = words[at] & mask; word != 0; word &= word - 1)
            {
                if (count == target.Length) return count;
                var low = (at * 64) + BitOperations.TrailingZeroCount(word);
                _next = low + 1;
                target[count++] = high | (uint)low;
            }
        }
        return count;
    }

    int ReadRuns(ReadOnlySpan<ushort> runs, uint high, Span<uint> target)
    {
        var count = 0;
        for (; _hint < runs.Length; _hint += 2)
        {
            _next = Math.Max(_next, runs[_hint]);
            while (_next <= runs[_hint + 1])
            {
                if (count == target.Length) return count;
                target[count++] = high | (uint)_next++;
            }
        }
        return count;
    }
}
