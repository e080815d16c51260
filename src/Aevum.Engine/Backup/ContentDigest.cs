using System.Buffers.Binary;
using Aevum.Core.Bytes;

namespace Aevum.Engine.Backup;

/// <summary>64 bits that tell a file's content from every other by accident: XXH3-64 of each mebibyte, chained. Not proof against malice.</summary>
struct ContentDigest
{
    /// <summary>Every chunk but the last has so many bytes.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>The digest of what was added; 0 for nothing.</summary>
    public ulong Value { get; private set; }

    public void Add(ReadOnlySpan<byte> chunk)
    {
        Span<byte> link = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(link, Value);
        BinaryPrimitives.WriteUInt64LittleEndian(link[8..], XxHash3.Compute(chunk));
        Value = XxHash3.Compute(link);
    }
}
