// A real process, really killed (SIGKILL), and what it leaves. The child prints a line when something must survive; the parent reads lines
// up to a random point, kills, and looks.

using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Aevum.Core.Bytes;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Files;

public sealed class KillTests : IDisposable
{
    const int RecordBytes = 64;
    const int RegionBytes = 4 << 20;
    const int RecordsPerSync = 7;

    readonly string _home = Directory.CreateTempSubdirectory("aevum-kill-").FullName;
    readonly DiskFileSystem _files = new();

    public void Dispose() => Directory.Delete(_home, recursive: true);

    static void WriteRecord(IAppendRegion region, long number)
    {
        var offset = number * RecordBytes % RegionBytes;
        var record = region.GetSpan(offset, RecordBytes);
        record[12..].Fill((byte)number);
        BinaryPrimitives.WriteInt64LittleEndian(record, number + 1);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], Crc32C.Compute(record[12..]));
        region.Publish(offset, offset + RecordBytes);
    }

    static bool HoldsRecord(byte[] region, long number)
    {
        var record = region.AsSpan((int)(number * RecordBytes % RegionBytes), RecordBytes);
        return BinaryPrimitives.ReadInt64LittleEndian(record) == number + 1
            && BinaryPrimitives.ReadUInt32LittleEndian(record[8..]) == Crc32C.Compute(record[12..]);
    }

    /// <summary>In the child: publishes records, and says so after each.</summary>
    internal static void PublishForEver(string path, string mapping)
    {
        var files = new DiskFileSystem(new DiskOptions { RegionMapping = Enum.Parse<RegionMapping>(mapping) });
        using var region = files.CreateRegion(path, RegionBytes);
        for (var number = 0L; number < RegionBytes / RecordBytes; number++)
        {
            WriteRecord(region, number);
            Console.WriteLine(number);
        }
        Thread.Sleep(Timeout.Infinite);
    }

    /// <summary>In the child: syncs records in groups and replaces a file, and says so when each is durable.</summary>
    internal static void SyncForEver(string root, string shadow)
    {
        using var files = new RecordingFileSystem(new DiskFileSystem(), root, shadow);
        using var region = files.CreateRegion(FilePaths.Combine(root, "log"), RegionBytes);
        region.Sync();
        files.CreateDirectoryDurably(FilePaths.Combine(root, "d"));
        files.SyncDirectory(root);
        for (var number = 0L; number < RegionBytes / RecordBytes; number++)
        {
            WriteRecord(region, number);
            if (number % RecordsPerSync == RecordsPerSync - 1)
            {
                region.Sync();
                Console.WriteLine($"record {number}");
            }
            if (number % 10 != 9) continue;
            var path = FilePaths.Combine(root, "d");
            using (var file = files.Create(FilePaths.Combine(path, "current.tmp")))
            {
                file.Append(Encoding.UTF8.GetBytes($"{number / 10}"));
                file.Sync();
            }
            files.Rename(FilePaths.Combine(path, "current.tmp"), FilePaths.Combine(path, "current"));
            files.SyncDirectory(path);
            Console.WriteLine($"current {number / 10}");
        }
        Thread.Sleep(Timeout.Infinite);
    }

    /// <summary>Runs a role, reads the given number of lines, kills, and returns every line that came out.</summary>
    static List<string> RunAndKill(int lines, params string[] role)
    {
        var host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        using var child = Process.Start(new ProcessStartInfo(host, ["exec", typeof(KillTests).Assembly.Location, .. role])
        {
            RedirectStandardOutput = true,
        })!;
        var said = new List<string>();
        while (said.Count < lines && child.StandardOutput.ReadLine() is { } line) said.Add(line);
        Assert.Equal(lines, said.Count);
        child.Kill();
        child.WaitForExit();
        // Whole lines only: the last one may have been cut.
        var rest = child.StandardOutput.ReadToEnd();
        said.AddRange(rest[..(rest.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries));
        return said;
    }

    [Theory, InlineData("Automatic"), InlineData("Never")]
    public void What_was_published_survives_the_death_of_the_process(string mapping)
    {
        var random = new SeededRandom(1);
        for (var round = 0; round < 3; round++)
        {
            var path = FilePaths.Combine(_home, $"region-{round}");
            var said = RunAndKill(random.Next(1, 5_000), "region", path, mapping);
            var bytes = _files.ReadAllBytes(path);
            for (var number = 0L; number <= long.Parse(said[^1]); number++)
                Assert.True(HoldsRecord(bytes, number), $"record {number} is lost");
        }
    }

    [Fact]
    public void The_image_holds_what_was_durable_when_the_process_died()
    {
        var random = new SeededRandom(2);
        var lessThanReal = 0;
        for (var round = 0; round < 4; round++)
        {
            var root = FilePaths.Combine(_home, $"root-{round}");
            var shadow = FilePaths.Combine(_home, $"shadow-{round}");
            var image = FilePaths.Combine(_home, $"image-{round}");
            _files.CreateDirectory(root);
            var said = RunAndKill(random.Next(2, 300), "recording", root, shadow);
            RecordingFileSystem.Rebuild(_files, shadow, image);

            long Last(string what) =>
                said.Where(line => line.StartsWith(what, StringComparison.Ordinal))
                    .Select(line => long.Parse(line[what.Length..])).LastOrDefault(-1);
            var synced = Last("record ");
            var log = _files.ReadAllBytes(FilePaths.Combine(image, "log"));
            Assert.Equal(RegionBytes, log.Length);
            for (var number = 0L; number <= synced; number++) Assert.True(HoldsRecord(log, number), $"record {number} of {synced} is lost");
            // One more sync may have been under way; what came after it was never durable and must not be there.
            for (var number = synced + RecordsPerSync + 1; number <= synced + 50; number++) Assert.False(HoldsRecord(log, number));

            var current = FilePaths.Combine(FilePaths.Combine(image, "d"), "current");
            var acknowledged = Last("current ");
            var found = _files.FileExists(current) ? long.Parse(Encoding.UTF8.GetString(_files.ReadAllBytes(current))) : -1;
            Assert.InRange(found, acknowledged, acknowledged + 1);

            var real = _files.ReadAllBytes(FilePaths.Combine(root, "log"));
            if (!real.AsSpan().SequenceEqual(log)) lessThanReal++;
        }
        Assert.True(lessThanReal > 0, "in no round was anything unsynced at the kill: the image shows nothing that the directory does not");
    }
}
