// Glob: patterns of keys and channels: * any bytes, ? one, [abc] [a-z] [^a] one of a set, \x itself. Bytes, not letters.
//
// A star that fails later is taken up where it was left: quadratic at worst, and no recursion (Redis' own matcher is exponential in the stars).

namespace Aevum.Server.Resp.Protocol;

static class Glob
{
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text)
    {
        int p = 0, t = 0, star = -1, resume = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == (byte)'*')
            {
                star = ++p;
                resume = t;
                continue;
            }
            if (p < pattern.Length && MatchesOne(pattern, ref p, text[t]))
            {
                t++;
                continue;
            }
            if (star < 0) return false;
            p = star;
            t = ++resume;
        }
        while (p < pattern.Length && pattern[p] == (byte)'*') p++;
        return p == pattern.Length;
    }

    // Moves behind the element if it matches.
    static bool MatchesOne(ReadOnlySpan<byte> pattern, ref int p, byte letter)
    {
        switch (pattern[p])
        {
            case (byte)'?':
                p++;
                return true;
            case (byte)'[':
                var next = p;
                if (!MatchesSet(pattern, ref next, letter)) return false;
                p = next;
                return true;
            case (byte)'\\' when p + 1 < pattern.Length:
                if (pattern[p + 1] != letter) return false;
                p += 2;
                return true;
            default:
                if (pattern[p] != letter) return false;
                p++;
                return true;
        }
    }

    static bool MatchesSet(ReadOnlySpan<byte> pattern, ref int p, byte letter)
    {
        p++;
        var isNegated = p < pattern.Length && pattern[p] == (byte)'^';
        if (isNegated) p++;
        var isIn = false;
        while (p < pattern.Length && pattern[p] != (byte)']')
        {
            if (pattern[p] == (byte)'\\' && p + 1 < pattern.Length)
            {
                isIn |= pattern[++p] == letter;
                p++;
            }
            else if (p + 2 < pattern.Length && pattern[p + 1] == (byte)'-')
            {
                var (low, high) = (pattern[p], pattern[p + 2]);
                if (low > high) (low, high) = (high, low);
                isIn |= letter >= low && letter <= high;
                p += 3;
            }
            else
            {
                isIn |= pattern[p++] == letter;
            }
        }
        if (p < pattern.Length) p++;   // the bracket; a set without one ends with the pattern
        return isIn != isNegated;
    }
}
