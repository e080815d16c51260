using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Disk;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Disk;

public sealed class DiskFileTests
{
    static readonly VectorShape Shape = new(ElementType.Int8, Metric.L2, 6);

    // The same on every machine but for the last bits of the codebook.
    static byte[] Written(int rows = 60, ulong seed = 5)
    {
        var files = new MemoryFileSystem();
        using var world = new DiskWorld(Shape, new(seed), rows, new() { M = 4, EfConstruction = 20 });
        DiskIndex.Write(files, "a", world.Index, DiskWorld.Small());
        Assert.Equal(["a"], files.ListFiles(""));
        return files.ReadAllBytes("a");
    }

    static DiskIndex Open(byte[] bytes)
    {
        var files = new MemoryFileSystem();
        using (var file = files.Create("a")) file.Append(bytes);
        return DiskIndex.Open(files, "a", DiskWorld.AnyShare);
    }

    // Everything the file holds is asked for.
    static void OpenAndRead(byte[] bytes)
    {
        using var index = Open(bytes);
        index.CheckPages();
        DiskWorld.Search(index, [1, 2, 3, 4, 5, 6], new(10) { Ef = 30 });
    }

    [Fact]
    public void The_same_graph_gives_the_same_file() => Assert.Equal(Written(), Written());

    [Fact]
    public void Every_damaged_byte_and_every_cut_is_found()
    {
        var bytes = Written();
        OpenAndRead(bytes);
        for (var i = 0; i < bytes.Length; i += i < 80 || i > bytes.Length - 300 ? 1 : 41)
        {
            // Between the header's 64 bytes and the first page nothing is, and nothing is read.
            if (i is >= DiskFormat.HeaderBytes and < PageLayout.Unit) continue;
            var damaged = bytes.ToArray();
            damaged[i] ^= (byte)(1 << (i % 8));
            var error = Assert.ThrowsAny<AevumException>(() => OpenAndRead(damaged));
            Assert.True(error.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, $"byte {i}: {error}");
            Assert.Equal(ErrorCode.Corruption, Assert.ThrowsAny<AevumException>(() => OpenAndRead(bytes[..i])).Code);
        }
        Assert.Equal(ErrorCode.Corruption, Assert.ThrowsAny<AevumException>(() => OpenAndRead([.. bytes, 0])).Code);
        var foreign = bytes.ToArray();
        foreign[4]++;
        Assert.Equal(ErrorCode.UnsupportedFormat, Assert.ThrowsAny<AevumException>(() => OpenAndRead(foreign)).Code);
    }

    [Fact]
    public void Pages_of_another_place_or_another_file_are_not_taken_for_ones_own()
    {
        var bytes = Written(800);
        var first = bytes.AsSpan(PageLayout.Unit, PageLayout.Unit).ToArray();
        var exchanged = bytes.ToArray();
        first.CopyTo(exchanged, 2 * PageLayout.Unit);
        Assert.Equal(ErrorCode.Corruption, Assert.ThrowsAny<AevumException>(() => OpenAndRead(exchanged)).Code);
        var other = Written(801, seed: 6);
        var mixed = bytes.ToArray();
        other.AsSpan(PageLayout.Unit, PageLayout.Unit).CopyTo(mixed.AsSpan(PageLayout.Unit));
        Assert.Equal(ErrorCode.Corruption, Assert.ThrowsAny<AevumException>(() => OpenAndRead(mixed)).Code);
    }

    [Theory, Seeds(20)]
    public void Any_bytes_under_right_checksums_are_an_index_or_refused(ulong seed)
    {
        var random = new SeededRandom(seed);
        var original = Written();
        var footerAt = original.Length - DiskFormat.FooterBytes;
        for (var round = 0; round < 40; round++)
        {
            var bytes = original.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                // The parts that say what the others are, and links, more often than codes and vectors.
                var at = random.Next(4) switch
                {
                    0 => random.Next(DiskFormat.HeaderBytes),
                    1 => footerAt + random.Next(DiskFormat.FooterBytes),
                    2 => Place(bytes, random.Next(2, DiskFormat.Sections), random),
                    _ => random.Next(bytes.Length),
                };
                bytes[at] = random.OneIn(2) ? (byte)random.Next(256) : (byte)(bytes[at] + random.Next(-2, 3));
            }
            Resign(bytes);
            try
            {
                OpenAndRead(bytes);
            }
            catch (AevumException e)
            {
                Assert.True(e.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat or ErrorCode.LimitExceeded, e.ToString());
            }
        }
    }

    [Fact]
    public void The_fixture_is_read_and_written_alike()
    {
        var file = System.IO.Path.Combine(TestFolders.Project, "testdata", "vector-pages", "v1.index");
        var made = Written(9);
        if (Environment.GetEnvironmentVariable("AEVUM_WRITE_FIXTURES") == "1") File.WriteAllBytes(file, made);
        var bytes = File.ReadAllBytes(file);
        OpenAndRead(bytes);
        Assert.Equal(made.Length, bytes.Length);
        // All but what follows from learnt numbers: codebook, codes and their checksums.
        Assert.Equal(made.AsSpan(0, 2 * PageLayout.Unit), bytes.AsSpan(0, 2 * PageLayout.Unit));
        using var index = Open(bytes);
        using var world = new DiskWorld(Shape, new(5), 9, new() { M = 4, EfConstruction = 20 });
        float[] query = [1, 2, 3, 4, 5, 6];
        Assert.Equal(world.Exact(query, 9).Select(id => world.Distance(query, id)), DiskWorld.Search(index, query, new(9)).Select(f => f.Distance));
    }

    [Theory, Seeds(30)]
    public void A_failing_disk_leaves_the_older_file_or_the_newer_one(ulong seed)
    {
        var random = new SeededRandom(seed);
        var files = new FaultyFileSystem(seed);
        files.CreateDirectory("d");
        files.SyncDirectory("");
        using var older = new DiskWorld(Shape, new(1), 20, new() { M = 4, EfConstruction = 20 });
        using var newer = new DiskWorld(Shape, new(2), 30, new() { M = 4, EfConstruction = 20 });
        DiskIndex.Write(files, "d/a", older.Index, DiskWorld.Small());
        var isDone = false;
        if (random.OneIn(2)) files.Plan.FailNth((FileOperation)random.Next(Enum.GetValues<FileOperation>().Length), 1 + random.Next(3));
        else files.Plan.PowerCutAt = files.ChangeCount + random.Next(1, 30);
        try
        {
            DiskIndex.Write(files, "d/a", newer.Index, DiskWorld.Small());
            isDone = true;
        }
        catch (AevumException e)
        {
            Assert.True(e.Code is ErrorCode.InputOutput or ErrorCode.Closed or ErrorCode.DiskFull, e.ToString());
        }
        var after = files.Successor ?? files.PowerCut();
        after.Plan.Heal();
        using var index = DiskIndex.Open(after, "d/a", DiskWorld.AnyShare);
        index.CheckPages();
        Assert.True(index.Count == 30 || (!isDone && index.Count == 20), $"{index.Count}");
    }

    [Theory, Seeds(20)]
    public void A_failing_read_is_an_error_and_never_a_wrong_answer(ulong seed)
    {
        var files = new FaultyFileSystem(seed);
        using var world = new DiskWorld(Shape, new(3), 400, new() { M = 6, EfConstruction = 30 });
        using var index = world.Open(files);
        var random = new SeededRandom(seed);
        var query = world.Made(random);
        var right = DiskWorld.Search(index, query, new(10));
        var failed = 0;
        files.Plan.FailWithProbability(FileOperation.Read, 0.05);
        files.Plan.FlipOnReadProbability = 0.05;
        for (var i = 0; i < 30; i++)
        {
            try
            {
                Assert.Equal(right, DiskWorld.Search(index, query, new(10)));
            }
            catch (AevumException e)
            {
                Assert.True(e.Code is ErrorCode.InputOutput or ErrorCode.Corruption, e.ToString());
                failed++;
            }
        }
        Assert.InRange(failed, 1, 29);
        files.Plan.Heal();
        Assert.Equal(right, DiskWorld.Search(index, query, new(10)));
    }

    static int Place(byte[] bytes, int section, SeededRandom random)
    {
        var place = bytes.AsSpan(bytes.Length - DiskFormat.FooterBytes + 40 + (24 * section));
        var (offset, length) = (BinaryPrimitives.ReadInt64LittleEndian(place), BinaryPrimitives.ReadInt64LittleEndian(place[8..]));
        return offset >= 0 && length > 0 && offset + length <= bytes.Length ? (int)(offset + random.Next(length)) : random.Next(bytes.Length);
    }

    // Makes all checksums right, wherever the bytes say that something is.
    static void Resign(byte[] bytes)
    {
        var mark = Crc32C.Compute(bytes.AsSpan(0, 60));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(60), mark);
        for (var page = PageLayout.Unit; page + PageLayout.Unit <= bytes.Length; page += PageLayout.Unit)
        {
            var trailer = bytes.AsSpan(page + PageLayout.Unit - 16, 16);
            if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != (page / PageLayout.Unit) - 1) continue;
            BinaryPrimitives.WriteUInt32LittleEndian(trailer[8..], mark);
            BinaryPrimitives.WriteUInt32LittleEndian(trailer[12..], Crc32C.Compute(bytes.AsSpan(page, PageLayout.Unit - 4)));
        }
        var footer = bytes.AsSpan(bytes.Length - DiskFormat.FooterBytes);
        for (var i = 0; i < DiskFormat.Sections; i++)
        {
            var place = footer[(40 + (24 * i))..];
            var (offset, length) = (BinaryPrimitives.ReadInt64LittleEndian(place), BinaryPrimitives.ReadInt64LittleEndian(place[8..]));
            if (offset < 0 || length < 0 || offset + length > bytes.Length || offset + length < 0) continue;
            var section = bytes.AsSpan((int)offset, (int)length);
            if (i == 0 && length > 4) BinaryPrimitives.WriteUInt32LittleEndian(section[^4..], Crc32C.Compute(section[..^4]));
            BinaryPrimitives.WriteUInt32LittleEndian(place[16..], Crc32C.Compute(section));
        }
        BinaryPrimitives.WriteUInt32LittleEndian(footer[4..], mark);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[^4..], Crc32C.Compute(footer[..^4]));
    }
}
