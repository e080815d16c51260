using System.Buffers.Binary;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Ivf;
using Aevum.Vectors.Quantization;
using Aevum.Vectors.Tests.Quantization;
using Aevum.Vectors.Tests.Segments;

namespace Aevum.Vectors.Tests.Ivf;

/// <summary>Files of inverted lists: opened they answer as before and take changes; whatever else is there is refused, or does no harm.</summary>
public sealed unsafe class IvfFileTests : IDisposable
{
    const string File = "lists.seg";

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("aevum-ivf");

    public void Dispose() => _folder.Delete(recursive: true);

    public static TheoryData<ElementType, Metric, bool> Forms() => new()
    {
        { ElementType.Float32, Metric.L2, false }, { ElementType.Float32, Metric.L2, true }, { ElementType.Float32, Metric.InnerProduct, true },
        { ElementType.Float32, Metric.L1, true }, { ElementType.Float32, Metric.Cosine, false }, { ElementType.Float16, Metric.Cosine, false },
        { ElementType.Float16, Metric.Cosine, true }, { ElementType.Int8, Metric.L2, false },
    };

    [Theory, MemberData(nameof(Forms))]
    public void An_index_that_was_opened_answers_as_the_one_that_was_saved_also_when_both_change(ElementType element, Metric metric, bool coded)
    {
        var random = new SeededRandom(2);
        var shape = new VectorShape(element, metric, 13);
        using var vectors = new Vectors(shape, 700, random);
        using var index = Build(vectors, new() { Lists = 11, Probes = 3, IsCoded = coded, SubCount = 5, RoundsMax = 4 }, 500, random);
        // What was moved about and shrunk is in the lists too.
        for (uint row = 0; row < 500; row += 3) Assert.True(index.Delete(row));
        var (disk, memory) = (new DiskFileSystem(), new MemoryFileSystem());
        var path = Path.Combine(_folder.FullName, File);
        index.Save(disk, path);
        index.Save(memory, File);
        var bytes = disk.ReadAllBytes(path);
        Assert.Equal(bytes, memory.ReadAllBytes(File));
        var (mappedBudget, readBudget) = (new MemoryBudget(64 << 20), new MemoryBudget(64 << 20));
        using (var mapped = IvfIndex.Open(disk, path, vectors, mappedBudget))
        using (var read = IvfIndex.Open(memory, File, vectors, readBudget))
        {
            Assert.Equal((true, false), (mapped.IsMapped, read.IsMapped));
            Assert.Equal(mapped.MemoryBytes, mappedBudget.UsedBytes);
            Assert.Equal(read.MemoryBytes, readBudget.UsedBytes);
            Assert.Equal(mapped.MemoryBytes + bytes.Length, read.MemoryBytes);
            IvfIndex[] opened = [mapped, read];
            foreach (var other in opened)
                Assert.Equal((index.Count, index.ListCount, index.Options, index.Shape), (other.Count, other.ListCount, other.Options, other.Shape));
            RequireSame(index, opened, vectors, random);
            // Saved again it is the same file, whoever saves it.
            Assert.Equal(bytes, Bytes(mapped));
            for (var round = 0; round < 12; round++)
            {
                for (var change = 0; change < 60; change++)
                {
                    var row = (uint)random.Next(700);
                    var isPut = random.OneIn(2);
                    var was = isPut || index.Delete(row);
                    if (isPut) index.Put(row, vectors.Stored(row));
                    foreach (var other in opened)
                    {
                        if (isPut) other.Put(row, vectors.Stored(row));
                        else Assert.Equal(was, other.Delete(row));
                        Assert.Equal((isPut, index.Count), (other.Contains(row), other.Count));
                    }
                }
                RequireSame(index, opened, vectors, random);
            }
            foreach (var other in opened) Assert.Equal(Bytes(index), Bytes(other));
            for (uint row = 0; row < 700; row++)
                foreach (var other in opened) other.Delete(row);
            Assert.Equal((0, 0), (mapped.Count, read.Count));
        }
        Assert.Equal((0, 0), (mappedBudget.UsedBytes, readBudget.UsedBytes));
        // Changes of the mapped one stayed in memory.
        Assert.Equal(bytes, disk.ReadAllBytes(path));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void An_index_without_rows_is_saved_and_opened(bool coded)
    {
        var random = new SeededRandom(3);
        using var vectors = new Vectors(new(ElementType.Float32, Metric.L2, 8), 40, random);
        using var index = Build(vectors, new() { Lists = 4, IsCoded = coded, SubCount = 4 }, 0, random);
        var path = Path.Combine(_folder.FullName, File);
        index.Save(new DiskFileSystem(), path);
        using var opened = IvfIndex.Open(new DiskFileSystem(), path, null, MemoryBudget.Unlimited());
        var results = new Neighbour[3];
        Assert.Equal((0, 0), (opened.Count, opened.Search(vectors.Stored(1), new(new(3)), results)));
        Assert.False(opened.Delete(1));
        opened.Put(1, vectors.Stored(1));
        Assert.Equal(1, opened.Search(vectors.Stored(1), new(new(3)), results));
        Assert.Equal(1u, results[0].Row);
    }

    [Fact]
    public void Nothing_of_rows_that_were_deleted_is_in_the_file()
    {
        var random = new SeededRandom(5);
        using var vectors = new Vectors(new(ElementType.Float32, Metric.L2, 8), 60, random);
        using var index = Build(vectors, new() { Lists = 1, IsCoded = true, SubCount = 8 }, 60, random);
        for (uint row = 0; row < 25; row++) index.Delete(row);
        var file = Bytes(index);
        // 35 codes of 4 bytes: one block, and one of which 3 places are used.
        var block = file.AsSpan(At(file, SectionKind.ListEntries) + (32 * 4), 32 * 4);
        for (var p = 0; p < 4; p++) Assert.Equal(new byte[29], block.Slice((32 * p) + 3, 29).ToArray());
        Assert.NotEqual(new byte[128], block.ToArray());
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_file_it_lies_in_is_replaced_when_it_is_saved_there_and_it_goes_on(bool maps)
    {
        var random = new SeededRandom(4);
        using var vectors = new Vectors(new(ElementType.Float32, Metric.L2, 8), 60, random);
        IFileSystem files = maps ? new DiskFileSystem() : new MemoryFileSystem();
        var path = maps ? Path.Combine(_folder.FullName, File) : File;
        using (var index = Build(vectors, new() { Lists = 4 }, 40, random)) index.Save(files, path);
        using var opened = IvfIndex.Open(files, path, null, MemoryBudget.Unlimited());
        Assert.Equal(maps, opened.IsMapped);
        for (uint row = 40; row < 60; row++) opened.Put(row, vectors.Stored(row));
        var expected = Bytes(opened);
        opened.Save(files, path);
        // By another name for the same place, too.
        opened.Save(files, maps ? Path.Combine(_folder.FullName, ".", File) : File);
        Assert.Equal(expected, files.ReadAllBytes(path));
        Assert.Equal(expected, Bytes(opened));
        using var again = IvfIndex.Open(files, path, null, MemoryBudget.Unlimited());
        Assert.Equal(60, again.Count);
        // What fails leaves the file as it is.
        opened.Delete(3);
        Assert.Throws<AevumException>(() => opened.Save(new FullFiles(files), path));
        Assert.Equal(expected, files.ReadAllBytes(path));
        Assert.Equal([File], files.ListFiles(maps ? _folder.FullName : ""));
    }

    [Fact]
    public void A_closed_index_is_not_saved()
    {
        var random = new SeededRandom(4);
        using var vectors = new Vectors(new(ElementType.Float32, Metric.L2, 8), 40, random);
        var files = new MemoryFileSystem();
        var index = Build(vectors, new() { Lists = 4 }, 40, random);
        index.Dispose();
        Assert.Equal(ErrorCode.Closed, Assert.Throws<AevumException>(() => index.Save(files, File)).Code);
        Assert.Empty(files.ListFiles(""));
    }

    [Fact]
    public void Rows_that_lie_far_apart_take_no_more_memory_than_others()
    {
        var random = new SeededRandom(6);
        using var vectors = new Vectors(new(ElementType.Float32, Metric.L2, 8), 200, random);
        using var index = Build(vectors, new() { Lists = 3 }, 0, random);
        for (uint i = 0; i < 200; i++) index.Put(i * 21_000_000, vectors.Stored(i));
        var path = Path.Combine(_folder.FullName, File);
        index.Save(new DiskFileSystem(), path);
        using var opened = IvfIndex.Open(new DiskFileSystem(), path, null, new MemoryBudget(200 * 17));
        for (uint i = 0; i < 200; i++) Assert.Equal((true, false), (opened.Contains(i * 21_000_000), opened.Contains((i * 21_000_000) + 1)));
    }

    [Fact]
    public void Searches_go_on_beside_a_save_though_a_change_waits_for_it()
    {
        var random = new SeededRandom(8);
        using var vectors = new Vectors(new(ElementType.Float32, Metric.L2, 8), 100, random);
        using var index = Build(vectors, new() { Lists = 2, Probes = 2 }, 99, random);
        var files = new HeldFiles(new MemoryFileSystem());
        var saving = new Thread(() => index.Save(files, File));
        var putting = new Thread(() => index.Put(99, vectors.Stored(99)));
        var results = new Neighbour[1];
        var searching = new Thread(() => index.Search(vectors.Stored(99), new(new(1)), results)) { IsBackground = true };
        saving.Start();
        files.Writes.Wait();
        putting.Start();
        while ((putting.ThreadState & ThreadState.WaitSleepJoin) == 0) Thread.Yield();
        searching.Start();
        var isAnswered = searching.Join(TimeSpan.FromSeconds(20));
        files.Goes.Set();
        foreach (var thread in (Thread[])[saving, putting, searching]) thread.Join();
        Assert.True(isAnswered, "the search waited for the save");
        Assert.NotEqual(99u, results[0].Row);
        Assert.True(index.Contains(99));
        using var opened = IvfIndex.Open(files, File, null, MemoryBudget.Unlimited());
        Assert.Equal((99, false), (opened.Count, opened.Contains(99)));
    }

    [Fact]
    public void A_budget_without_room_refuses_and_nothing_is_left_behind()
    {
        var files = new MemoryFileSystem();
        using (var file = files.Create(File)) file.Append(Saved(true));
        // Room for the file, not for where rows are; room for neither.
        foreach (var limit in (long[])[Saved(true).Length + 2_000, 1_000])
        {
            var budget = new MemoryBudget(limit);
            Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<AevumException>(() => IvfIndex.Open(files, File, null, budget)).Code);
            Assert.Equal(0, budget.UsedBytes);
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_file_with_any_bit_changed_or_of_another_length_is_refused(bool coded)
    {
        var whole = Saved(coded);
        var sections = Enumerable.Range(0, BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(32)))
            .Select(i => (int)BinaryPrimitives.ReadInt64LittleEndian(whole.AsSpan(SegmentFormat.TableOffset + (i * SegmentFormat.TableEntryBytes) + 8)));
        SegmentDamage.AssertRefused(whole, CodeOf, $"coded {coded}", sections.SelectMany(start => Enumerable.Range(start, 12)));
    }

    // Each lie alone, so that each check is seen to work.
    [Fact]
    public void Each_lie_about_sizes_and_places_is_found_under_good_checksums()
    {
        foreach (var coded in (bool[])[false, true])
        {
            var whole = Saved(coded);
            Refused("kind", b => b[12] = 3);
            Refused("element", b => b[64] = 9);
            Refused("bits", b => (b[64], b[65]) = (4, 5));
            Refused("metric", b => b[65] = 77);
            Refused("coded or not", b => b[66] ^= 1);
            Refused("neither", b => b[66] = 2);
            foreach (var dimension in (int[])[0, -1, 7, 9, int.MaxValue]) Refused("dimension", b => Put(b, 68, dimension));
            foreach (var rows in (int[])[-1, 249, 251, int.MaxValue]) Refused("rows", b => Put(b, 72, rows));
            foreach (var lists in (int[])[0, -1, 5, 7, 9, int.MaxValue]) Refused("lists", b => Put(b, 80, lists));
            foreach (var lists in (int[])[0, 5, int.MaxValue]) Refused("lists asked for", b => Put(b, 84, lists));
            Refused("probes", b => Put(b, 88, 0));
            Refused("rounds", b => Put(b, 96, -1));
            if (coded) foreach (var parts in (int[])[0, -1, 3, 5, int.MaxValue]) Refused("parts", b => Put(b, 92, parts));
            Refused("an infinite centroid", b => BinaryPrimitives.WriteSingleLittleEndian(b.AsSpan(At(b, SectionKind.Centroids)), float.PositiveInfinity));
            Refused("a centroid that is no number", b => BinaryPrimitives.WriteSingleLittleEndian(b.AsSpan(At(b, SectionKind.Centroids) + 4), float.NaN));
            foreach (var end in (long[])[-1, 251, long.MinValue, long.MaxValue, uint.MaxValue])
                for (var list = 0; list < 6; list++)
                    Refused("an end", b => BinaryPrimitives.WriteInt64LittleEndian(b.AsSpan(At(b, SectionKind.ListEnds) + (8 * list)), end));
            Refused("the last end", b => BinaryPrimitives.WriteInt64LittleEndian(b.AsSpan(At(b, SectionKind.ListEnds) + 40), 249));
            Refused("a row twice", b => b.AsSpan(At(b, SectionKind.ListRows), 4).CopyTo(b.AsSpan(At(b, SectionKind.ListRows) + (4 * 249))));
            if (coded) Refused("a codebook", b => b[At(b, SectionKind.Codebook) + 70] ^= 1);

            void Refused(string what, Action<byte[]> lie)
            {
                var forged = (byte[])whole.Clone();
                lie(forged);
                SegmentFileTests.Forge(forged);
                var code = CodeOf(forged);
                Assert.True(code == ErrorCode.Corruption, $"{what} of {(coded ? "codes" : "vectors")}: {code}");
            }
        }

        static void Put(byte[] bytes, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);
    }

    [Theory, Seeds(25)]
    public void A_file_that_lies_under_good_checksums_does_no_harm(ulong seed)
    {
        var random = new SeededRandom(seed);
        var whole = Saved(random.OneIn(2));
        SegmentDamage.UseForged(whole, CodeOf, random);
    }

    // What is learnt may differ between machines in the last bits, so the fixture is not made again to be compared: it is opened, and what opens it must write
    // it byte for byte.
    [Theory, InlineData("flat", false), InlineData("coded", true)]
    public void A_fixture_is_read_and_the_present_version_is_written_byte_for_byte(string name, bool coded)
    {
        if (!BitConverter.IsLittleEndian) return;
        var fixture = Path.Combine(TestFolders.Project, "testdata", "index-segment", "lists-v1", name + ".seg");
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 2);
        if (Environment.GetEnvironmentVariable("AEVUM_WRITE_FIXTURES") is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(fixture)!);
            var random = new SeededRandom(1);
            var points = Enumerable.Range(0, 40).Select(i => (float[])[i, i % 4]).ToArray();
            using var sample = Codes.Sample(shape, points, random);
            using var index = IvfIndex.Train(shape, new() { Lists = 3, IsCoded = coded, SubCount = 2 }, sample, random, null, MemoryBudget.Unlimited());
            for (var i = 0; i < 40; i++) index.Put((uint)(100 - i), Stored(shape, points[i]));
            System.IO.File.WriteAllBytes(fixture, Bytes(index));
        }
        using var opened = IvfIndex.Open(new DiskFileSystem(), fixture, null, MemoryBudget.Unlimited());
        Assert.Equal((shape, 40, 3), (opened.Shape, opened.Count, opened.ListCount));
        Assert.Equal(new IvfOptions { Lists = 3, IsCoded = coded, SubCount = 2 }, opened.Options);
        Assert.Equal(System.IO.File.ReadAllBytes(fixture), Bytes(opened));
        var results = new Neighbour[40];
        Assert.Equal(40, opened.Search(Stored(shape, [10, 2]), new(new(40)) { Probes = 3 }, results));
        Assert.Equal(Enumerable.Range(61, 40).Select(i => (uint)i), results.Select(r => r.Row).Order());
        if (!coded) Assert.Equal([new(90, 0), new(89, 2), new(91, 2)], results[..3]);
        else Assert.Contains(90u, results[..8].Select(r => r.Row));
    }

    static void RequireSame(IvfIndex index, IvfIndex[] others, Vectors vectors, SeededRandom random)
    {
        var (expected, found) = (new Neighbour[30], new Neighbour[30]);
        for (var i = 0; i < 20; i++)
        {
            var query = vectors.Stored((uint)random.Next(700));
            var asked = new IvfQuery(new(random.Next(1, 30), random.Next(4))) { Probes = random.Next(12), RerankCount = random.OneIn(2) ? 0 : 40 };
            var words = new ulong[64];
            for (var w = 0; w < words.Length; w++) words[w] = random.NextUInt64();
            fixed (ulong* bits = words)
            {
                if (random.OneIn(3)) asked = asked with { Filter = new(bits, words.Length * 64L) };
                var count = index.Search(query, asked, expected);
                foreach (var other in others)
                {
                    Assert.Equal(count, other.Search(query, asked, found));
                    Assert.Equal(expected[..count], found[..count]);
                }
            }
        }
    }

    static IvfIndex Build(Vectors vectors, IvfOptions options, int rows, SeededRandom random)
    {
        using var sample = Codes.Sample(vectors.Shape, Codes.InSpace(vectors.Shape, vectors.Floats), random);
        var index = IvfIndex.Train(vectors.Shape, options, sample, random, vectors, MemoryBudget.Unlimited());
        for (uint row = 0; row < rows; row++) index.Put(row, vectors.Stored(row));
        return index;
    }

    // 250 rows in 6 lists, 8 components, 4 parts where coded.
    static byte[] Saved(bool coded)
    {
        var random = new SeededRandom(9);
        using var vectors = new Vectors(new(ElementType.Float32, Metric.L2, 8), 250, random);
        using var index = Build(vectors, new() { Lists = 6, Probes = 2, IsCoded = coded, SubCount = 4 }, 250, random);
        return Bytes(index);
    }

    static byte[] Bytes(IvfIndex index)
    {
        var files = new MemoryFileSystem();
        index.Save(files, "again.seg");
        return files.ReadAllBytes("again.seg");
    }

    static int At(byte[] file, SectionKind kind)
    {
        for (var at = SegmentFormat.TableOffset; ; at += SegmentFormat.TableEntryBytes)
            if (BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)) == (uint)kind) return (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at + 8));
    }

    static byte[] Stored(VectorShape shape, float[] vector)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, vector, stored);
        return stored;
    }

    // Null: it was opened, searched and changed.
    static ErrorCode? CodeOf(byte[] bytes)
    {
        var files = new MemoryFileSystem();
        using (var file = files.Create(File)) file.Append(bytes);
        try
        {
            using var index = IvfIndex.Open(files, File, null, new MemoryBudget(16 << 20));
            var query = new float[index.Shape.Dimension];
            var results = new Neighbour[400];
            for (var i = 0; i < 10; i++)
            {
                Array.Fill(query, i - 5.5f);
                index.Search(Stored(index.Shape, query), new(new(1 + (i * 30))) { Probes = 1 + i }, results);
            }
            for (uint row = 0; row < 260; row += 2) index.Delete(row);
            for (uint row = 0; row < 300; row++) index.Put(row, Stored(index.Shape, query));
            Bytes(index);
            return null;
        }
        catch (AevumException refused)
        {
            return refused.Code;
        }
    }

    /// <summary>A file takes its first bytes, and no more.</summary>
    sealed class FullFiles(IFileSystem inner) : ForwardingFiles(inner)
    {
        public override IWritableFile Create(string path) => new FullFile(base.Create(path));

        sealed class FullFile(IWritableFile inner) : IWritableFile
        {
            public string Path => inner.Path;

            public long Length => inner.Length;

            public void Append(ReadOnlySpan<byte> bytes)
            {
                if (Length > 0) throw new AevumException(ErrorCode.DiskFull, "no space");
                inner.Append(bytes);
            }

            public void Sync() => inner.Sync();

            public void Dispose() => inner.Dispose();
        }
    }

    /// <summary>What creates a file waits until it may go on.</summary>
    sealed class HeldFiles(IFileSystem inner) : ForwardingFiles(inner)
    {
        public ManualResetEventSlim Writes { get; } = new();

        public ManualResetEventSlim Goes { get; } = new();

        public override IWritableFile Create(string path)
        {
            Writes.Set();
            Goes.Wait();
            return base.Create(path);
        }
    }

    /// <summary>Vectors by row, as a source of whole ones.</summary>
    sealed class Vectors : IVectorSource, IDisposable
    {
        readonly NativeBlock _block;

        public Vectors(VectorShape shape, int count, SeededRandom random)
        {
            Shape = shape;
            Floats = [.. Enumerable.Range(0, count).Select(_ => TestVectors.Random(shape, random))];
            _block = new((long)count * shape.Stride, MemoryBudget.Unlimited(), zeroed: true);
            for (uint row = 0; row < count; row++) IvfFileTests.Stored(shape, Floats[row]).CopyTo(new Span<byte>(Vector(row), shape.Bytes));
        }

        public VectorShape Shape { get; }

        public float[][] Floats { get; }

        public byte[] Stored(uint row) => new ReadOnlySpan<byte>(Vector(row), Shape.Bytes).ToArray();

        public byte* Vector(uint row) => row < Floats.Length ? _block.Pointer + (row * (nint)Shape.Stride) : null;

        public void Dispose() => _block.Dispose();
    }
}
