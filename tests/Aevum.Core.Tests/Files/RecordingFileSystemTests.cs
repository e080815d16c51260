using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Files;

public sealed class RecordingDiskFileSystemTests : FileSystemContract, IDisposable
{
    readonly string _parent = Directory.CreateTempSubdirectory("aevum-recording-").FullName;
    readonly RecordingFileSystem _files;

    public RecordingDiskFileSystemTests()
    {
        Directory.CreateDirectory(Home);
        _files = new RecordingFileSystem(new DiskFileSystem(), Home, FilePaths.Combine(_parent, "shadow"));
    }

    protected override IFileSystem Files => _files;

    protected override string Home => FilePaths.Combine(_parent, "home");

    public void Dispose()
    {
        _files.Dispose();
        Directory.Delete(_parent, recursive: true);
    }
}

public sealed class RecordingFileSystemTests
{
    readonly MemoryFileSystem _memory = new();

    public RecordingFileSystemTests() => _memory.CreateDirectory("root");

    RecordingFileSystem Record(string shadow = "shadow") => new(_memory, "root", shadow);

    static void Write(IFileSystem files, string path, string text, bool sync)
    {
        using var file = files.Create(path);
        file.Append(Encoding.UTF8.GetBytes(text));
        if (sync) file.Sync();
    }

    string Image(string shadow = "shadow")
    {
        _memory.DeleteTree("image");
        RecordingFileSystem.Rebuild(_memory, shadow, "image");
        var picture = new StringBuilder();
        void Draw(string directory, string indent)
        {
            foreach (var name in _memory.ListFiles(directory))
                picture.Append(indent).Append(name).Append('=')
                    .Append(Encoding.UTF8.GetString(_memory.ReadAllBytes(FilePaths.Combine(directory, name))).TrimEnd('\0')).Append(' ');
            foreach (var name in _memory.ListDirectories(directory))
            {
                picture.Append(name).Append("/ ");
                Draw(FilePaths.Combine(directory, name), name + "/");
            }
        }

        Draw("image", "");
        return picture.ToString().TrimEnd();
    }

    [Fact]
    public void The_image_follows_each_sync()
    {
        using var files = Record();
        Assert.Equal("", Image());
        Write(files, "root/a", "text", sync: true);
        Assert.Equal("", Image());
        files.SyncDirectory("root");
        Assert.Equal("a=text", Image());
        using var file = files.Create("root/b");
        file.Append("one"u8);
        file.Sync();
        file.Append("two"u8);
        files.SyncDirectory("root");
        Assert.Equal("a=text b=one", Image());
        file.Sync();
        Assert.Equal("a=text b=onetwo", Image());
        files.Rename("root/a", "root/c");
        files.Link("root/b", "root/d");
        files.Delete("root/b");
        Assert.Equal("a=text b=onetwo", Image());
        files.SyncDirectory("root");
        Assert.Equal("c=text d=onetwo", Image());
        files.CreateDirectory("root/x/y");
        Write(files, "root/x/y/f", "deep", sync: true);
        files.SyncDirectory("root/x/y");
        Assert.Equal("c=text d=onetwo", Image());
        files.SyncDirectory("root");
        Assert.Equal("c=text d=onetwo x/", Image());
        files.SyncDirectory("root/x");
        Assert.Equal("c=text d=onetwo x/ y/ y/f=deep", Image());
    }

    [Fact]
    public void Regions_are_recorded_by_what_was_published()
    {
        using var files = Record();
        using (var region = files.CreateRegion("root/r", 1000))
        {
            files.SyncDirectory("root");
            "abc"u8.CopyTo(region.GetSpan(0, 3));
            region.Publish(0, 3);
            Assert.Equal("r=", Image());
            region.Sync();
            "def"u8.CopyTo(region.GetSpan(3, 3));
            region.Publish(3, 6);
            "never"u8.CopyTo(region.GetSpan(6, 5));
        }
        Assert.Equal("r=abc", Image());
        Assert.Equal(1000, _memory.FileLength("image/r"));
        files.Rename("root/r", "root/s");
        files.SyncDirectory("root");
        using (var again = files.OpenRegion("root/s")) again.Sync();     // a sync through any handle covers what others published
        Assert.Equal("s=abcdef", Image());
    }

    [Fact]
    public void Stretches_that_lie_apart_are_all_recorded()
    {
        var random = new SeededRandom(3);
        using var files = Record();
        using var region = files.CreateRegion("root/r", 50_000);
        files.SyncDirectory("root");
        var expected = new byte[50_000];
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 10; i++)
            {
                var start = random.Next(49_000);
                var bytes = expected.AsSpan(start, random.Next(1_000));
                random.Fill(bytes);
                bytes.CopyTo(region.GetSpan(start, bytes.Length));
                region.Publish(start, start + bytes.Length);
            }
            region.Sync();
            Image();
            Assert.Equal(expected, _memory.ReadAllBytes("image/r"));
        }
    }

    [Fact]
    public void What_was_there_before_counts_as_durable()
    {
        _memory.CreateDirectory("root/d");
        Write(_memory, "root/d/f", "before", sync: false);
        Write(_memory, "root/g", "also", sync: false);
        using (var first = Record()) Assert.Equal("g=also d/ d/f=before", Image());
        using var second = Record("other");
        Write(second, "root/d/f", "after", sync: true);
        Assert.Equal("g=also d/ d/f=before", Image("other"));
        second.SyncDirectory("root/d");
        Assert.Equal("g=also d/ d/f=after", Image("other"));
    }

    [Fact]
    public void A_journal_cut_anywhere_gives_an_earlier_image()
    {
        using var files = Record();
        var images = new List<string> { "" };
        void Took() { if (images[^1] != Image()) images.Add(Image()); }

        for (var i = 0; i < 6; i++)
        {
            Write(files, $"root/f{i % 3}", $"text {i}", sync: true);
            Took();
            files.SyncDirectory("root");
            Took();
        }
        var journal = _memory.ReadAllBytes("shadow/journal");
        _memory.CreateDirectory("cut");
        var seen = new HashSet<string>();
        for (var length = 0; length <= journal.Length; length++)
        {
            using (var file = _memory.Create("cut/journal")) file.Append(journal.AsSpan(0, length));
            var image = Image("cut");
            Assert.Contains(image, images);
            seen.Add(image);
        }
        Assert.Equal(images.Count, seen.Count);
    }

    [Fact]
    public void A_failed_sync_is_not_recorded()
    {
        var faulty = new FaultyFileSystem(1);
        faulty.CreateDirectory("root");
        using var files = new RecordingFileSystem(faulty, "root", "shadow");
        using var file = files.Create("root/a");
        files.SyncDirectory("root");
        file.Append("lost"u8);
        faulty.Plan.FailNth(FileOperation.Sync, 1);
        Assert.Throws<AevumException>(file.Sync);
        RecordingFileSystem.Rebuild(faulty, "shadow", "image");
        Assert.Equal(0, faulty.FileLength("image/a"));
    }

    [Fact]
    public void The_image_is_what_a_strict_power_cut_leaves()
    {
        // The two models of durability, told the same story: a random one.
        var names = new[] { "root/a", "root/b", "root/d/a", "root/d/b" };
        for (var seed = 0UL; seed < 60; seed++)
        {
            var faulty = new FaultyFileSystem(seed, new FaultPlan { WriteBackProbability = 0 });
            faulty.CreateDirectoryDurably("root/d");
            faulty.CreateDirectoryDurably("shadow");
            var random = new SeededRandom(seed);
            using var files = new RecordingFileSystem(faulty, "root", "shadow");
            for (var step = 0; step < 60; step++)
            {
                var name = names[random.Next(4)];
                var other = names[random.Next(4)];
                switch (random.Next(7))
                {
                    case 0: Write(files, name, $"step {step}", sync: random.OneIn(2)); break;
                    case 1: files.Delete(name); break;
                    case 2 when files.FileExists(name) && name != other: files.Rename(name, other); break;
                    case 3 when files.FileExists(name) && !files.FileExists(other): files.Link(name, other); break;
                    case 4 when files.FileExists(name):
                        using (var region = files.OpenRegion(name))
                        {
                            if (region.Capacity == 0) break;
                            region.GetSpan(0, 1)[0] = (byte)('a' + random.Next(26));
                            region.Publish(0, 1);
                            if (random.OneIn(2)) region.Sync();
                        }
                        break;
                    case 5: files.SyncDirectory("root"); break;
                    case 6: files.SyncDirectory("root/d"); break;
                }
            }
            // The journal lies in the page cache, which a power cut loses: it is taken out before.
            var journal = faulty.ReadAllBytes("shadow/journal");
            var cut = faulty.PowerCut(PowerCutMode.LoseUnsynced);
            var memory = new MemoryFileSystem();
            memory.CreateDirectory("shadow");
            using (var copy = memory.Create("shadow/journal")) copy.Append(journal);
            RecordingFileSystem.Rebuild(memory, "shadow", "root");
            foreach (var name in names)
            {
                Assert.True(cut.FileExists(name) == memory.FileExists(name), $"seed {seed}: {name}");
                if (cut.FileExists(name)) Assert.Equal(cut.ReadAllBytes(name), memory.ReadAllBytes(name));
            }
        }
    }

    [Fact]
    public void Paths_outside_of_the_root_and_used_shadows_are_refused()
    {
        using var files = Record();
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => files.Create("elsewhere/a")).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => files.Create("root/../a")).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Record()).Code);
        _memory.CreateDirectory("full/x");
        var full = Assert.Throws<AevumException>(() => RecordingFileSystem.Rebuild(_memory, "shadow", "full"));
        Assert.Equal(ErrorCode.InvalidArgument, full.Code);
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => new RecordingFileSystem(_memory, "none", "s")).Code);
    }
}
