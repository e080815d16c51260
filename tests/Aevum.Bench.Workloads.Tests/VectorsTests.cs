using System.Diagnostics;
using System.Xml.Linq;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Bench.Workloads.Vectors;
using Aevum.Testing;

namespace Aevum.Bench.Workloads.Tests;

public sealed unsafe class VectorsTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("aevum-vectors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0.95, 15, 16)]
    [InlineData(0.5, 10, 10)]    // the least ef is enough
    [InlineData(0.999, 799, 800)]
    public void The_ef_that_reaches_a_recall_is_found(double wanted, int below, int reached)
    {
        var asked = new List<int>();
        var bracket = RecallSearch.Find(ef =>
        {
            asked.Add(ef);
            return 1 - (0.8 / ef);
        }, wanted);
        Assert.Equal((below, reached), (bracket.Ef, bracket.NextEf));
        Assert.True(bracket.NextRecall >= wanted);
        Assert.Equal(asked.Distinct(), asked);
    }

    [Fact]
    public void A_recall_out_of_reach_is_told() => Assert.Throws<BenchException>(() => RecallSearch.Find(_ => 0.7, 0.9));

    [Fact]
    public void The_cost_at_a_recall_lies_on_the_line_between_two_points()
    {
        var bracket = new RecallBracket(20, 0.94, 21, 0.96);
        Assert.Equal(15, bracket.CostAt(0.95, 10, 20), 9);
        Assert.Equal(20, bracket.CostAt(0.97, 10, 20), 9);
        Assert.Equal(20, new RecallBracket(10, 0.99, 10, 0.99).CostAt(0.95, double.MaxValue, 20));
    }

    [Fact]
    public void A_data_set_is_the_same_each_time()
    {
        using (var first = DataSet.Open("1m128", Scale.Tiny, TextWriter.Null, Path.Combine(_folder, "a")))
        using (var second = DataSet.Open("1m128", Scale.Tiny, TextWriter.Null, Path.Combine(_folder, "b")))
        {
            Assert.Equal((2_000, 128, 100), (first.Rows.Count, first.Rows.Dimension, first.Queries.Count));
            Assert.Equal(File.ReadAllBytes(first.Rows.Path), File.ReadAllBytes(second.Rows.Path));
            Assert.NotEqual(first.Rows.Vector(0).ToArray(), first.Rows.Vector(1).ToArray());
            // Twenty dimensions of variance about 1.25 in 128 of size 1: the components' variance is about that, too.
            var variance = Enumerable.Range(0, 2000).SelectMany(i => first.Rows.Vector(i).ToArray()).Select(c => (double)c * c).Average();
            Assert.InRange(variance, 0.6, 2.5);
        }
        Assert.Throws<BenchException>(() => DataSet.Open("no such set", Scale.Tiny, TextWriter.Null, _folder));
        File.AppendAllText(Path.Combine(_folder, "a", "1m128-500.rows"), "more");
        Assert.Throws<BenchException>(() => DataSet.Open("1m128", Scale.Tiny, TextWriter.Null, Path.Combine(_folder, "a")));
    }

    [Fact]
    public void Recall_counts_what_is_right_once()
    {
        using var set = Small();
        var truth = Truth.Of(set, TextWriter.Null);
        var right = Exact(set);
        Assert.Equal(1, truth.Recall(right));
        Assert.Equal(1, Truth.Of(set, TextWriter.Null).Recall(right));    // read from the file this time
        var none = new uint[right.Length];
        Array.Fill(none, uint.MaxValue);
        Assert.Equal(0, truth.Recall(none));
        var twice = right.Select((row, i) => i % Truth.K == 1 ? right[i - 1] : row).ToArray();
        Assert.Equal(0.9, truth.Recall(twice), 9);
        var shuffled = right.Chunk(Truth.K).SelectMany(rows => rows.Reverse()).ToArray();
        Assert.Equal(1, truth.Recall(shuffled));
        Assert.Throws<BenchException>(() => truth.Recall(right.AsSpan(1)));
    }

    [Fact]
    public void Filter_rows_are_measured_and_what_a_filter_leaves_out_is_no_answer()
    {
        using var set = Small();
        using var side = new OurSide("hnsw", new HnswVariant(new() { M = 8, EfConstruction = 50 }), set);
        side.Build(2);
        foreach (var name in (string[])["filter 10", "filter 10 correlated"])
        {
            var row = new Row { Name = name, Scenario = "s", Unit = "q/s", What = "", AtLeast = 1, BoundsOurs = true, Fields = ["qps"] };
            var result = new FilterRows(set, (IFilteredIndex)side.Index).Run(row, "", 1);
            Assert.Equal("", result.Error);
            Assert.Equal(Verdict.Met, result.Verdict);
            Assert.InRange(result.Beside.Single(b => b.Key == "ours_kept_rows").Value, 150, 250);
        }
        var all = new ulong[(set.Rows.Count + 63) / 64];
        Array.Fill(all, ulong.MaxValue);
        var right = Exact(set);
        Assert.Equal(1, Truth.Of(set, all).Recall(right));
        all[right[0] >> 6] &= ~(1UL << (int)(right[0] & 63));
        Assert.Throws<BenchException>(() => Truth.Of(set, all).Recall(right));
    }

    [Fact]
    public void A_curve_is_drawn()
    {
        var svg = RecallChart.Write([new("a <b>", [new(10, 0.9, 1000), new(20, 1, 500)]), new("c", [new(10, 0.5, 20_000)])], "set & so on");
        var lines = XDocument.Parse(svg).Descendants().Where(e => e.Name.LocalName == "polyline").ToArray();
        Assert.Equal(2, lines.Length);
        Assert.Contains("a <b>", XDocument.Parse(svg).Root!.Value, StringComparison.Ordinal);
    }

    [FactThatNeeds(Program = "g++", File = "/usr/include/hnswlib/hnswlib.h")]
    public void The_harness_of_hnswlib_finds_what_is_there()
    {
        var program = Path.Combine(_folder, "harness");
        using (var compiler = Process.Start("g++", ["-O1", "-std=c++17", "-pthread", HarnessSource(), "-o", program])) compiler.WaitForExit();
        Environment.SetEnvironmentVariable(HnswlibSide.ProgramVariable, program);
        using var set = Small();
        var truth = Truth.Of(set, TextWriter.Null);
        var found = new uint[set.Queries.Count * Truth.K];
        using (var side = new HnswlibSide(set, _folder))
        {
            var cost = side.Build(2);
            Assert.True(cost is { CpuSeconds: > 0, WallSeconds: > 0 });
            Assert.True(side.Search(400, found) > 0);
            Assert.InRange(truth.Recall(found), 0.98, 1);
            side.Search(10, found);
            Assert.InRange(truth.Recall(found), 0.5, 1);
            Assert.InRange(side.BytesPerVector, 512 + 128, 1200);
        }
        using (var side = new HnswlibSide(set, _folder))
        {
            side.OpenOrBuild(TextWriter.Null);
            side.Search(400, found);
            Assert.InRange(truth.Recall(found), 0.98, 1);
        }
        using (var side = new HnswlibSide(set, _folder))
        {
            side.OpenOrBuild(TextWriter.Null);   // kept by the one before
            Array.Clear(found);
            side.Search(400, found);
            Assert.InRange(truth.Recall(found), 0.98, 1);
        }
        Assert.Contains("hnswlib", HnswlibSide.Version(), StringComparison.Ordinal);
    }

    DataSet Small() => DataSet.Open("1m128", Scale.Tiny, TextWriter.Null, _folder);

    static uint[] Exact(DataSet set)
    {
        var found = new uint[set.Queries.Count * Truth.K];
        for (var q = 0; q < set.Queries.Count; q++)
        {
            var query = set.Queries.Vector(q).ToArray();
            Enumerable.Range(0, set.Rows.Count).Select(r => (Row: (uint)r, Distance: Distance(query, set.Rows.Vector(r))))
                .OrderBy(p => p.Distance).Take(Truth.K).Select(p => p.Row).ToArray().CopyTo(found, q * Truth.K);
        }
        return found;

        static double Distance(float[] a, ReadOnlySpan<float> b)
        {
            var sum = 0.0;
            for (var i = 0; i < a.Length; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
            return sum;
        }
    }

    static string HarnessSource()
    {
        for (var folder = AppContext.BaseDirectory; ; folder = Path.GetDirectoryName(folder)!)
            if (Path.Combine(folder, "bench", "Hnswlib", "harness.cpp") is var path && File.Exists(path)) return path;
    }
}
