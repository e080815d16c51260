// A log written by an earlier build is read, record for record, and docs/formats/log.md shows its first bytes.
//
// Until release 0.1 a change of format changes the fixture too: AEVUM_GOLDENS=rewrite writes it anew.

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Aevum.Core.Files;
using Aevum.Storage.Log;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Log;

public sealed partial class LogFormatTests
{
    static readonly string Folder = Path.Combine(TestFolders.Project, "testdata", "log", "v1");

    static readonly LogOptions Options = LogWorld.Options with { FirstSegmentBytes = 4096, SegmentBytes = 64 << 10 };

    static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    // Every kind of record, a change of segment, the death of a process, a segment that a recovery began.
    static LogImage Write()
    {
        LogImage crashed;
        using (var world = new LogWorld(idle: true, seed: 2026))
        {
            var log = world.Open(Options);
            var (one, two, three) = (log.OpenStream(1), log.OpenStream(2), log.OpenStream(3));
            log.Append(one, 1, Text("hello"));
            log.Append(two, 1, Text("a record of "), Text("another stream"));
            log.SyncNow();
            log.Append(one, 2, []);
            log.Append(one, 3, Text("a suffix that goes"));
            log.Append(three, 1, Text("a stream that goes"));
            log.Append([LogEntry.TruncateSuffix(one, 3), LogEntry.Data(one, 3, Text("what came instead"))]);
            two.Release(1);
            log.DropStream(three);
            for (ulong i = 2; i <= 9; i++) log.Append(two, i, Text(new string((char)('a' + i), 600)));
            one.Release(1);
            log.Append(one, 4, Text("the last one before the process died"));
            crashed = world.Image();
        }
        using (var world = LogWorld.Restore(crashed, idle: true))
        {
            using var log = world.Open(Options);
            var two = log.OpenStream(2);
            two.Release(100);
            log.Append(two, 101, Text("further up"));
            log.Append(log.OpenStream(3), 1, Text("begun anew"));
            log.SyncNow();
            log.Append(log.OpenStream(1), 5, Text("after a sync"));
            log.Dispose();
            return world.Image();
        }
    }

    static string Listing(LogImage image)
    {
        var text = new StringBuilder();
        var inspection = LogInspector.Inspect(image.ToFiles(), LogWorld.Directory, (info, payload) =>
            text.Append(info.ToString()).Append(' ').Append(Shorten(payload)).Append('\n'));
        foreach (var s in inspection.Segments)
            text.Append(CultureInfo.InvariantCulture, $"segment {s.Number} epoch {s.Epoch} timeline {s.Timeline} of {s.DatabaseId}: ")
                .Append(CultureInfo.InvariantCulture, $"{s.FileBytes} bytes, {s.Records} records, sealed {s.IsSealed}\n");
        foreach (var (id, first, last) in inspection.Streams) text.Append(CultureInfo.InvariantCulture, $"stream {id}: {first} to {last}\n");
        return text.Append(inspection.Recovery).Append(inspection.Refusal?.Message).Append('\n').ToString();
    }

    static string Shorten(ReadOnlySpan<byte> payload) => payload.Length > 40
        ? $"{payload.Length} bytes"
        : string.Concat(payload.ToArray().Select(b => b is >= 32 and < 127 ? $"{(char)b}" : $"\\{b:x2}"));

    static LogImage Fixture()
    {
        if (Environment.GetEnvironmentVariable("AEVUM_GOLDENS") == "rewrite")
        {
            Directory.CreateDirectory(Folder);
            var image = Write();
            foreach (var (name, bytes) in image.Files) File.WriteAllBytes(Path.Combine(Folder, name), bytes);
            File.WriteAllText(Path.Combine(Folder, "listing.txt"), Listing(image));
        }
        return LogImage.Of(new DiskFileSystem(), Folder);
    }

    [Fact]
    public void The_fixture_is_read_as_it_was_written()
    {
        var image = Fixture();
        var listing = Encoding.UTF8.GetString(image.Files["listing.txt"]);
        Assert.Equal(listing, Listing(image));

        using var world = LogWorld.Restore(image, "another boot", idle: true);
        using var log = world.Open(Options);
        var told = new List<string>();
        foreach (var id in log.StreamIds)
        {
            var stream = log.OpenStream(id);
            stream.Replay(stream.FirstPosition, (position, payload) => told.Add($"{id}/{position} {Shorten(payload)}"));
        }
        Assert.Equal(
            [
                "1/2 ", "1/3 what came instead", "1/4 the last one before the process died", "1/5 after a sync",
                "2/101 further up", "3/1 begun anew",
            ],
            told);
    }

    [Fact]
    public void Todays_build_writes_the_same_bytes()
    {
        var fixture = Fixture();
        fixture.Files.Remove("listing.txt");
        var today = Write();
        Assert.Equal(fixture.Files.Keys, today.Files.Keys);
        foreach (var (name, bytes) in today.Files) Assert.True(bytes.AsSpan().SequenceEqual(fixture.Files[name]), name);
    }

    [Fact]
    public void The_sample_of_the_format_page_is_the_beginning_of_the_fixture()
    {
        var page = File.ReadAllText(Path.Combine(TestFolders.Repository, "docs", "formats", "log.md"));
        var block = page.Split("```")[^2];
        byte[] sample = [.. Line().Matches(block).SelectMany(m => m.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(pair => byte.Parse(pair, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
        Assert.True(sample.Length > SegmentHeader.Bytes + 100);
        Assert.Equal(Convert.ToHexString(Fixture().Files["0000000001.log"].AsSpan(0, sample.Length)), Convert.ToHexString(sample));
    }

    [GeneratedRegex("^([0-9a-f]{2} )+", RegexOptions.Multiline)]
    private static partial Regex Line();
}
