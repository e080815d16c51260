using System.Text.RegularExpressions;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;
using Aevum.Storage.Trees;
using Aevum.Testing;

namespace Aevum.Engine.Tests.Backup;

/// <summary>The three formats of a store: what the page shows, what earlier programs wrote, and what is not one of them.</summary>
public sealed class BackupFormatTests
{
    static readonly Guid Database = new("00112233-4455-6677-8899-aabbccddeeff");

    // A tree with one table, five, of 700 bytes with keys from a to z, position 9 applied, up to one second after the epoch.
    static readonly byte[] State = Convert.FromHexString(
        "01000005bc050161017a000300000080841e000000000000093d000000000000000000000000000000000000000004090580" +
        "80a4e80306060700112233445566778899aabbccddeeff0801");

    static BackupManifest Sample()
    {
        var state = TreeImage.Decode(State);
        return new(
            3, new DatabaseIdentity(Database, 1, [new(1, [])]),
            [new(1, state, [.. state.Tables.Select(t => new BackupTable(t.Id, t.Bytes, 0x1111111111111111, 0x2222222222222222))])])
        {
            From = SystemTime.FromMicroseconds(1_000_000),
            Moment = SystemTime.FromMicroseconds(2_000_000, 5),
            DoneAt = 2_500_000,
            NewBytes = 820,
            PieceBytes = 170,
        };
    }

    static byte[] SamplePiece(IFileSystem files)
    {
        using var scheduler = new SimulatedScheduler(1);
        var batch = new WriteBatch();
        batch.Put("a"u8, "1"u8);
        batch.SystemTime = SystemTime.FromMicroseconds(1_500_000);
        using (var file = files.Create("piece"))
        {
            var writer = new LogPieceWriter(file, new BackupWork(scheduler, 0, null, default));
            writer.Add(1, 10, batch.Encoded);
            writer.Finish(new LogPieceInfo(3, 2, Database, 1, SystemTime.FromMicroseconds(2_000_000, 5),
                [new(1, 10, 10, Core.Bytes.XxHash3.Compute(batch.Encoded))]));
        }
        return files.ReadAllBytes("piece");
    }

    static byte[] SampleMarker(IFileSystem files)
    {
        BackupStore.OpenOrCreate(files, "store", Database, "a test", out var held);
        held.Dispose();
        return files.ReadAllBytes("store/BACKUPS");
    }

    [Theory]
    [InlineData("00000003.backup", "## Sample of a backup")]
    [InlineData("00000003.log", "## Sample of a piece")]
    [InlineData("BACKUPS", "## Sample of BACKUPS")]
    public void The_page_shows_the_bytes_and_so_does_the_fixture(string name, string heading)
    {
        var files = new MemoryFileSystem();
        var bytes = name switch { "BACKUPS" => SampleMarker(files), "00000003.log" => SamplePiece(files), _ => Sample().Encode() };
        var fixture = Path.Combine(TestFolders.Project, "testdata", "backup", "v1", name);
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(fixture)!);
            File.WriteAllBytes(fixture, bytes);
        }
        Assert.Equal(Convert.ToHexString(File.ReadAllBytes(fixture)), Convert.ToHexString(bytes));

        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs/formats/backup.md"));
        var block = page[(page.IndexOf("```", page.IndexOf(heading, StringComparison.Ordinal), StringComparison.Ordinal) + 3)..];
        block = block[..block.IndexOf("```", StringComparison.Ordinal)];
        var rows = block.Split('\n').Select(line => Regex.Match(line, "^(?:[0-9A-F]{2} {1,2})+").Value);
        Assert.Equal(Convert.ToHexString(bytes), string.Concat(rows).Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public void What_was_written_is_read_again()
    {
        var read = BackupManifest.Decode(Sample().Encode(), "file");
        Assert.Equal(Sample() with { Shards = read.Shards, Identity = read.Identity }, read);
        Assert.Equal(Sample().Shards[0].Tables, read.Shards[0].Tables);
        Assert.Equal(Convert.ToHexString(State), Convert.ToHexString(read.Shards[0].State.Encode()));
        Assert.Equal(Database, read.Identity.DatabaseId);

        var files = new MemoryFileSystem();
        SamplePiece(files);
        using var piece = new LogPieceReader(files, "piece");
        Assert.Equal((3UL, 2UL, Database), (piece.Info.Number, piece.Info.Previous, piece.Info.DatabaseId));
        Assert.True(piece.MoveNext());
        Assert.Equal((1U, 10UL), (piece.Stream, piece.Position));
        Assert.Equal(1_500_000UL, new BatchReader(piece.Payload).SystemTime.Microseconds);
        Assert.False(piece.MoveNext());
    }

    [Theory, Seeds(300)]
    public void Whatever_the_bytes_are_they_are_refused_with_their_file_or_read(ulong seed)
    {
        var random = new SeededRandom(seed);
        var files = new MemoryFileSystem();
        var isManifest = random.OneIn(2);
        var bytes = isManifest ? Sample().Encode() : SamplePiece(files);
        var mayHold = random.OneIn(2);
        for (var changes = random.Next(1, 6); changes > 0; changes--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(4))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes = [.. bytes[..at], .. bytes[random.Next(at, bytes.Length)..]]; break;
                default: bytes = [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]]; break;
            }
            if (bytes.Length == 0) return;
        }
        // With checksums that hold again, so that what lies behind them is reached.
        if (mayHold && isManifest && bytes.Length > 24) Repair(bytes);
        try
        {
            if (isManifest) BackupManifest.Decode(bytes, "some file");
            else
            {
                using (var file = files.Create("piece")) file.Append(bytes);
                using var piece = new LogPieceReader(files, "piece");
                while (piece.MoveNext()) { }
            }
        }
        catch (AevumException refusal)
        {
            Assert.True(refusal.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, refusal.Message);
            Assert.Contains(isManifest ? "some file" : "piece", refusal.Message, StringComparison.Ordinal);
        }
    }

    static void Repair(byte[] bytes)
    {
        FormatHeader.Write(bytes, "AEVMBKUP"u8, 1);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), Core.Bytes.Crc32C.Compute(bytes.AsSpan(0, bytes.Length - 4)));
    }

    [Fact]
    public void A_later_version_is_told_from_damage()
    {
        var bytes = Sample().Encode();
        FormatHeader.Write(bytes, "AEVMBKUP"u8, 2);
        Assert.Equal(ErrorCode.UnsupportedFormat, Assert.ThrowsAny<AevumException>(() => BackupManifest.Decode(bytes, "file")).Code);
    }
}
