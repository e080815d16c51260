// DatabaseIdentity: the file DATABASE: which database a directory holds, and how its key order is cut into shards. Written once, when the
// database is made, under another name and then renamed: it is there whole or not at all.
//
//   0   8   magic "AEVUMDB1"
//   8   16  database id
//   24  4   timeline, u32
//   28  4   shards, u32; then each: id u32 | length of its first key u32 | first key (of the first shard empty)
//   end 4   CRC-32C of everything before
// Little endian. Bytes: docs/formats/database.md.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Engine.Shards;

/// <param name="DatabaseId">Different for every database ever made.</param>
/// <param name="Timeline">The line of descent: a restored database begins another.</param>
/// <param name="Shards">In key order.</param>
sealed record DatabaseIdentity(Guid DatabaseId, uint Timeline, IReadOnlyList<ShardBounds> Shards)
{
    public const string FileName = "DATABASE";
    const string NewName = "DATABASE.new";
    const int HeaderBytes = 32;
    const int ShardsMax = 1 << 16;
    static ReadOnlySpan<byte> Magic => "AEVUMDB1"u8;

    public static bool Exists(IFileSystem files, string directory) => files.FileExists(FilePaths.Combine(directory, FileName));

    public byte[] Encode()
    {
        var bytes = new byte[HeaderBytes + Shards.Sum(s => 8 + s.Start.Length) + 4];
        Magic.CopyTo(bytes);
        DatabaseId.TryWriteBytes(bytes.AsSpan(8));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(24), Timeline);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), Shards.Count);
        var at = HeaderBytes;
        foreach (var (id, start) in Shards)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), id);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + 4), start.Length);
            start.CopyTo(bytes.AsSpan(at + 8));
            at += 8 + start.Length;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), Crc32C.Compute(bytes.AsSpan(0, at)));
        return bytes;
    }

    /// <exception cref="AevumException">Corruption, UnsupportedFormat.</exception>
    public static DatabaseIdentity Decode(ReadOnlySpan<byte> bytes, string file)
    {
        if (bytes.Length < HeaderBytes + 12) Throw.Corruption(file, bytes.Length, "a whole header");
        if (!bytes[..7].SequenceEqual(Magic[..7])) Throw.Corruption(file, 0, "the magic number of a database");
        if (bytes[7] != Magic[7]) Throw.UnsupportedFormat(file, ((char)bytes[7]).ToString(), "1");
        var end = bytes.Length - 4;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[end..]) != Crc32C.Compute(bytes[..end]))
            Throw.Corruption(file, end, "the checksum of what comes before");
        var count = BinaryPrimitives.ReadInt32LittleEndian(bytes[28..]);
        if (count is < 1 or > ShardsMax) Throw.Corruption(file, 28, $"1 to {ShardsMax} shards");
        var shards = new List<ShardBounds>();
        var at = HeaderBytes;
        for (var i = 0; i < count; i++)
        {
            if (end - at < 8) Throw.Corruption(file, at, "another shard");
            var id = BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes[(at + 4)..]);
            if (length < 0 || length > end - at - 8) Throw.Corruption(file, at + 4, "the length of a shard's first key");
            var start = bytes.Slice(at + 8, length).ToArray();
            var isInOrder = i == 0 ? length == 0 : shards[^1].Start.AsSpan().SequenceCompareTo(start) < 0;
            if (!isInOrder || id == 0 || shards.Any(s => s.Id == id)) Throw.Corruption(file, at, "shards in key order, each with an id of its own");
            shards.Add(new(id, start));
            at += 8 + length;
        }
        if (at != end) Throw.Corruption(file, at, "the end of the file");
        return new(new Guid(bytes.Slice(8, 16)), BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]), shards);
    }

    public static DatabaseIdentity Read(IFileSystem files, string directory)
    {
        var path = FilePaths.Combine(directory, FileName);
        return Decode(files.ReadAllBytes(path), path);
    }

    public void Write(IFileSystem files, string directory)
    {
        var path = FilePaths.Combine(directory, NewName);
        using (var file = files.Create(path))
        {
            file.Append(Encode());
            file.Sync();
        }
        files.Rename(path, FilePaths.Combine(directory, FileName));
        files.SyncDirectory(directory);
    }
}

/// <summary>A shard reaches from its first key to the next one's.</summary>
/// <param name="Id">From 1; also its stream in the log and the name of its directory.</param>
/// <param name="Start">First key; empty for the first shard.</param>
sealed record ShardBounds(uint Id, byte[] Start);
