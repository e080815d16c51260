// aevum bench vectors: on files that the test writes. What is fast is not asked; what is exact is.

using System.Buffers.Binary;
using System.Text.Json;
using Aevum.Cli.Benching.Vectors;
using Aevum.Core.Scheduling;

namespace Aevum.Cli.Tests;

public sealed class VectorBenchTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("aevum-vector-bench").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    // Clusters, so that neighbours are nearer than others are.
    string Fvecs(int count, int dimension, Func<int, int>? dimensionOf = null, bool withZero = false)
    {
        var random = new SeededRandom(1);
        var path = Path.Combine(_directory, "some.fvecs");
        using var file = File.Create(path);
        var bytes = new byte[4];
        for (var i = 0; i < count; i++)
        {
            var components = dimensionOf?.Invoke(i) ?? dimension;
            BinaryPrimitives.WriteInt32LittleEndian(bytes, components);
            file.Write(bytes);
            for (var j = 0; j < components; j++)
            {
                var value = withZero && i == count / 2 ? 0f : (i % 7 == j % 7 ? 3f : 0f) + random.Next(1000) / 1000f;
                BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
                file.Write(bytes);
            }
        }
        return path;
    }

    [Fact]
    public void Every_kind_of_index_is_tried_and_one_recommended()
    {
        var result = CliWorld.Run("", ["bench", "vectors", Fvecs(820, 32), "--json", "--queries", "20", "--metric", "l2"]);
        Assert.Equal(0, result.ExitCode);
        using var told = JsonDocument.Parse(result.Lines[^1]);
        var root = told.RootElement;
        Assert.Equal((800, 32, 20), (root.GetProperty("vectors").GetInt32(), root.GetProperty("dimension").GetInt32(), root.GetProperty("queries").GetInt32()));
        var indexes = root.GetProperty("indexes").EnumerateArray().ToArray();
        Assert.Equal(["f32", "int8", "product"], indexes.Select(i => i.GetProperty("name").GetString()));
        var bytes = indexes.Select(i => i.GetProperty("bytes_per_vector").GetDouble()).ToArray();
        Assert.True(bytes[0] > bytes[1] && bytes[1] > bytes[2], string.Join(' ', bytes));
        Assert.All(indexes, i => Assert.InRange(i.GetProperty("points").EnumerateArray().Last().GetProperty("recall").GetDouble(), 0.95, 1));
        Assert.Contains(root.GetProperty("recommended").GetProperty("name").GetString(), new[] { "f32", "int8", "product" });
        Assert.True(root.GetProperty("recommended").GetProperty("recall").GetDouble() >= 0.95);
    }

    [Fact]
    public void A_person_gets_a_table_and_a_preset()
    {
        var result = CliWorld.Run("", ["bench", "vectors", Fvecs(300, 8), "--queries", "10", "-k", "3", "--rows", "200", "--threads", "1"]);
        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith("190 vectors of 8 components by Cosine; 10 others are asked for, 3 neighbours each", result.Lines[0], StringComparison.Ordinal);
        var recommended = result.Lines.Single(l => l.StartsWith("Recommended for a recall of 0.95: ", StringComparison.Ordinal));
        Assert.Contains("ef_search", recommended, StringComparison.Ordinal);
    }

    [Fact]
    public void The_smallest_that_is_fast_enough_is_recommended()
    {
        static TriedIndex Index(string name, double bytes, params (int Ef, double Recall, double Rate)[] points) =>
            new(name, bytes, "", [.. points.Select(p => new TriedPoint(p.Ef, p.Recall, p.Rate))]);
        TriedIndex[] tried =
        [
            Index("f32", 600, (10, 0.9, 200), (20, 0.96, 100)), Index("int8", 250, (20, 0.95, 60)), Index("product", 100, (20, 0.96, 49)),
            Index("binary", 50, (20, 0.8, 300)),
        ];
        Assert.Equal("int8", VectorReport.Recommend(tried, 0.95)!.Value.Index.Name);
        Assert.Equal("binary", VectorReport.Recommend(tried, 0.8)!.Value.Index.Name);
        Assert.Equal("f32", VectorReport.Recommend(tried, 0.9)!.Value.Index.Name);
        Assert.Null(VectorReport.Recommend(tried, 0.97));
    }

    [Fact]
    public void What_cannot_be_tried_is_refused_in_words()
    {
        Refused("row 250: ", Fvecs(400, 8, i => i == 250 ? 9 : 8));
        Refused("row 150: ", Fvecs(300, 8, withZero: true));
        Refused("a hundred vectors are wanted", Fvecs(40, 8));
        Refused("say it by --format", Path.Combine(_directory, "vectors.bin"));
        Refused("Could not find", Path.Combine(_directory, "nothing.fvecs"));
        Refused("--dim says", Path.ChangeExtension(Copy(Fvecs(200, 8), ".f32"), ".f32"));
        Refused("--recall is above 0", Fvecs(200, 8), "--recall", "1.5");
        Refused("--threads is from 1", Fvecs(200, 8), "--threads", "0");
    }

    static string Copy(string path, string ending)
    {
        var copy = Path.ChangeExtension(path, ending);
        File.Copy(path, copy, overwrite: true);
        return copy;
    }

    static void Refused(string why, params string[] arguments)
    {
        var result = CliWorld.Run("", ["bench", "vectors", .. arguments]);
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
    }
}
