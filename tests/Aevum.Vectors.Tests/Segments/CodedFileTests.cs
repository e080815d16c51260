using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Testing;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;
using Aevum.Vectors.Tests.Hnsw;

namespace Aevum.Vectors.Tests.Segments;

/// <summary>Files of graphs of codes: opened they answer as before, without learning anything; whatever else is there is refused, or does no harm.</summary>
public sealed class CodedFileTests : IDisposable
{
    const string File = "graph.seg";

    static readonly string Fixture = Path.Combine(TestFolders.Project, "testdata", "index-segment", "coded-v1", "graph.seg");

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("aevum-codes");

    public void Dispose() => _folder.Delete(recursive: true);

    public static TheoryData<QuantizationKind, CodedLayout, Metric> Forms() => new()
    {
        { QuantizationKind.Scalar, CodedLayout.Records, Metric.L2 }, { QuantizationKind.Scalar, CodedLayout.Packed, Metric.Cosine },
        { QuantizationKind.Product, CodedLayout.Packed, Metric.L2 }, { QuantizationKind.Product, CodedLayout.Records, Metric.InnerProduct },
        { QuantizationKind.Binary, CodedLayout.Packed, Metric.Cosine },
    };

    [Theory, MemberData(nameof(Forms))]
    public void A_graph_that_was_opened_answers_as_the_one_that_was_saved(QuantizationKind kind, CodedLayout layout, Metric metric)
    {
        var vectors = new ClusteredVectors(32, 8, 8, 5);
        using var graph = Build(new(ElementType.Float32, metric, 32), kind, layout, 1200, vectors);
        var disk = new DiskFileSystem();
        var memory = new MemoryFileSystem();
        var path = Path.Combine(_folder.FullName, File);
        graph.Save(disk, path);
        graph.Save(memory, File);
        Assert.Equal(disk.ReadAllBytes(path), memory.ReadAllBytes(File));
        var budget = new MemoryBudget(64 << 20);
        using var mapped = CodedGraph.Open(disk, path, budget);
        Assert.True(mapped.IsMapped);
        Assert.Equal(0, budget.UsedBytes);
        using var read = CodedGraph.Open(memory, File, scheduler: null);
        Assert.False(read.IsMapped);
        Assert.Equal((graph.Count, graph.Layout, graph.RerankFactor), (mapped.Count, mapped.Layout, mapped.RerankFactor));
        Assert.InRange(graph.MemoryBytes, mapped.MemoryBytes, mapped.MemoryBytes + 64);
        var (expected, found) = (new VectorMatch[10], new VectorMatch[10]);
        for (var q = 0; q < 50; q++)
        {
            var query = vectors.Next();
            graph.Search(query, new(10) { Ef = 20 + q }, expected);
            foreach (var other in (CodedGraph[])[mapped, read])
            {
                Assert.Equal(10, other.Search(query, new(10) { Ef = 20 + q }, found));
                Assert.Equal(expected, found);
            }
        }
    }

    [Fact]
    public void A_file_with_any_bit_changed_or_of_another_length_is_refused()
    {
        foreach (var kind in (QuantizationKind[])[QuantizationKind.Scalar, QuantizationKind.Product])
            SegmentDamage.AssertRefused(Saved(kind, 300), CodeOf, $"{kind}");
    }

    [Theory, Seeds(25)]
    public void A_file_that_lies_under_good_checksums_does_no_harm(ulong seed)
    {
        var random = new SeededRandom(seed);
        var whole = Saved(random.OneIn(2) ? QuantizationKind.Scalar : QuantizationKind.Product, 250);
        SegmentDamage.UseForged(whole, CodeOf, random);
    }

    [Fact]
    public void A_fixture_is_read_and_the_present_version_is_written_byte_for_byte()
    {
        if (!BitConverter.IsLittleEndian) return;
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 2);
        using var index = new HnswIndex(shape, new() { M = 4, EfConstruction = 20 });
        for (var i = 0; i < 40; i++) index.Put((ulong)(100 - i), [i, i % 4]);
        using var graph = CodedGraph.From(index, new(new(QuantizationKind.Scalar)));
        var files = new MemoryFileSystem();
        graph.Save(files, File);
        if (Environment.GetEnvironmentVariable("AEVUM_WRITE_FIXTURES") is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Fixture)!);
            System.IO.File.WriteAllBytes(Fixture, files.ReadAllBytes(File));
        }
        Assert.Equal(System.IO.File.ReadAllBytes(Fixture), files.ReadAllBytes(File));
        using var opened = CodedGraph.Open(new DiskFileSystem(), Fixture);
        Assert.Equal((shape, 40), (opened.Shape, opened.Count));
        var results = new VectorMatch[3];
        Assert.Equal(3, opened.Search([10, 2], new(3), results));
        Assert.Equal([(90UL, 0f), (91UL, 2f), (89UL, 2f)], results.Select(r => (r.Id, r.Distance)).OrderBy(r => r.Distance).ThenByDescending(r => r.Id));
    }

    [Theory, Seeds(12)]
    public void Dead_rows_and_those_that_had_not_begun_are_never_found(ulong seed)
    {
        var random = new SeededRandom(seed);
        var vectors = new ClusteredVectors(16, 6, 6, seed);
        using var graph = Build(new(ElementType.Float32, Metric.L2, 16), QuantizationKind.Scalar, CodedLayout.Records, 1500, vectors);
        var dead = new ulong[(1500 + 63) / 64];
        var from = new ulong[1500];
        var share = random.Next(1, 100);
        var deadCount = 0;
        for (var row = 0; row < 1500; row++)
        {
            from[row] = (ulong)random.Next(1000);
            if (random.Next(100) >= share) continue;
            dead[row / 64] |= 1UL << (row % 64);
            deadCount++;
        }
        var results = new VectorMatch[1500];
        for (var q = 0; q < 30; q++)
        {
            var asOf = (ulong)random.Next(1000);
            var isPast = random.OneIn(2);
            var k = random.OneIn(4) ? 1500 : random.Next(1, 30);
            var words = new ulong[dead.Length];
            for (var i = 0; i < words.Length; i++) words[i] = random.OneIn(3) ? ulong.MaxValue : random.NextUInt64();
            using var filter = random.OneIn(2) ? new PreparedFilter(words) : null;
            var query = new byte[graph.Shape.Bytes];
            VectorEncoder.Encode(graph.Shape, vectors.Next(), query);
            int found;
            unsafe
            {
                fixed (ulong* bits = dead, times = from)
                    found = graph.SearchEncoded(query, new(k) { Exact = random.OneIn(4) }, new(filter, bits, deadCount, isPast ? times : null, asOf), results);
            }
            bool Holds(uint row) => (dead[row / 64] >> (int)(row % 64) & 1) == 0 && (!isPast || from[row] <= asOf) && (filter is null || filter.Contains(row));
            var all = Enumerable.Range(0, 1500).Count(row => Holds((uint)row));
            Assert.Equal(Math.Min(k, all), found);
            foreach (var result in results[..found]) Assert.True(Holds(result.Row));
            Assert.Equal(found, results[..found].Select(r => r.Row).Distinct().Count());
        }
    }

    static CodedGraph Build(VectorShape shape, QuantizationKind kind, CodedLayout layout, int rows, ClusteredVectors vectors)
    {
        using var index = new HnswIndex(shape, new() { M = 6, EfConstruction = 40 });
        for (var i = 0; i < rows; i++) index.Put((ulong)(i * 7), vectors.Next());
        return CodedGraph.From(index, new(new(kind, 8, kind == QuantizationKind.Product && rows < 600 ? 16 : 256, 4)) { Layout = layout });
    }

    static byte[] Saved(QuantizationKind kind, int rows)
    {
        var layout = kind == QuantizationKind.Scalar ? CodedLayout.Records : CodedLayout.Packed;
        using var graph = Build(new(ElementType.Float32, Metric.L2, 16), kind, layout, rows, new(16, 6, 6, 3));
        var files = new MemoryFileSystem();
        graph.Save(files, File);
        return files.ReadAllBytes(File);
    }

    // Null: it was opened, and searched.
    static ErrorCode? CodeOf(byte[] bytes)
    {
        var files = new MemoryFileSystem();
        using (var file = files.Create(File)) file.Append(bytes);
        try
        {
            using var graph = CodedGraph.Open(files, File);
            var query = new float[graph.Shape.Dimension];
            var results = new VectorMatch[Math.Max(400, graph.Count)];
            for (var i = 0; i < 10; i++)
            {
                Array.Fill(query, i - 5.5f);
                graph.Search(query, new(1 + i) { Ef = 10 * (i + 1) }, results);
            }
            graph.Search(query, new(graph.Count) { Exact = true }, results);
            return null;
        }
        catch (AevumException refused)
        {
            return refused.Code;
        }
    }
}
