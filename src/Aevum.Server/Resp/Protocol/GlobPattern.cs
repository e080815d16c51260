// GlobPattern: patterns over names, as KEYS, SCAN and subscriptions have them: * any bytes, ? one byte, [abc] [a-z] [^a] one of a class, \ the next
// byte as it is. After a star that did not do, only the last one is tried anew: that costs pattern times name at most, and no pattern more.

namespace Aevum.Server.Resp.Protocol;

static class GlobPattern
{
    /// <summary>True if the whole text matches.</summary>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text)
    {
        int p = 0, t = 0, starAt = -1, starText = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == (byte)'*')
            {
                starAt = ++p;
                starText = t;
                continue;
            }
            var next = p;
            if (p < pattern.Length && MatchesOne(pattern, ref next, text[t]))
            {
                p = next;
                t++;
                continue;
            }
            if (starAt < 0) return false;
            p = starAt;
            t = ++starText;
        }
        while (p < pattern.Length && pattern[p] == (byte)'*') p++;
        return p == pattern.Length;
    }

    static bool MatchesOne(ReadOnlySpan<byte> pattern, ref int at, byte letter)
    {
        switch (pattern[at])
        {
            case (byte)'?':
                at++;
                return true;
            case (byte)'[':
                return MatchesClass(pattern, ref at, letter);
            case (byte)'\\' when at + 1 < pattern.Length:
                at += 2;
                return pattern[at - 1] == letter;
            default:
                return pattern[at++] == letter;
        }
    }

    // A class that does not end goes to the end of the pattern.
    static bool MatchesClass(ReadOnlySpan<byte> pattern, ref int at, byte letter)
    {
        at++;
        var isNot = at < pattern.Length && pattern[at] == (byte)'^';
        if (isNot) at++;
        var isIn = false;
        while (at < pattern.Length && pattern[at] != (byte)']')
        {
            if (pattern[at] == (byte)'\\' && at + 1 < pattern.Length)
            {
                isIn |= pattern[at + 1] == letter;
                at += 2;
            }
            else if (at + 2 < pattern.Length && pattern[at + 1] == (byte)'-')
            {
                var (low, high) = (pattern[at], pattern[at + 2]);
                if (low > high) (low, high) = (high, low);
                isIn |= letter >= low && letter <= high;
                at += 3;
            }
            else
            {
                isIn |= pattern[at++] == letter;
            }
        }
        if (at < pattern.Length) at++;
        return isIn != isNot;
    }
}
