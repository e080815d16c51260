using System.Globalization;
using System.Text.RegularExpressions;
using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Caching;
using Aevum.Storage.Tables;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Tables;

/// <summary>Tables written by earlier builds are read, and docs/formats/sorted-table.md shows one of them byte by byte.</summary>
/// <remarks>Until release 0.1 a change of format changes the fixtures too: AEVUM_GOLDENS=rewrite writes them anew.</remarks>
public sealed partial class TableFormatTests
{
    static readonly string Folder = Path.Combine(TestFolders.Project, "testdata", "sorted-table", "v2");

    static ulong Time(ulong microseconds, ulong counter = 0) =>
        SystemTime.FromMicroseconds(1_700_000_000_000_000 + microseconds, counter).Value;

    static TableOracle SmallContent()
    {
        var oracle = new TableOracle();
        oracle.Entries.Add(new("city"u8.ToArray(), Time(2), EffectKind.Put, 0, 0, "Bern"u8.ToArray()));
        oracle.Entries.Add(new("city"u8.ToArray(), Time(1), EffectKind.Put, 0, 0, "Basel"u8.ToArray()));
        oracle.Entries.Add(new("cite"u8.ToArray(), Time(3), EffectKind.Put, Time(10_000_000), 0, "v"u8.ToArray()));
        oracle.Entries.Add(new("n"u8.ToArray(), Time(300), EffectKind.Merge, 0, 0, "+1"u8.ToArray()));
        oracle.Entries.Add(new("old"u8.ToArray(), Time(4), EffectKind.Delete, 0, 0, []));
        oracle.RangeDeletes.Add(new("x"u8.ToArray(), "y"u8.ToArray(), Time(5)));
        oracle.Sort();
        return oracle;
    }

    // Everything the format knows: all kinds, times, ties over many blocks, partitions, all compressions, keyspaces.
    static TableOracle LargeContent()
    {
        var oracle = new TableOracle();
        var random = new SeededRandom(2026);
        for (ulong keyspace = 0; keyspace < 4; keyspace++)
        {
            for (var i = 0; i < 60; i++)
            {
                byte[] key = [0, 0, 0, (byte)keyspace, 0, 0, 0, 1, .. "key"u8, (byte)('a' + i / 26), (byte)('a' + i % 26)];
                for (var versions = i == 7 ? 150 : 1 + random.Next(3); versions > 0; versions--)
                {
                    var value = new byte[random.Next(40)];
                    value.AsSpan().Fill((byte)random.Next(256));
                    var version = Time((ulong)random.Next(1_000_000_000), keyspace == 2 ? (ulong)random.Next(1024) : 0);
                    var end = keyspace == 3 ? version + 77 : 0;
                    oracle.Entries.Add(new(key, version, (EffectKind)random.Next(3), random.OneIn(5) ? version + 5000 : 0, end, value));
                }
            }
        }
        oracle.RangeDeletes.Add(new([0], [0, 0, 0, 1], Time(9)));
        oracle.RangeDeletes.Add(new([0, 0, 0, 0, 5], [0, 0, 0, 9], Time(8)));
        oracle.Sort();
        return oracle;
    }

    static readonly TableWriterOptions SmallOptions = new();

    static readonly TableWriterOptions LargeOptions = new()
    {
        BlockBytes = 700,
        IndexBytesMax = 0,
        IndexPartitionBytes = 600,
        KeyspacePrefixBytes = 8,
        CompressionOf = keyspace => (keyspace >> 32) switch { 1 => Compression.Lz4, 2 => Compression.Brotli, _ => Compression.None },
        CreationFacts = [new("cause", "fixture"u8.ToArray())],
    };

    static byte[] Written(TableOracle oracle, TableWriterOptions options) => TableImage.Of(oracle, 7, options).Bytes;

    static byte[] Fixture(string name, Func<byte[]> rewrite)
    {
        var path = Path.Combine(Folder, name);
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite")
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllBytes(path, rewrite());
        }
        return File.ReadAllBytes(path);
    }

    static byte[] Small() => Fixture("small.table", () => Written(SmallContent(), SmallOptions));

    static byte[] Large() => Fixture("large.table", () => Written(LargeContent(), LargeOptions));

    static void CheckRead(byte[] bytes, TableOracle oracle)
    {
        using var cache = new BlockCache(1 << 20);
        using var table = TableReader.Open(new ArrayFile(bytes), 7, cache);
        Assert.Empty(table.Verify());
        using var cursor = table.CreateCursor();
        cursor.SeekToFirst();
        foreach (var entry in oracle.Entries)
        {
            CursorAssert.At(entry, cursor);
            cursor.Next();
        }
        Assert.False(cursor.Valid);
        Assert.Equal((ulong)oracle.RangeDeletes.Count, table.Properties.RangeDeletes);
        foreach (var rangeDelete in oracle.RangeDeletes)
            Assert.Equal(rangeDelete.Version, table.RangeDeletes.NewestCovering(rangeDelete.Start, rangeDelete.Version));
    }

    [Fact]
    public void The_small_fixture_is_read() => CheckRead(Small(), SmallContent());

    [Fact]
    public void The_large_fixture_is_read()
    {
        var bytes = Large();
        CheckRead(bytes, LargeContent());
        using var cache = new BlockCache(0);
        using var table = TableReader.Open(new ArrayFile(bytes), 7, cache);
        Assert.True(table.IsPartitioned && table.Properties.BlocksLz4 > 0 && table.Properties.BlocksBrotli > 0);
        Assert.Equal("fixture"u8.ToArray(), table.Properties.Others["creation.cause"]);
    }

    // Not of the large one: a later Brotli encoder may choose other bytes for the same contents.
    [Fact]
    public void What_is_written_today_is_the_small_fixture_byte_for_byte() =>
        Assert.Equal(Convert.ToHexString(Small()), Convert.ToHexString(Written(SmallContent(), SmallOptions)));

    [Fact]
    public void The_page_shows_the_small_fixture()
    {
        var fixture = Small();
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "formats", "sorted-table.md"));
        var covered = 0;
        foreach (Match line in Line().Matches(page))
        {
            var offset = int.Parse(line.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var shown = line.Groups[2].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(string.Join(' ', shown), string.Join(' ', fixture.AsSpan(offset, shown.Length).ToArray().Select(b => $"{b:x2}")));
            covered += shown.Length;
        }
        // All but most of the properties, which are alike, and the filter's zeros.
        Assert.True(covered > 300, $"{covered} bytes shown");
    }

    // An offset of four digits, two spaces, then pairs.
    [GeneratedRegex("^([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)", RegexOptions.Multiline)]
    private static partial Regex Line();
}
