using System.IO.Compression;
using System.Text;

namespace Aevum.Cli.Tests;

public sealed class DemoTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void The_database_holds_every_synset_edge_and_vector_of_the_data_and_is_sound()
    {
        var made = CliWorld.Run("", "demo", _world.PathOf("d"), "--data", CliWorld.DemoFolder);
        Assert.Equal(0, made.ExitCode);
        foreach (var line in (string[])["synsets           10,000", "edges             33,324", "vectors           10,000"])
            Assert.Contains(line, made.Error, StringComparison.Ordinal);

        // The data again, read the plain way.
        var synsets = Lines("synsets.tsv.gz").Select(l => l.Split('\t')).ToList();
        var expected = synsets.Select(f => $"{f[0]} = {f[1]} | {f[2]} | {f[3]} | {f[4]}").Order(StringComparer.Ordinal);
        Assert.Equal(expected, _world.Shell("d", "use synsets", "scan \"\" 100000").Lines.Skip(1).Order(StringComparer.Ordinal));
        var edges = Lines("edges.tsv.gz").Select(l => l.Split('\t')).Select(f => $"{f[0]}/{f[1]}/{f[2]} = {synsets[int.Parse(f[2])][3]}");
        Assert.Equal(edges.Order(StringComparer.Ordinal), _world.Shell("d", "use edges", "scan \"\" 100000").Lines.Skip(1).Order(StringComparer.Ordinal));
        var vectors = File.ReadAllBytes(Path.Combine(CliWorld.DemoFolder, "vectors-128.i8"));
        Assert.Equal($"0x{Convert.ToHexStringLower(vectors.AsSpan(956 * 132, 32))}... (132 bytes)", _world.Shell("d", "use vectors", "get 956").Lines[1]);
        Assert.Equal(10_001, _world.Shell("d", "use vectors", "scan \"\" 100000").Lines.Length);
        Assert.Contains("domestic_dog/956 = n | 5", _world.Shell("d", "use words", "scan domestic_dog/").Lines);

        Assert.Equal(0, CliWorld.Run("", "check", _world.PathOf("d")).ExitCode);
        var again = CliWorld.Run("", "demo", _world.PathOf("d"), "--data", CliWorld.DemoFolder);
        Assert.Equal(ExitCodes.CouldNotRun, again.ExitCode);
        Assert.Contains("not empty", again.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0\tn\t3\tentity", "line 1: expected 5 fields")]
    [InlineData("1\tn\t3\tentity\tgloss", "line 1: expected 0")]
    [InlineData("0\tn\t45\tentity\tgloss", "line 1: expected a number from 0 to 44")]
    [InlineData(null, "is damaged")]
    public void Data_that_is_not_as_described_is_refused(string? synsets, string why)
    {
        var data = _world.PathOf("data");
        Directory.CreateDirectory(data);
        using (var zip = new GZipStream(File.Create(Path.Combine(data, "synsets.tsv.gz")), CompressionLevel.Fastest))
            zip.Write(Encoding.UTF8.GetBytes(synsets + "\n"));
        if (synsets is null) File.WriteAllBytes(Path.Combine(data, "synsets.tsv.gz"), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        var result = CliWorld.Run("", "demo", _world.PathOf("d"), "--data", data);
        Assert.Equal(ExitCodes.CouldNotRun, result.ExitCode);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
    }

    /// <summary>The lines of a file of the demo data.</summary>
    public static IEnumerable<string> Lines(string name)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(Path.Combine(CliWorld.DemoFolder, name)), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line) yield return line;
    }
}
