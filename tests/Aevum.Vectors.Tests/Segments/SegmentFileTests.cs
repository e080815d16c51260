using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Tests.Hnsw;

namespace Aevum.Vectors.Tests.Segments;

/// <summary>Files of an index: what is written is what is read; whatever else is there is refused, or does no harm.</summary>
public sealed class SegmentFileTests : IDisposable
{
    const string Live = "index/live-00000002.seg";
    const string History = "index/history-00000001.seg";

    static readonly VectorShape Turned = new(ElementType.Float32, Metric.L2, 64);

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("aevum-vectors");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_file_with_any_bit_changed_is_refused()
    {
        var files = new MemoryFileSystem();
        Build(files, 145).Dispose();
        var random = new SeededRandom(1);
        foreach (var path in new[] { Live, History, "index/MANIFEST" })
        {
            var whole = files.ReadAllBytes(path);
            // Every byte that means something in the header, the last ones, and a sample of the others.
            var offsets = Enumerable.Range(0, Math.Min(whole.Length, 640)).Where(i => i < 64 || i % 7 == 0)
                .Concat(Enumerable.Range(1, 24).Select(i => whole.Length - i)).Concat(Enumerable.Range(0, 60).Select(_ => random.Next(whole.Length)));
            foreach (var offset in offsets)
            {
                var damaged = (byte[])whole.Clone();
                damaged[offset] ^= (byte)(1 << random.Next(8));
                Write(files, path, damaged);
                var code = CodeOf(() => VectorIndex.Open(files, "index").Dispose());
                Assert.True(code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, $"{path} at {offset}: {code}");
            }
            Write(files, path, whole);
        }
        using var opened = VectorIndex.Open(files, "index", Turned);
        Assert.Equal(145, opened.Count);
    }

    [Fact]
    public void A_file_that_is_shorter_or_longer_is_refused()
    {
        var files = new MemoryFileSystem();
        Build(files, 100).Dispose();
        var random = new SeededRandom(2);
        foreach (var path in new[] { Live, "index/MANIFEST" })
        {
            var whole = files.ReadAllBytes(path);
            foreach (var length in Enumerable.Range(0, 60).Select(_ => random.Next(whole.Length)).Append(0).Append(whole.Length - 1))
            {
                Write(files, path, whole[..length]);
                Assert.Equal(ErrorCode.Corruption, CodeOf(() => VectorIndex.Open(files, "index").Dispose()));
            }
            Write(files, path, [.. whole, 0]);
            Assert.Equal(ErrorCode.Corruption, CodeOf(() => VectorIndex.Open(files, "index").Dispose()));
            Write(files, path, whole);
        }
        files.Delete(History);
        Assert.Equal(ErrorCode.Corruption, CodeOf(() => VectorIndex.Open(files, "index").Dispose()));
    }

    [Theory, Seeds(25)]
    public void A_file_that_lies_under_good_checksums_does_no_harm(ulong seed)
    {
        var files = new MemoryFileSystem();
        Build(files, 90).Dispose();
        var random = new SeededRandom(seed);
        foreach (var path in new[] { Live, History })
        {
            var whole = files.ReadAllBytes(path);
            for (var round = 0; round < 6; round++)
            {
                var forged = (byte[])whole.Clone();
                for (var i = random.Next(1, 4); i > 0; i--)
                {
                    // Where facts, links, levels, blocks and places are; what becomes of vectors nobody can tell.
                    var at = random.OneIn(3) ? random.Next(8, 1200) : random.Next(forged.Length);
                    if (random.OneIn(2)) forged[at] = (byte)random.Next(256);
                    else BinaryPrimitives.WriteUInt32LittleEndian(forged.AsSpan(Math.Min(at & -4, forged.Length - 4)), (uint)random.Next(200));
                }
                Forge(forged);
                Write(files, path, forged);
                try
                {
                    using var opened = VectorIndex.Open(files, "index");
                    Use(opened, random);
                }
                catch (AevumException)
                {
                }
            }
            Write(files, path, whole);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_mapped_index_is_searched_and_changed_and_the_file_is_not(bool isParallel)
    {
        var files = new DiskFileSystem();
        var directory = Path.Combine(_folder.FullName, "index");
        var vectors = new ClusteredVectors(64, 6, 6, 3);
        var model = new VectorIndexModel(Turned);
        using (var index = new VectorIndex(Turned, Options))
        {
            for (var i = 1UL; i <= 3000; i++) Put(index, model, i % 1500, vectors.Next(), i);
            index.Save(files, directory, 3000);
        }
        var live = Path.Combine(directory, files.ListFiles(directory).Single(f => f.StartsWith("live", StringComparison.Ordinal)));
        var before = files.ReadAllBytes(live);
        using var scheduler = isParallel ? new ThreadScheduler() : null;
        using var opened = VectorIndex.Open(files, directory, Turned, Options, scheduler: scheduler);
        Assert.True(opened.Statistics().MappedBytes > 1000 * Turned.Bytes);
        for (var i = 3001UL; i <= 5000; i++) Put(opened, model, i % 1700, vectors.Next(), i);
        Assert.Equal(model.Count, opened.Count);
        var results = new VectorHit[10];
        var (hits, asked) = (0, 0);
        for (var q = 0; q < 100; q++)
        {
            var query = vectors.Next();
            var asOf = q % 3 == 0 ? 5000UL : (ulong)(q * 50);
            var exact = model.Search(query, new(asOf)).Take(10).ToArray();
            Assert.Equal(exact.Length, opened.Search(query, new(10) { AsOf = new(asOf) }, results));
            hits += results.Count(r => exact.Length > 0 && r.Distance <= exact[^1].Distance * 1.0001f);
            asked += exact.Length;
        }
        Assert.InRange(hits, asked * 0.97, asked);
        Assert.Equal(before, files.ReadAllBytes(live));
        // Saving over itself: the files in force go, the mapping stays.
        opened.Save(files, directory, 5000);
        Assert.Equal(results.Length, opened.Search(vectors.Next(), new(10), results));
        using var again = VectorIndex.Open(files, directory);
        Assert.Equal(model.Count, again.Count);
        Assert.Equal(5000UL, again.SavedPosition);
    }

    [Fact]
    public void Another_shape_than_asked_for_is_refused()
    {
        var files = new MemoryFileSystem();
        Build(files, 10).Dispose();
        Assert.Equal(ErrorCode.Corruption, CodeOf(() => VectorIndex.Open(files, "index", new(ElementType.Float32, Metric.Cosine, 64)).Dispose()));
        Assert.Equal(ErrorCode.NotFound, CodeOf(() => VectorIndex.Open(files, "nowhere").Dispose()));
    }

    static readonly VectorIndexOptions Options = new() { Graph = new() { M = 6, EfConstruction = 40, RotateAfterRows = 140 } };

    static VectorIndex Build(IFileSystem files, int rows)
    {
        var vectors = new ClusteredVectors(64, 6, 6, 3);
        var index = new VectorIndex(Turned, Options);
        for (var i = 1; i <= rows; i++) index.Put((ulong)i, vectors.Next(), new((ulong)i));
        for (var i = 1; i <= rows; i += 5) index.Put((ulong)i, vectors.Next(), new((ulong)(rows + i)));
        index.Save(files, "index", (ulong)rows);
        return index;
    }

    static void Use(VectorIndex index, SeededRandom random)
    {
        var vector = new float[index.Shape.Dimension];
        var results = new VectorHit[20];
        for (var i = 0; i < 40; i++)
        {
            for (var c = 0; c < vector.Length; c++) vector[c] = random.Next(-9, 10);
            var turn = random.Next(5);
            if (turn == 0) index.Put((ulong)random.Next(200), vector, new((ulong)(10_000 + i)));
            else if (turn == 1) index.Delete((ulong)random.Next(200), new((ulong)(10_000 + i)));
            else index.Search(vector, new(20) { Exact = turn == 2, AsOf = turn == 3 ? new((ulong)random.Next(1, 300)) : null }, results);
        }
        index.Save(new MemoryFileSystem(), "other", 1);
    }

    static void Put(VectorIndex index, VectorIndexModel model, ulong id, float[] vector, ulong time) =>
        Assert.Equal(model.Put(id, vector, time), index.Put(id, vector, new(time)));

    static void Write(MemoryFileSystem files, string path, byte[] bytes)
    {
        using var file = files.Create(path);
        file.Append(bytes);
    }

    // The checksums that the bytes ask for, as far as the header still says where they are.
    internal static void Forge(byte[] bytes)
    {
        var headerEnd = SegmentFormat.HeaderBytes - 4;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(headerEnd), Crc32C.Compute(bytes.AsSpan(0, headerEnd)));
        var end = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(24));
        if (end < SegmentFormat.HeaderBytes || end > bytes.Length) return;
        var blocks = (int)SegmentFormat.BlocksOf(end);
        if (end + ((blocks + 1) * 4) > bytes.Length) return;
        for (var i = 0; i < blocks; i++)
        {
            var start = SegmentFormat.HeaderBytes + (i * SegmentFormat.BlockBytes);
            var block = bytes.AsSpan(start, (int)Math.Min(SegmentFormat.BlockBytes, end - start));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((int)end + (4 * i)), Crc32C.Compute(block));
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((int)end + (4 * blocks)), Crc32C.Compute(bytes.AsSpan((int)end, 4 * blocks)));
    }

    static ErrorCode CodeOf(Action action) => Assert.ThrowsAny<AevumException>(action).Code;
}
