using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Testing;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Quantization;
using Aevum.Vectors.Tests.Hnsw;

namespace Aevum.Vectors.Tests.Segments;

/// <summary>Live rows as codes, where one case says more than the model: recall, memory, codebooks, limits, files.</summary>
public sealed class VectorIndexCodesTests : IDisposable
{
    static readonly VectorShape Shape = new(ElementType.Float32, Metric.L2, 32);
    static readonly string Fixtures = Path.Combine(TestFolders.Project, "testdata", "index-segment", "v2");

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("aevum-codes");

    public void Dispose() => _folder.Delete(recursive: true);

    static VectorIndexOptions Options(QuantizationKind kind, int sealRows = 400) => new()
    {
        Graph = new() { M = 8, EfConstruction = 60 }, SealRows = sealRows, Codes = new(new QuantizationOptions(kind, 8, 256, 4)),
    };

    static void MaintainAll(VectorIndex index)
    {
        while (index.Maintain())
        {
        }
    }

    [Theory]
    [InlineData(QuantizationKind.Scalar)]
    [InlineData(QuantizationKind.Product)]
    public void Sealed_rows_are_found_as_whole_vectors_are_and_lie_in_the_mapped_file(QuantizationKind kind)
    {
        var vectors = new ClusteredVectors(32, 8, 8, 5);
        var model = new VectorIndexModel(Shape);
        var files = new DiskFileSystem();
        var directory = Path.Combine(_folder.FullName, "index");
        var budget = new MemoryBudget(64 << 20);
        long inMemory;
        using (var index = new VectorIndex(Shape, Options(kind), budget))
        {
            for (var i = 1UL; i <= 3000; i++)
            {
                var vector = vectors.Next();
                model.Put(i % 2500, vector, i);
                index.Put(i % 2500, vector, new(i));
                if (i % 300 == 0) index.Maintain();
            }
            MaintainAll(index);
            var before = index.Statistics();
            Assert.False(index.IsSealDue);
            Assert.InRange(before.CodedSegments, 1, 4);
            Assert.InRange(before.CodedCount, 2000, 2500);
            RequireRecall(index, model, vectors);
            inMemory = budget.UsedBytes;
            index.Save(files, directory, 3000);
            var after = index.Statistics();
            // Whole vectors and codes left native memory for the file.
            Assert.InRange(budget.UsedBytes, 0, inMemory - (before.CodedCount * Shape.Bytes));
            Assert.InRange(after.MappedBytes, before.CodedCount * Shape.Bytes, long.MaxValue);
            Assert.InRange(after.BytesPerVector, 1, kind == QuantizationKind.Product ? 120 : 240);
            RequireRecall(index, model, vectors);
        }
        using var opened = VectorIndex.Open(files, directory, Shape, Options(kind));
        Assert.Equal(0, opened.CodebookGeneration);
        Assert.Equal(model.Count, opened.Count);
        RequireRecall(opened, model, vectors);
        var held = new float[32];
        foreach (var id in model.Ids)
        {
            Assert.True(opened.Contains(id) && opened.TryGet(id, held));
            Assert.Equal(model.Vector(id), held);
        }
        // It goes on: most of its rows die, and what is left becomes one segment.
        for (var id = 0UL; id < 2000; id++) Assert.Equal(model.Delete(id, 4000 + id), opened.Delete(id, new(4000 + id)));
        Assert.True(opened.IsSealDue);
        MaintainAll(opened);
        Assert.InRange(opened.Statistics().CodedDead, 0, opened.Statistics().CodedCount / 9);
        RequireRecall(opened, model, vectors);
        RequireRecall(opened, model, vectors, new(3999));
    }

    static void RequireRecall(VectorIndex index, VectorIndexModel model, ClusteredVectors vectors, SystemTime? asOf = null)
    {
        var (hits, asked) = (0, 0);
        var results = new VectorHit[10];
        for (var q = 0; q < 60; q++)
        {
            var query = vectors.Next();
            var expected = model.Search(query, asOf).Take(10).ToArray();
            Assert.Equal(expected.Length, index.Search(query, new(10) { Ef = 64, AsOf = asOf }, results));
            hits += results.Count(r => r.Distance <= expected[^1].Distance * 1.0001f);
            asked += expected.Length;
        }
        Assert.True(hits >= asked * 0.95, $"{hits} of {asked} nearest were found");
    }

    [Fact]
    public void A_save_that_maps_files_while_segments_merge_leaves_no_id_twice_and_brings_nothing_back()
    {
        var vectors = new ClusteredVectors(32, 8, 8, 5);
        var model = new VectorIndexModel(Shape);
        var files = new DiskFileSystem();
        var directory = Path.Combine(_folder.FullName, "index");
        var (saves, time) = (0, 0UL);
        VectorIndex? saved = null;
        var options = Options(QuantizationKind.Scalar, 60) with
        {
            BeforeMergeCounts = () =>
            {
                saves++;
                var unsaved = saved!.Statistics();
                Assert.Equal(0, unsaved.MappedBytes);
                // Some of what is being merged dies, some is put anew, and then all of it gets files.
                for (var id = 0UL; id < 40; id++)
                {
                    time++;
                    var vector = id % 2 == 0 ? null : vectors.Next();
                    if (vector is null) Assert.Equal(model.Delete(id, time), saved.Delete(id, new(time)));
                    else
                    {
                        model.Put(id, vector, time);
                        saved.Put(id, vector, new(time));
                    }
                }
                saved.Save(files, directory, time);
                Assert.NotEqual(0, saved.Statistics().MappedBytes);
            },
        };
        using (var index = saved = new VectorIndex(Shape, options))
        {
            for (var id = 0UL; saves == 0; id++)
            {
                time++;
                var vector = vectors.Next();
                model.Put(id, vector, time);
                index.Put(id, vector, new(time));
                index.Maintain();
            }
            RequireSame(index, model, vectors);
            index.Save(files, directory, time);
            RequireSame(index, model, vectors);
        }
        using var opened = VectorIndex.Open(files, directory, Shape, Options(QuantizationKind.Scalar, 60));
        RequireSame(opened, model, vectors);
    }

    // Every id once, none that is gone.
    static void RequireSame(VectorIndex index, VectorIndexModel model, ClusteredVectors vectors)
    {
        Assert.Equal(model.Count, index.Count);
        var results = new VectorHit[model.Count * 2];
        var found = index.Search(vectors.Next(), new(results.Length) { Exact = true }, results);
        Assert.Equal(model.Ids.Order(), results.Take(found).Select(r => r.Id).Order());
        RequireRecall(index, model, vectors);
    }

    [Fact]
    public void A_codebook_is_learnt_late_kept_while_data_stays_alike_and_learnt_again_when_it_drifts()
    {
        var random = new SeededRandom(7);
        using var index = new VectorIndex(Shape, Options(QuantizationKind.Scalar, 300) with { Keeping = new(100, 400, 4, 40) });
        var time = 0UL;
        void PutSome(float scale)
        {
            for (var i = 0; i < 320; i++)
            {
                var vector = new float[32];
                for (var c = 0; c < 32; c++) vector[c] = scale * (float)(random.NextDouble() - 0.5);
                time++;
                index.Put(time, vector, new(time));
            }
            MaintainAll(index);
        }

        Assert.Equal(0, index.CodebookGeneration);
        PutSome(1);
        Assert.Equal(1, index.CodebookGeneration);
        PutSome(1);
        Assert.Equal(1, index.CodebookGeneration);
        PutSome(20);
        PutSome(20);
        Assert.Equal(2, index.CodebookGeneration);
    }

    [Fact]
    public void A_saved_codebook_goes_on_only_where_codes_are_to_be_of_its_kind()
    {
        var files = new MemoryFileSystem();
        var vectors = new ClusteredVectors(32, 8, 8, 5);
        var (time, scalar) = (0UL, Options(QuantizationKind.Scalar, 60));
        void PutSome(VectorIndex index)
        {
            for (var i = 0; i < 60; i++) index.Put(++time, vectors.Next(), new(time));
            MaintainAll(index);
        }

        using (var index = new VectorIndex(Shape, scalar))
        {
            PutSome(index);
            index.Save(files, "index", 1);
        }
        var product = Options(QuantizationKind.Product, 60);
        var fewer = product with { Codes = new(new QuantizationOptions(QuantizationKind.Product, 4, 256, 4)) };
        foreach (var (options, learnt) in new[] { (scalar, 0), (product, 1), (product, 0), (fewer, 1), (scalar, 1) })
        {
            using var opened = VectorIndex.Open(files, "index", Shape, options);
            PutSome(opened);
            Assert.Equal(learnt, opened.CodebookGeneration);
            opened.Save(files, "index", 1);
            var results = new VectorHit[1];
            Assert.Equal(1, opened.Search(vectors.Next(), new(1), results));
        }
    }

    [Fact]
    public void An_open_that_finds_no_room_leaves_nothing_behind()
    {
        var files = new DiskFileSystem();
        var directory = Path.Combine(_folder.FullName, "index");
        var options = Options(QuantizationKind.Scalar, 60) with { Keeping = new(10, 50) };
        using (var index = new VectorIndex(Shape, options))
        {
            var vectors = new ClusteredVectors(32, 8, 8, 5);
            for (var i = 1UL; i <= 100; i++) index.Put(i, vectors.Next(), new(i));
            MaintainAll(index);
            index.Save(files, directory, 1);
        }
        var (refused, needed) = (0, 0L);
        // A step is less than any piece that is asked for.
        for (var limit = 0L; needed == 0; limit += 16)
        {
            var budget = new MemoryBudget(limit);
            try
            {
                using var opened = VectorIndex.Open(files, directory, Shape, options, budget);
                needed = limit;
            }
            catch (AevumException full) when (full.Code == ErrorCode.LimitExceeded)
            {
                refused++;
            }
            Assert.Equal(0, budget.UsedBytes);
        }
        // The sample of the codebook's keeper alone takes so much.
        Assert.InRange(needed, 50 * 32 * sizeof(float), 1 << 20);
        Assert.InRange(refused, 400, int.MaxValue);
    }

    [Fact]
    public void A_segment_that_was_saved_is_opened_once_to_be_mapped()
    {
        var files = new CountingFiles(new DiskFileSystem());
        using var index = new VectorIndex(Shape, Options(QuantizationKind.Scalar, 60));
        var vectors = new ClusteredVectors(32, 8, 8, 5);
        for (var i = 1UL; i <= 130; i++)
        {
            index.Put(i, vectors.Next(), new(i));
            if (i % 60 == 0) MaintainAll(index);
        }
        index.Save(files, Path.Combine(_folder.FullName, "index"), 1);
        Assert.Equal((2, 2), (index.Statistics().CodedSegments, files.Opened));
        Assert.NotEqual(0, index.Statistics().MappedBytes);
    }

    /// <summary>Counts how often files of codes are opened.</summary>
    sealed class CountingFiles(IFileSystem inner) : ForwardingFiles(inner)
    {
        public int Opened { get; private set; }

        public override IReadableFile OpenRead(string path)
        {
            if (Path.GetFileName(path).StartsWith("coded", StringComparison.Ordinal)) Opened++;
            return base.OpenRead(path);
        }
    }

    [Fact]
    public void Where_there_is_no_room_for_codes_rows_stay_frozen_and_are_found()
    {
        var vectors = new ClusteredVectors(32, 8, 8, 5);
        var model = new VectorIndexModel(Shape);
        var budget = new MemoryBudget(1_000_000);
        using var index = new VectorIndex(Shape, Options(QuantizationKind.Scalar) with { Keeping = new(100, 400) }, budget);
        var refused = 0;
        for (var i = 1UL; i <= 3000; i++)
        {
            var vector = vectors.Next();
            try
            {
                index.Put(i, vector, new(i));
                model.Put(i, vector, i);
                if (i % 100 == 0) MaintainAll(index);
            }
            catch (AevumException full) when (full.Code == ErrorCode.LimitExceeded)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 1, 3000);
        Assert.Equal(model.Count, index.Count);
        Assert.InRange(budget.UsedBytes, 0, budget.BytesMax);
        foreach (var id in model.Ids) Assert.True(index.Contains(id));
    }

    [Fact]
    public void Cancelled_sealing_changes_nothing()
    {
        using var index = new VectorIndex(Shape, Options(QuantizationKind.Scalar, 50));
        var vectors = new ClusteredVectors(32, 8, 8, 5);
        for (var i = 1UL; i <= 60; i++) index.Put(i, vectors.Next(), new(i));
        Assert.True(index.Maintain());
        Assert.True(index.HasFrozen);
        Assert.Throws<OperationCanceledException>(() => index.Maintain(new CancellationToken(canceled: true)));
        Assert.True(index.HasFrozen);
        Assert.Equal(60, index.Count);
        MaintainAll(index);
        Assert.Equal((60, 1, 60L), (index.Count, index.Statistics().CodedSegments, index.Statistics().CodedCount));
    }

    [Fact]
    public void Bits_are_not_coded_and_parts_fit_the_dimension()
    {
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => new VectorIndex(new(ElementType.Bit, Metric.Hamming, 64), Options(QuantizationKind.Scalar))));
        Assert.Equal(ErrorCode.InvalidArgument, CodeOf(() => new VectorIndex(new(ElementType.Float32, Metric.L2, 4), Options(QuantizationKind.Product))));
    }

    [Theory, Seeds(10)]
    public void Files_of_codes_that_are_damaged_are_refused(ulong seed)
    {
        var files = new MemoryFileSystem();
        using (var index = Filled())
        {
            index.Save(files, "index", 1);
        }
        Assert.Equal(["MANIFEST", "coded-", "coded-", "dead-", "history-", "live-", "live-"], files.ListFiles("index").Select(n => n.Split("0000")[0]));
        var random = new SeededRandom(seed);
        foreach (var name in files.ListFiles("index"))
        {
            var path = "index/" + name;
            var whole = files.ReadAllBytes(path);
            for (var round = 0; round < 12; round++)
            {
                var damaged = (byte[])whole.Clone();
                if (random.OneIn(4)) damaged = damaged[..random.Next(damaged.Length)];
                else damaged[random.OneIn(2) ? random.Next(Math.Min(damaged.Length, 600)) : random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                Write(files, path, damaged);
                var code = CodeOf(() => VectorIndex.Open(files, "index"));
                Assert.True(code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat, $"{name}: {code}");
            }
            files.Delete(path);
            if (name != "MANIFEST") Assert.Equal(ErrorCode.Corruption, CodeOf(() => VectorIndex.Open(files, "index")));
            Write(files, path, whole);
        }
        // The files of one take no other's place.
        var coded = files.ListFiles("index").Where(n => n.StartsWith("coded", StringComparison.Ordinal)).ToArray();
        var dead = "index/" + files.ListFiles("index").Single(n => n.StartsWith("dead", StringComparison.Ordinal));
        Write(files, dead, files.ReadAllBytes("index/" + coded[0]));
        Assert.Equal(ErrorCode.Corruption, CodeOf(() => VectorIndex.Open(files, "index")));
    }

    [Fact]
    public void A_fixture_is_read_and_the_present_version_is_written_byte_for_byte()
    {
        if (!BitConverter.IsLittleEndian) return;
        var files = new MemoryFileSystem();
        using (var index = Filled()) index.Save(files, "index", 77);
        if (Environment.GetEnvironmentVariable("AEVUM_WRITE_FIXTURES") is not null)
        {
            Directory.CreateDirectory(Fixtures);
            foreach (var name in files.ListFiles("index")) File.WriteAllBytes(Path.Combine(Fixtures, name), files.ReadAllBytes("index/" + name));
        }
        Assert.Equal(files.ListFiles("index"), Directory.GetFiles(Fixtures).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var name in files.ListFiles("index"))
            Assert.Equal(File.ReadAllBytes(Path.Combine(Fixtures, name)), files.ReadAllBytes("index/" + name));
        using var opened = VectorIndex.Open(new DiskFileSystem(), Fixtures);
        var all = opened.Statistics();
        Assert.Equal((34, 2, 18L, 2L, 2L, 77UL), (all.Count, all.CodedSegments, all.CodedCount, all.CodedDead, all.HistoryEntries, opened.SavedPosition));
        Assert.True(opened.HasFrozen);
        var results = new VectorHit[3];
        opened.Search([3, 0, 0], new(3), results);
        Assert.Equal([(2UL, 1f), (4UL, 1f), (1UL, 4f)], results.Select(r => (r.Id, r.Distance)));
        opened.Search([3, 0, 0], new(1) { AsOf = new(36) }, results);
        Assert.Equal(new(3, 0), results[0]);
    }

    // Two segments of codes with a dead row each, a frozen graph, an open one, and history.
    static VectorIndex Filled()
    {
        var index = new VectorIndex(new(ElementType.Float32, Metric.L2, 3), new()
        {
            Graph = new() { M = 4, EfConstruction = 20, EfSearch = 32 }, SealRows = 10, Codes = new(new QuantizationOptions(QuantizationKind.Scalar)),
        });
        for (var i = 1; i <= 36; i++)
        {
            index.Put((ulong)i, [i, 0, 0], new((ulong)i));
            if (i is 10 or 20) MaintainAll(index);
        }
        index.Maintain();
        index.Delete(3, new(37));
        index.Delete(14, new(38));
        return index;
    }

    static void Write(MemoryFileSystem files, string path, byte[] bytes)
    {
        using var file = files.Create(path);
        file.Append(bytes);
    }

    static ErrorCode CodeOf(Func<VectorIndex> action) => Assert.ThrowsAny<AevumException>(() => action().Dispose()).Code;
}
