// BackupManifest: one backup: what the database was made of at one moment, file by file. Written last and under another name first, so a backup is
// there whole or not at all.
//
//   header "AEVMBKUP" | version | CRC-32C     body: see Encode     CRC-32C of everything before u32
//
// Always true: the tables named are exactly those of the shards' states; with the pieces from its own backwards, as far as the states need them, they
// make the database at the moment. Bytes: docs/formats/backup.md.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Backup;

/// <param name="Id">Within its tree.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Tail">Digest of its end (BackupWork.TailDigest): what tells the same table without reading it.</param>
/// <param name="Digest">Of all of it (ContentDigest); also part of its name in the store.</param>
readonly record struct BackupTable(ulong Id, long Bytes, ulong Tail, ulong Digest);

/// <param name="State">What the tree's manifest said.</param>
/// <param name="Tables">By id.</param>
sealed record BackupShard(uint Id, TreeImage State, IReadOnlyList<BackupTable> Tables);

sealed record BackupManifest(ulong Id, DatabaseIdentity Identity, IReadOnlyList<BackupShard> Shards)
{
    public const uint Version = 1;
    static ReadOnlySpan<byte> Magic => "AEVMBKUP"u8;

    /// <summary>The earliest time to which it can be restored.</summary>
    public required SystemTime From { get; init; }

    /// <summary>The moment whose state it holds, and the latest time to which it can be restored without the pieces of later ones.</summary>
    public required SystemTime Moment { get; init; }

    /// <summary>When it was done, in microseconds since 1970 UTC, by the machine's clock.</summary>
    public required ulong DoneAt { get; init; }

    /// <summary>What it added to the store, tables and log, in bytes.</summary>
    public required long NewBytes { get; init; }

    /// <summary>Length of the piece of log that came with it.</summary>
    public required long PieceBytes { get; init; }

    public uint Timeline => Identity.Timeline;

    public long TableBytes => Shards.Sum(s => s.Tables.Sum(t => t.Bytes));

    public byte[] Encode()
    {
        var fields = new ByteFields();
        fields.Write(Id);
        fields.WriteBytes(Identity.Encode());
        fields.WriteFixed(From.Value);
        fields.WriteFixed(Moment.Value);
        fields.Write(DoneAt);
        fields.Write((ulong)NewBytes);
        fields.Write((ulong)PieceBytes);
        foreach (var shard in Shards)
        {
            fields.WriteBytes(shard.State.Encode());
            foreach (var table in shard.Tables)
            {
                fields.WriteFixed(table.Tail);
                fields.WriteFixed(table.Digest);
            }
        }
        var body = fields.ToArray();
        var bytes = new byte[FormatHeader.Bytes + body.Length + sizeof(uint)];
        FormatHeader.Write(bytes, Magic, Version);
        body.CopyTo(bytes.AsSpan(FormatHeader.Bytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - sizeof(uint)), Crc32C.Compute(bytes.AsSpan(0, bytes.Length - sizeof(uint))));
        return bytes;
    }

    /// <exception cref="AevumException">Corruption, UnsupportedFormat.</exception>
    public static BackupManifest Decode(ReadOnlySpan<byte> bytes, string file)
    {
        FormatHeader.Read(bytes, Magic, Version, file, "a backup");
        var end = bytes.Length - sizeof(uint);
        if (end < FormatHeader.Bytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes[end..]) != Crc32C.Compute(bytes[..end]))
            Throw.Corruption(file, Math.Max(end, 0), "the checksum of what comes before");
        var fields = new FieldReader(bytes[FormatHeader.Bytes..end], file, FormatHeader.Bytes);
        var id = fields.Read();
        var identity = DatabaseIdentity.Decode(fields.ReadBytes(), file);
        var (from, moment) = (new SystemTime(fields.ReadFixed()), new SystemTime(fields.ReadFixed()));
        var (done, added, piece) = (fields.Read(), fields.ReadLength(), fields.ReadLength());
        if (id == 0 || from > moment || moment >= SystemTime.Max) fields.Fail("a backup with a number and its times in order");
        var shards = new List<BackupShard>();
        foreach (var (shard, _) in identity.Shards)
        {
            TreeImage state;
            try
            {
                state = TreeImage.Decode(fields.ReadBytes());
            }
            catch (CorruptionException broken)
            {
                throw new CorruptionException($"{file}: the state of shard {shard}: {broken.Message}", broken) { File = file };
            }
            if (state.CompleteFrom > moment) fields.Fail("a shard whose tables end before the backup's moment");
            shards.Add(new(shard, state, [.. ReadTables(ref fields, state)]));
        }
        fields.RequireEnd();
        return new(id, identity, shards) { From = from, Moment = moment, DoneAt = done, NewBytes = added, PieceBytes = piece };
    }

    static List<BackupTable> ReadTables(ref FieldReader fields, TreeImage state)
    {
        var tables = new List<BackupTable>();
        foreach (var (table, length) in state.Tables) tables.Add(new(table, length, fields.ReadFixed(), fields.ReadFixed()));
        return tables;
    }
}
