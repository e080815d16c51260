// Operations of two bitmaps: the keys are merged; containers under a key of one alone are shared or dropped as a whole, those under a key
// of both are combined (ContainerOperations).

namespace Aevum.Core.Bitmaps;

public sealed partial class Bitmap
{
    /// <summary>Members of both.</summary>
    public Bitmap And(Bitmap other) => Combine<And>(this, other);

    /// <summary>Members of either.</summary>
    public Bitmap Or(Bitmap other) => Combine<Or>(this, other);

    /// <summary>Members of one, not of both.</summary>
    public Bitmap Xor(Bitmap other) => Combine<Xor>(this, other);

    /// <summary>Members of this one that are not of the other.</summary>
    public Bitmap AndNot(Bitmap other) => Combine<AndNot>(this, other);

    /// <summary>Within the range, both ends inclusive, members for what was none and the other way round; outside as it was.</summary>
    public Bitmap Flip(uint first, uint last) => Xor(Range(first, last));

    /// <summary>How many members are in both, without making the bitmap of them.</summary>
    public long CountCommon(Bitmap other)
    {
        long count = 0;
        int l = 0, r = 0;
        while (l < _keys.Length && r < other._keys.Length)
        {
            if (_keys[l] < other._keys[r]) l++;
            else if (_keys[l] > other._keys[r]) r++;
            else count += ContainerOperations.CountCommon(_containers[l++], other._containers[r++]);
        }
        return count;
    }

    /// <summary>Whether a number is in both.</summary>
    public bool Overlaps(Bitmap other)
    {
        int l = 0, r = 0;
        while (l < _keys.Length && r < other._keys.Length)
        {
            if (_keys[l] < other._keys[r]) l++;
            else if (_keys[l] > other._keys[r]) r++;
            else if (ContainerOperations.CountCommon(_containers[l++], other._containers[r++]) > 0) return true;
        }
        return false;
    }

    /// <summary>Whether every member is also the other's.</summary>
    public bool IsSubsetOf(Bitmap other) => CountCommon(other) == Count;

    static Bitmap Combine<TOperation>(Bitmap left, Bitmap right) where TOperation : struct, ISetOperation
    {
        var countMax = TOperation.KeepsRight ? left._keys.Length + right._keys.Length
            : TOperation.KeepsLeft ? left._keys.Length : Math.Min(left._keys.Length, right._keys.Length);
        var keys = new ushort[Math.Min(countMax, KeyCountMax)];
        var containers = new Container[keys.Length];
        int l = 0, r = 0, count = 0;
        while (l < left._keys.Length || r < right._keys.Length)
        {
            var a = l < left._keys.Length ? left._keys[l] : KeyCountMax;
            var b = r < right._keys.Length ? right._keys[r] : KeyCountMax;
            var key = (ushort)Math.Min(a, b);
            if (a < b)
            {
                if (TOperation.KeepsLeft) (keys[count], containers[count++]) = (key, left._containers[l]);
                l++;
            }
            else if (b < a)
            {
                if (TOperation.KeepsRight) (keys[count], containers[count++]) = (key, right._containers[r]);
                r++;
            }
            else if (ContainerOperations.TryCombine<TOperation>(left._containers[l++], right._containers[r++], out var combined))
            {
                (keys[count], containers[count++]) = (key, combined);
            }
        }
        if (count == 0) return Empty;
        return count == keys.Length ? new(keys, containers) : new(keys[..count], containers[..count]);
    }
}
