using System.Globalization;
using System.Text.RegularExpressions;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Testing;

namespace Aevum.Core.Tests.Batches;

/// <summary>The sample of docs/formats/batch.md is a batch, and the one that the page says it is.</summary>
public sealed partial class BatchFormatTests
{
    static readonly SystemTime Stamp = SystemTime.FromMicroseconds(1_700_000_000_000_000, counter: 1);

    static WriteBatch Sample()
    {
        var batch = new WriteBatch { SystemTime = Stamp };
        batch.Put("city"u8, "Bern"u8);
        batch.Put("k"u8, "v"u8, expiry: SystemTime.FromMicroseconds(1_700_000_010_000_000));
        batch.Merge("n"u8, "+1"u8);
        batch.Delete("old"u8);
        batch.DeleteRange("x"u8, "y"u8);
        return batch;
    }

    [Fact]
    public void The_page_shows_what_is_written() => Assert.Equal(Convert.ToHexString(Sample().Encoded), Convert.ToHexString(PageSample()));

    [Fact]
    public void The_sample_reads_back_as_the_page_says()
    {
        var reader = new BatchReader(PageSample());
        Assert.Equal(Stamp, reader.SystemTime);
        var told = new List<string>();
        while (reader.TryRead(out var effect)) told.Add($"{effect.Kind} {Text(effect.Key)} {Text(effect.Value)} {effect.Expiry}");
        Assert.Equal(["Put city Bern 0", "Put k v 1740800010240000000", "Merge n +1 0", "Delete old  0", "DeleteRange x y 0"], told);
    }

    static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.ASCII.GetString(bytes);

    // The hexadecimal pairs at the start of each line of the page's last code block.
    static byte[] PageSample()
    {
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "formats", "batch.md"));
        var block = page.Split("```")[^2];
        return [.. Line().Matches(block).SelectMany(m => m.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(pair => byte.Parse(pair, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
    }

    [GeneratedRegex("^([0-9a-f]{2} )+", RegexOptions.Multiline)]
    private static partial Regex Line();
}
