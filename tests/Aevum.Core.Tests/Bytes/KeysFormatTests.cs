using System.Globalization;
using System.Text.RegularExpressions;
using Aevum.Core.Bytes;
using Aevum.Core.Time;
using Aevum.Testing;

namespace Aevum.Core.Tests.Bytes;

/// <summary>The sample of docs/formats/keys.md is a key, and the one that the page says it is. A change here is a new format.</summary>
public sealed partial class KeysFormatTests
{
    static readonly Guid Id = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");

    [Fact]
    public void The_page_shows_what_is_written()
    {
        var written = new OrderedKeyWriter().AddUInt32(7).AddInt32(-1).AddInt32(1, KeyOrder.Descending)
            .AddDouble(1).AddDouble(-1).AddDouble(-0.0).AddDouble(-double.NaN).AddBoolean(true)
            .AddBytes("a\0b"u8).AddBytes("a\0b"u8, KeyOrder.Descending).AddText("\u00E9").AddGuid(Id).AddVersion(new SystemTime(1))
            .AddNull().AddPresent().AddInt32(5).AddNull(last: true).AddRaw([0, 255]);
        Assert.Equal(Convert.ToHexString(PageSample()), Convert.ToHexString(written.Key));
    }

    [Fact]
    public void The_sample_reads_back_as_the_page_says()
    {
        var reader = new OrderedKeyReader(PageSample());
        Assert.True(reader.TryReadUInt32(out var unsigned) && unsigned == 7);
        Assert.True(reader.TryReadInt32(out var signed) && signed == -1);
        Assert.True(reader.TryReadInt32(out signed, KeyOrder.Descending) && signed == 1);
        Assert.True(reader.TryReadDouble(out var number) && number == 1);
        Assert.True(reader.TryReadDouble(out number) && number == -1);
        Assert.True(reader.TryReadDouble(out number) && number == 0 && !double.IsNegative(number));
        Assert.True(reader.TryReadDouble(out number) && double.IsNaN(number));
        Assert.True(reader.TryReadBoolean(out var truth) && truth);
        Assert.True(reader.TryReadBytes(out byte[] bytes) && bytes.AsSpan().SequenceEqual("a\0b"u8));
        Assert.True(reader.TryReadBytes(out bytes, KeyOrder.Descending) && bytes.AsSpan().SequenceEqual("a\0b"u8));
        Assert.True(reader.TryReadText(out var text) && text == "\u00E9");
        Assert.True(reader.TryReadGuid(out var id) && id == Id);
        Assert.True(reader.TryReadVersion(out var version) && version.Value == 1);
        Assert.True(reader.TryReadNullTag(out var isNull) && isNull);
        Assert.True(reader.TryReadNullTag(out isNull) && !isNull && reader.TryReadInt32(out signed) && signed == 5);
        Assert.True(reader.TryReadNullTag(out isNull) && isNull);
        Assert.Equal([0, 255], reader.Rest.ToArray());
    }

    // The hexadecimal pairs at the start of each line of the page's last code block, sixteen at most.
    static byte[] PageSample()
    {
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "formats", "keys.md"));
        return [.. Line().Matches(page.Split("```")[^2]).SelectMany(m => m.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(pair => byte.Parse(pair, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
    }

    [GeneratedRegex("^([0-9a-f]{2} ){1,16}", RegexOptions.Multiline)]
    private static partial Regex Line();
}
