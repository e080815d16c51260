using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;
using Aevum.Core.Bitmaps;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Tests.Bytes;
using Aevum.Testing;

namespace Aevum.Core.Tests.Bitmaps;

public sealed partial class BitmapFormatTests
{
    static readonly string Fixture = Path.Combine(TestFolders.Project, "testdata", "bitmap", "v1.bitmap");

    // One container of each form, the edges of a chunk among the members.
    static Bitmap FixtureBitmap()
    {
        var builder = new BitmapBuilder();
        foreach (var value in (uint[])[0, 7, 65_535]) builder.Add(value);
        for (uint i = 0; i < 5_000; i++) builder.Add(65_536 + (i * 13));
        builder.AddRange(200_000, 300_000);
        builder.Add(uint.MaxValue);
        return builder.ToBitmap();
    }

    [Theory, Seeds(25)]
    public void What_was_written_is_read_and_nothing_beyond_it(ulong seed)
    {
        var bitmap = RandomSets.ToBitmap(RandomSets.Next(new SeededRandom(seed)));
        var bytes = BitmapFormat.ToBytes(bitmap);
        Assert.Equal(BitmapFormat.Size(bitmap), bytes.Length);
        using var memory = new GuardedMemory(bytes.Length);
        Assert.Equal(bitmap, BitmapFormat.Read(memory.CopyAtEnd(bytes), out var consumed));
        Assert.Equal(bytes.Length, consumed);
        Assert.Equal(bitmap, BitmapFormat.Read([.. bytes, 1, 2, 3], out consumed));
        Assert.Equal(bytes.Length, consumed);
    }

    [Fact]
    public void Every_damaged_byte_and_every_cut_is_found()
    {
        var bytes = BitmapFormat.ToBytes(Bitmap.Of(1, 2, 3, 70_000, 70_001, 70_003).Or(Bitmap.Range(200_000, 200_900)));
        for (var i = 0; i < bytes.Length; i++)
        {
            var damaged = bytes.ToArray();
            damaged[i] ^= (byte)(1 << (i % 8));
            Refused(damaged);
            Refused(bytes[..i]);
        }
    }

    // Damage under a right checksum: the structure itself must be refused, or be another bitmap that is written again as the same bytes.
    [Theory, Seeds(25)]
    public void Any_bytes_under_a_right_checksum_are_a_bitmap_or_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var memory = new GuardedMemory(200_000);
        var refused = 0;
        for (var round = 0; round < 60; round++)
        {
            var few = Enumerable.Range(0, 9).Select(_ => (uint)random.Next(200_000));
            var bytes = BitmapFormat.ToBytes(round % 3 == 0 ? FixtureBitmap() : RandomSets.ToBitmap(few));
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.OneIn(2) ? random.Next(8, Math.Min(bytes.Length - 4, 70)) : random.Next(8, bytes.Length - 4);
                bytes[at] = random.OneIn(2) ? (byte)random.Next(256) : (byte)(bytes[at] + 1);
            }
            if (random.OneIn(4)) bytes = bytes[..random.Next(BitmapFormat.HeaderBytes + 4, bytes.Length)];
            if (random.OneIn(2)) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), bytes.Length);
            var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
            if (size is >= 28 && size <= bytes.Length)
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((int)size - 4), Crc32C.Compute(bytes.AsSpan(0, (int)size - 4)));
            try
            {
                var read = BitmapFormat.Read(memory.CopyAtEnd(bytes), out var consumed);
                Assert.Equal(bytes[..consumed], BitmapFormat.ToBytes(read));
                Assert.Equal(read.Count, read.ToArray().Length);
            }
            catch (CorruptionException)
            {
                refused++;
            }
        }
        Assert.NotEqual(0, refused);
    }

    [Theory]
    [InlineData(4, 2, ErrorCode.UnsupportedFormat)]   // version
    [InlineData(6, 1, ErrorCode.Corruption)]          // reserved
    [InlineData(12, 9, ErrorCode.Corruption)]         // containers
    [InlineData(16, 7, ErrorCode.Corruption)]         // members
    [InlineData(26, 3, ErrorCode.Corruption)]         // runs where an array is smaller
    [InlineData(26, 9, ErrorCode.Corruption)]         // no such form
    [InlineData(27, 1, ErrorCode.Corruption)]         // reserved
    [InlineData(32, 9, ErrorCode.Corruption)]         // values that fall
    public void A_rule_that_is_broken_is_told(int at, byte value, ErrorCode code)
    {
        var bytes = BitmapFormat.ToBytes(Bitmap.Of(1, 3, 5));
        bytes[at] = value;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - 4), Crc32C.Compute(bytes.AsSpan(0, bytes.Length - 4)));
        Assert.Equal(code, Assert.ThrowsAny<AevumException>(() => Read(bytes)).Code);
    }

    [Fact]
    public void The_fixture_is_read_and_written_alike()
    {
        var bytes = File.ReadAllBytes(Fixture);
        Assert.Equal(FixtureBitmap(), Read(bytes));
        Assert.Equal(bytes, BitmapFormat.ToBytes(FixtureBitmap()));
    }

    [Fact]
    public void The_page_shows_what_is_written()
    {
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "formats", "bitmap.md"));
        byte[] sample = [.. Line().Matches(page.Split("```")[^2]).SelectMany(m => m.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(pair => byte.Parse(pair, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
        Assert.Equal(sample, BitmapFormat.ToBytes(Bitmap.Of(1, 9).Or(Bitmap.Range(65_536, 65_635))));
    }

    [Fact]
    public void Too_little_room_is_refused() =>
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => BitmapFormat.Write(Bitmap.Of(1), new byte[10])).Code);

    static Bitmap Read(byte[] bytes) => BitmapFormat.Read(bytes, out _);

    static void Refused(byte[] bytes) => Assert.ThrowsAny<AevumException>(() => Read(bytes));

    [GeneratedRegex("^([0-9a-f]{2} ){1,16}", RegexOptions.Multiline)]
    private static partial Regex Line();
}
