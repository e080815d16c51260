// KeyShape: ways to make up keys, each hard on another part of the tree.

using System.Buffers.Binary;
using System.Text;
using Aevum.Core.Scheduling;

namespace Aevum.Storage.Tests.Memtables;

public enum KeyShape
{
    /// <summary>Zero to twelve random bytes.</summary>
    RandomBinary,

    /// <summary>Zero to six bytes out of {0, 1, 255}: keys that are prefixes of each other, trailing zeros, the greatest word.</summary>
    FewBytes,

    /// <summary>14 common bytes and six digits, in random order.</summary>
    CommonPrefix,

    /// <summary>The same, rising.</summary>
    Rising,

    /// <summary>The same, falling.</summary>
    Falling,

    /// <summary>Long common prefixes that part early, in the middle and late.</summary>
    LongPrefixes,

    /// <summary>Two ids of four bytes and a name: several keyspaces in one tree.</summary>
    Keyspaces,

    /// <summary>Many runs of rising keys, each in its own stretch of the key space.</summary>
    InterleavedRuns,

    /// <summary>Words that tie by the hundred: equal in sixteen bytes, told apart only behind them.</summary>
    TiedWords,

    /// <summary>A few hundred rows of sixteen random bytes, each with a handful of elements whose names share a beginning.</summary>
    Localities,

    /// <summary>A few objects, each a head and elements behind sixteen more common bytes, added at either end; the heads come again and again.</summary>
    Growing,

    /// <summary>Up to 64 KiB of mostly equal bytes.</summary>
    Huge,
}

sealed class KeySource(KeyShape shape, ulong seed)
{
    readonly SeededRandom _random = new(seed);
    readonly int[] _runs = new int[20];
    int _counter = 500_000;

    public byte[] Next()
    {
        switch (shape)
        {
            case KeyShape.RandomBinary:
                return Random(_random.Next(13));
            case KeyShape.FewBytes:
                var few = new byte[_random.Next(7)];
                for (var i = 0; i < few.Length; i++) few[i] = (byte)(_random.Next(3) switch { 0 => 0, 1 => 1, _ => 255 });
                return few;
            case KeyShape.CommonPrefix:
                return Encoding.ASCII.GetBytes($"key00000000000{_random.Next(1_000_000):000000}");
            case KeyShape.Rising:
                return Encoding.ASCII.GetBytes($"key00000000000{_counter++:000000}");
            case KeyShape.Falling:
                return Encoding.ASCII.GetBytes($"key00000000000{_counter--:000000}");
            case KeyShape.LongPrefixes:
                var length = 40 + _random.Next(3) * 17;
                var part = _random.Next(3) switch { 0 => _random.Next(4), 1 => length / 2, _ => length - 3 };
                var longKey = Enumerable.Repeat((byte)'p', length).ToArray();
                longKey[part] = (byte)_random.Next(256);
                longKey[length - 1] = (byte)_random.Next(256);
                return longKey;
            case KeyShape.Keyspaces:
                var key = new byte[8 + 6 + _random.Next(3)];
                BinaryPrimitives.WriteUInt32BigEndian(key, 1);
                BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(4), (uint)_random.Next(5));
                Encoding.ASCII.GetBytes($"{_random.Next(4000):000000}").CopyTo(key, 8);
                return key;
            case KeyShape.InterleavedRuns:
                var run = _random.Next(_runs.Length);
                return Encoding.ASCII.GetBytes($"entity{run:00}:event:{_runs[run]++:00000000}");
            case KeyShape.TiedWords:
                return Encoding.ASCII.GetBytes($"{(char)('a' + _random.Next(3))}same-same-same-same{_random.Next(300):000}{new string('\0', _random.Next(3))}");
            case KeyShape.Localities:
                var row = new byte[16];
                new SeededRandom((ulong)_random.Next(500)).Fill(row);
                var element = _random.Next(3) switch { 0 => $"element:{_random.Next(60):00}", 1 => $"element:long-name:{_random.Next(60):00}", _ => "" };
                return [.. row, .. Encoding.ASCII.GetBytes(element)];
            case KeyShape.Growing:
                // An object for a while, then the next: runs, as one batch after another brings them.
                var name = Encoding.ASCII.GetBytes($"object{_counter++ / 50 % 3}");
                if (_random.OneIn(8)) return name;
                var at = new byte[8];
                BinaryPrimitives.WriteInt64BigEndian(at, _random.OneIn(5) ? 1_000_000 + _runs[0]++ : 1_000_000 - _runs[1]++);
                return [.. name, .. "incarnation-00-1"u8, .. at];
            case KeyShape.Huge:
                var huge = new byte[_random.OneIn(10) ? 65536 - _random.Next(3) : _random.Next(200)];
                if (huge.Length > 0) huge[_random.Next(huge.Length)] = (byte)_random.Next(256);
                return huge;
            default:
                throw new ArgumentOutOfRangeException(nameof(shape));
        }
    }

    byte[] Random(int length)
    {
        var key = new byte[length];
        _random.Fill(key);
        return key;
    }
}
