// BlockCompressor: the stored form of compressed blocks: uncompressed length u32, then an LZ4 block or a Brotli stream.
//
// Which blocks are compressed, and how, is the writer's choice for each keyspace; a block is stored raw where it gains too little.

using System.IO.Compression;
using System.Runtime.CompilerServices;
using Aevum.Core.Bytes;

namespace Aevum.Storage.Tables;

static unsafe class BlockCompressor
{
    const int HeaderBytes = 4;
    const int BrotliWindow = 18;

    /// <summary>Puts the stored form into <paramref name="target"/>, which is emptied first.</summary>
    /// <returns>False if it would take more than <paramref name="storedMax"/> bytes.</returns>
    public static bool TryCompress(Compression compression, int brotliQuality, ReadOnlySpan<byte> contents, int storedMax,
        ref GrowingBytes target)
    {
        target.Clear();
        if (storedMax <= HeaderBytes) return false;
        target.Reserve(storedMax);
        var output = new Span<byte>(target.Start + HeaderBytes, storedMax - HeaderBytes);
        int written;
        switch (compression)
        {
            case Compression.Lz4:
                if (contents.Length > Lz4.SourceBytesMax || (written = Lz4.Compress(contents, output)) == 0) return false;
                break;
            case Compression.Brotli:
                if (!BrotliEncoder.TryCompress(contents, output, out written, brotliQuality, BrotliWindow)) return false;
                break;
            default:
                return false;
        }
        Unsafe.WriteUnaligned(target.Start, (uint)contents.Length);
        target.Length = HeaderBytes + written;
        return true;
    }

    /// <returns>The length that the block has uncompressed, or claims to have; -1 if there is none.</returns>
    public static long UncompressedLength(byte* stored, long length) => length < HeaderBytes ? -1 : Unsafe.ReadUnaligned<uint>(stored);

    /// <summary>Uncompresses into <paramref name="target"/>, which has the length that <see cref="UncompressedLength"/> says.</summary>
    /// <returns>False unless the bytes are exactly one compressed block of that length.</returns>
    public static bool TryDecompress(Compression compression, byte* stored, long length, Span<byte> target)
    {
        var source = new ReadOnlySpan<byte>(stored + HeaderBytes, checked((int)(length - HeaderBytes)));
        return compression switch
        {
            Compression.Lz4 => Lz4.TryDecompress(source, target, out var written) && written == target.Length,
            Compression.Brotli => BrotliDecoder.TryDecompress(source, target, out var written) && written == target.Length,
            _ => false,
        };
    }
}
