// Lz4: the LZ4 block format (Yann Collet, "LZ4 Block Format Description"), so that any LZ4 tool reads our blocks and we read theirs.
//
//   block      sequence*, the last one without a match
//   sequence   token u8 | more literal length u8* | literals | offset u16 little endian | more match length u8*
//   token      high four bits: literals, low four bits: match length less 4. 15 means that bytes follow which are added, up to and
//              including the first below 255
//   match      copies match-length bytes from `offset` bytes back; it may reach into what it writes (offset 1 repeats one byte)
//
// Rules of the end, which decoders that copy in big steps rely on: the last 5 bytes are literals, and no match starts in the last 12.
// A block tells neither its own length nor that of what it holds, and has no checksum: whoever stores it stores those beside it.
//
// Not here: frames, dictionaries, the high-compression search. Compressing: Lz4Compressor. Decompressing: Lz4Decompressor.

namespace Aevum.Core.Bytes;

public static unsafe class Lz4
{
    internal const int MatchBytesMin = 4, OffsetMax = 65535, LastLiterals = 5, LastMatchStart = 12;

    /// <summary>The longest source: what a compressed block of it still fits in one array.</summary>
    public const int SourceBytesMax = 0x7E000000;

    /// <summary>Bytes that the compressed form of <paramref name="sourceLength"/> bytes never exceeds: a block of literals alone, and a
    /// little.</summary>
    public static int MaxCompressedLength(int sourceLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sourceLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sourceLength, SourceBytesMax);
        return sourceLength + (sourceLength / 255) + 16;
    }

    /// <summary>Compresses into <paramref name="target"/>, which must not overlap the source. Allocates nothing; uses up to 16 KiB
    /// of stack.</summary>
    /// <param name="source">At most <see cref="SourceBytesMax"/> bytes.</param>
    /// <param name="target">With <see cref="MaxCompressedLength"/> bytes it always fits. Give less to learn that
    /// compressing is not worth it.</param>
    /// <param name="acceleration">1 to 65537. Greater searches fewer places: faster, and worse compression.</param>
    /// <returns>Bytes written, at least 1; 0 if the target is too short, its content then undefined.</returns>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> target, int acceleration = 1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.Length, SourceBytesMax);
        ArgumentOutOfRangeException.ThrowIfLessThan(acceleration, 1);
        fixed (byte* from = source, to = target)
            return Lz4Compressor.Compress(from, source.Length, to, target.Length, Math.Min(acceleration, 65537));
    }

    /// <summary>Decompresses a block of any origin: no input makes it read or write outside of the two spans, which must not
    /// overlap.</summary>
    /// <returns>False if the bytes are no block or hold more than <paramref name="target"/> takes; the target's content is
    /// then undefined.</returns>
    public static bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> target, out int written)
    {
        fixed (byte* from = source, to = target)
        {
            written = Lz4Decompressor.Decompress(from, source.Length, to, target.Length);
            if (written >= 0) return true;
            written = 0;
            return false;
        }
    }
}
