// NaiveLz4: the block format as its description reads, one byte at a time: the oracle for Lz4.

namespace Aevum.Core.Tests.Bytes;

static class NaiveLz4
{
    public readonly record struct Sequence(int Literals, int MatchStart, int MatchLength, int Offset);

    /// <returns>What the block holds, or null if it is no block or holds more than <paramref name="capacity"/> bytes.</returns>
    public static byte[]? Decompress(ReadOnlySpan<byte> block, int capacity, List<Sequence>? sequences = null)
    {
        var output = new byte[capacity];
        var count = 0;
        var at = 0;
        while (true)
        {
            if (at == block.Length) return null;
            var token = block[at++];
            long literals = token >> 4;
            if (literals == 15 && !ReadMore(block, ref at, ref literals)) return null;
            for (long i = 0; i < literals; i++)
            {
                if (at == block.Length || count == capacity) return null;
                output[count++] = block[at++];
            }
            if (at == block.Length)
            {
                sequences?.Add(new((int)literals, count, 0, 0));
                return output[..count];
            }
            if (block.Length - at < 2) return null;
            var offset = block[at] | (block[at + 1] << 8);
            at += 2;
            if (offset == 0 || offset > count) return null;
            long length = token & 15;
            if (length == 15 && !ReadMore(block, ref at, ref length)) return null;
            length += 4;
            sequences?.Add(new((int)literals, count, (int)Math.Min(length, int.MaxValue), offset));
            for (long i = 0; i < length; i++)
            {
                if (count == capacity) return null;
                output[count] = output[count - offset];
                count++;
            }
        }
    }

    static bool ReadMore(ReadOnlySpan<byte> block, ref int at, ref long length)
    {
        while (true)
        {
            if (at == block.Length) return false;
            var part = block[at++];
            length += part;
            if (part < 255) return true;
        }
    }
}
