using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Aevum.Core.Bytes;
using Aevum.Core.Files;
using Aevum.Storage.Caching;
using Aevum.Storage.Tables;

namespace Aevum.Storage.Tests.Tables;

/// <summary>A table's bytes in an array, to be damaged.</summary>
sealed class TableImage
{
    public byte[] Bytes { get; private init; } = [];

    /// <summary>Every block, the footer aside.</summary>
    public List<BlockHandle> Blocks { get; } = [];

    public static TableImage Of(TableOracle oracle, ulong tableId, TableWriterOptions? options)
    {
        var files = new MemoryFileSystem();
        oracle.Write(files, "t", tableId, options);
        var bytes = new byte[files.FileLength("t")];
        using (var file = files.OpenRead("t")) file.Read(0, bytes);
        var image = new TableImage { Bytes = bytes };

        using var cache = new BlockCache(0);
        using var table = TableReader.Open(new ArrayFile(bytes), tableId, cache);
        image.AddBlocks(table);
        return image;
    }

    unsafe void AddBlocks(TableReader table)
    {
        var footer = table.Footer;
        foreach (var part in new[] { footer.Filter, footer.RangeDeletes, footer.Index, footer.Properties })
            if (!part.IsNone) Blocks.Add(part);
        var top = table.Top;
        for (var i = 0; i < top.Count; i++)
        {
            Blocks.Add(top.Handle(i));
            if (!table.IsPartitioned) continue;
            var lease = default(BlockLease);
            table.Source.ReadFromFile(top.Handle(i), BlockContent.IndexPartition, ref lease);
            var partition = new IndexBlock(lease.Memory);
            for (var j = 0; j < partition.Count; j++) Blocks.Add(partition.Handle(j));
            lease.Dispose();
        }
    }

    /// <summary>Makes the checksums of a damaged copy hold again.</summary>
    public void Reseal(byte[] bytes)
    {
        foreach (var block in Blocks)
        {
            var end = (int)(block.Offset + block.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(end + 1),
                Crc32C.Compute(bytes.AsSpan((int)block.Offset, (int)block.Length + 1)));
        }
        var footer = bytes.AsSpan(bytes.Length - TableFooter.Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[88..], Crc32C.Compute(footer[..88]));
    }
}

/// <summary>A file in an array. The mapping lies right before an unreadable page.</summary>
sealed unsafe class ArrayFile(byte[] bytes) : IReadableFile
{
    Aevum.Core.Tests.Bytes.GuardedMemory? _map;

    public string Path => "array";

    public long Length => bytes.Length;

    public int Read(long offset, Span<byte> target)
    {
        if (offset < 0 || offset > bytes.Length) return 0;
        var length = (int)Math.Min(target.Length, bytes.Length - offset);
        bytes.AsSpan((int)offset, length).CopyTo(target);
        return length;
    }

    public bool TryMap(out byte* memory)
    {
        _map = new(bytes.Length);
        memory = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(_map.CopyAtEnd(bytes)));
        return true;
    }

    public void Dispose() => _map?.Dispose();
}
