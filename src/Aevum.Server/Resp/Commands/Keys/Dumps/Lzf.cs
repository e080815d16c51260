// Lzf: bytes as Marc Lehmann's LZF packs them, which is how Redis shortens strings in dumps. Read only.
//
//   000lllll              l + 1 bytes follow as they are
//   lllooooo oooooooo     l + 2 bytes again (l of 1 to 6), from o + 1 bytes before
//   111ooooo l oooooooo   l + 9 bytes again

namespace Aevum.Server.Resp.Commands.Keys.Dumps;

static class Lzf
{
    /// <summary>Bytes that one packed byte may become at most.</summary>
    public const int ExpansionMax = 264;

    /// <returns>False: the bytes are not what was packed, or not so many.</returns>
    public static bool TryUnpack(ReadOnlySpan<byte> packed, Span<byte> target)
    {
        var (from, to) = (0, 0);
        while (from < packed.Length)
        {
            int control = packed[from++];
            if (control < 32)
            {
                var literal = control + 1;
                if (literal > packed.Length - from || literal > target.Length - to) return false;
                packed.Slice(from, literal).CopyTo(target[to..]);
                from += literal;
                to += literal;
                continue;
            }
            var length = control >> 5;
            if (length == 7)
            {
                if (from == packed.Length) return false;
                length += packed[from++];
            }
            if (from == packed.Length) return false;
            var back = ((control & 31) << 8) + packed[from++] + 1;
            length += 2;
            if (back > to || length > target.Length - to) return false;
            for (var i = 0; i < length; i++, to++) target[to] = target[to - back];   // they may overlap
        }
        return to == target.Length;
    }
}
