using System.Buffers.Binary;
using System.IO.Compression;

namespace Aevum.Architecture.Tests;

/// <summary>The demo data is what demo/README.md says it is.</summary>
public sealed class DemoDataTests
{
    const int SynsetCount = 10_000;
    const int Dimensions = 128;
    const int RowBytes = sizeof(float) + Dimensions;
    const long BytesMax = 3_000_000;

    static readonly string[][] Synsets = ReadTable("demo/synsets.tsv.gz");
    static readonly string[][] Edges = ReadTable("demo/edges.tsv.gz");

    [Fact]
    public void Synsets_are_numbered_in_order_and_have_words_and_a_gloss()
    {
        Assert.Equal(SynsetCount, Synsets.Length);
        for (var i = 0; i < Synsets.Length; i++)
        {
            var fields = Synsets[i];
            Assert.True(fields.Length == 5 && fields[0] == $"{i}" && fields[1] is "n" or "v" or "a" or "r" && int.Parse(fields[2]) is >= 0 and <= 44
                && fields[3].Length > 0 && fields[4].Length > 0, string.Join(" | ", fields));
        }
    }

    [Fact]
    public void Edges_have_ends_and_known_relations_and_their_reverses()
    {
        var reverses = new Dictionary<string, string>
        {
            ["@"] = "~",
            ["@i"] = "~i",
            ["#m"] = "%m",
            ["#p"] = "%p",
            ["#s"] = "%s",
            [";c"] = "-c",
            [";r"] = "-r",
            [";u"] = "-u",
        };
        foreach (var (relation, reverse) in reverses.ToArray()) reverses[reverse] = relation;
        foreach (var both in (string[])["!", "&", "$", "="]) reverses[both] = both;
        var page = Repository.Read("demo/README.md");
        var all = Edges.Select(e => (From: int.Parse(e[0]), Relation: e[1], To: int.Parse(e[2]))).ToHashSet();
        foreach (var edge in all)
        {
            Assert.InRange(edge.From, 0, SynsetCount - 1);
            Assert.InRange(edge.To, 0, SynsetCount - 1);
            Assert.True(page.Contains($"`{edge.Relation}`", StringComparison.Ordinal), $"demo/README.md does not explain {edge.Relation}");
            if (reverses.TryGetValue(edge.Relation, out var reverse)) Assert.Contains((edge.To, reverse, edge.From), all);
        }
        Assert.Equal(Edges.Length, all.Count);
        Assert.Contains($"{Edges.Length:N0} edges", page);
    }

    [Fact]
    public void Every_two_synsets_are_connected()
    {
        var ends = Edges.Select(e => (From: int.Parse(e[0]), To: int.Parse(e[2]))).ToArray();
        var neighbours = ends.Concat(ends.Select(e => (From: e.To, To: e.From))).ToLookup(e => e.From, e => e.To);
        var reached = new HashSet<int> { 0 };
        var open = new Stack<int>(reached);
        while (open.TryPop(out var synset))
            foreach (var next in neighbours[synset])
                if (reached.Add(next)) open.Push(next);
        Assert.Equal(SynsetCount, reached.Count);
    }

    [Fact]
    public void Vectors_have_a_row_a_synset_and_length_one()
    {
        var bytes = Repository.ReadBytes("demo/vectors-128.i8");
        Assert.Equal(SynsetCount * RowBytes, bytes.Length);
        for (var at = 0; at < bytes.Length; at += RowBytes)
        {
            var scale = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(at));
            var squares = 0.0;
            foreach (var component in bytes.AsSpan(at + sizeof(float), Dimensions)) squares += (sbyte)component * (sbyte)component;
            Assert.InRange(Math.Sqrt(squares) * scale, 0.997, 1.003);
        }
    }

    [Fact]
    public void The_data_is_small_and_has_its_licence()
    {
        Assert.InRange(Repository.Files.Where(f => f.StartsWith("demo/", StringComparison.Ordinal)).Sum(f => Repository.ReadBytes(f).LongLength), 1, BytesMax);
        Assert.Contains("Princeton University", Repository.Read("demo/LICENSE"));
    }

    static string[][] ReadTable(string path)
    {
        using var reader = new StreamReader(new GZipStream(new MemoryStream(Repository.ReadBytes(path)), CompressionMode.Decompress));
        return [.. reader.ReadToEnd().TrimEnd('\n').Split('\n').Select(line => line.Split('\t'))];
    }
}
