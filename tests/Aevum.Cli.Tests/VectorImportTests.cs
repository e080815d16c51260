using System.Runtime.InteropServices;
using System.Text;
using Aevum.Model.Catalog;

namespace Aevum.Cli.Tests;

public sealed class VectorImportTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    static readonly float[][] Three = [[1, 0, 0.5f], [0, 2, -1], [3, 3, 3]];

    string Directory => _world.PathOf("d");

    CliResult Import(byte[] file, string format, params string[] more)
    {
        var path = _world.PathOf("vectors");
        File.WriteAllBytes(path, file);
        return CliWorld.Run("", ["import", Directory, path, "--format", format, "--collection", "c", .. more]);
    }

    List<string> Kept()
    {
        using var database = Database.Open(Directory);
        using var session = database.OpenSession();
        var collection = session.Collection("c");
        return [.. collection.Keys().Select(key => $"{Encoding.UTF8.GetString(key)}: {string.Join(' ', collection.Get(key)!)}")];
    }

    static byte[] Bytes<T>(params IEnumerable<T> values) where T : unmanaged => MemoryMarshal.AsBytes(values.ToArray().AsSpan()).ToArray();

    static byte[] Npy(string header, byte[] data, byte version = 1)
    {
        var length = Bytes((ushort)header.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. Encoding.Latin1.GetBytes(header), .. data];
    }

    public static TheoryData<string, byte[], string[]> Files => new()
    {
        { "fvecs", [.. Three.SelectMany(v => (byte[])[.. Bytes(3), .. Bytes(v)])], [] },
        { "f32", [.. Three.SelectMany(v => Bytes(v))], ["--dim", "3"] },
        { "f16", [.. Three.SelectMany(v => Bytes(v.Select(c => (Half)c)))], ["--dim", "3"] },
        { "i8", [.. Three.SelectMany(v => (byte[])[.. Bytes(0.5f), .. Bytes(v.Select(c => (sbyte)(2 * c)))])], ["--dim", "3"] },
        { "npy", Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }   \n", [.. Three.SelectMany(v => Bytes(v))]), [] },
        { "npy", Npy("{'descr': '<f2', 'fortran_order': False, 'shape': (3, 3), }\n", [.. Three.SelectMany(v => Bytes(v.Select(c => (Half)c)))]), [] },
        { "npy", Npy("{'shape': (3,3), 'fortran_order':False, 'descr':'<f8'}", [.. Three.SelectMany(v => Bytes(v.Select(c => (double)c)))]), [] },
        {
            "ndjson", Encoding.UTF8.GetBytes("{\"key\":\"0\",\"vector\":[1,0,0.5]}\n\n{\"vector\":[0,2,-1e0]}\r\n{\"key64\":\"Mg==\",\"vector\":[3,3,3]}"), []
        },
    };

    [Theory, MemberData(nameof(Files))]
    public void Each_format_brings_the_same_rows(string format, byte[] file, string[] more)
    {
        var made = Import(file, format, ["--create", "--metric", "l2", .. more]);
        Assert.Equal("", made.Error.Replace("vectors", "", StringComparison.Ordinal).Contains("row", StringComparison.Ordinal) ? made.Error : "");
        Assert.Equal(0, made.ExitCode);
        Assert.Equal("3 vectors in 1 commits and the index; 0 bad rows\n", made.Out);
        Assert.Equal(["0: 1 0 0.5", "1: 0 2 -1", "2: 3 3 3"], Kept());
    }

    [Fact]
    public void The_collection_is_made_as_told_and_found_again_with_its_index()
    {
        var rows = Enumerable.Range(0, 1200).SelectMany(i => Bytes<float>(i, i * 2)).ToArray();
        Assert.Equal(0, Import(rows, "f32", "--create", "--dim", "2", "--metric", "l2", "--prefix", "v/").ExitCode);
        Assert.Equal(0, Import(Bytes<float>(-5, -5), "f32", "--dim", "2", "--prefix", "w/", "--json").ExitCode);
        using var database = Database.Open(Directory);
        using var session = database.OpenSession();
        var collection = session.Collection("c");
        Assert.Equal(VectorMetric.L2, collection.Options.Metric);
        Assert.Equal(1201, collection.Count);
        Assert.True(collection.WaitIndexed());
        Assert.Equal(["v/100", "v/99"], collection.Search([100, 199.9f], 2).Select(m => Encoding.UTF8.GetString(m.Key)));
        Assert.Null(collection.Describe().Damage);
    }

    [Theory]
    [InlineData("f32", 4, "--dim says how many components")]
    [InlineData("npy", 4, "this is no npy file")]
    [InlineData("tsv", 4, "vectors come as")]
    public void What_cannot_be_begun_is_refused(string format, int bytes, string why)
    {
        var refused = Import(new byte[bytes], format, "--create");
        Assert.Equal(ExitCodes.CouldNotRun, refused.ExitCode);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_row_is_named_and_what_stands_before_it_is_imported()
    {
        var refused = Import(Bytes<float>(1, 2, 3, float.NaN, 5, 6), "f32", "--create", "--dim", "2");
        Assert.Equal(ExitCodes.Problems, refused.ExitCode);
        Assert.Contains("row 1: component 1 of the vector is NaN", refused.Error, StringComparison.Ordinal);
        Assert.Equal(["0: 1 2"], Kept());

        var skipped = Import(Bytes<float>(1, 2, 3, float.NaN, 5, 6), "f32", "--dim", "2", "--skip-bad");
        Assert.Equal(0, skipped.ExitCode);
        Assert.Equal(["0: 1 2", "2: 5 6"], Kept());

        var cut = Import([.. Bytes(3), .. Bytes<float>(1, 2)], "fvecs");
        Assert.Equal(ExitCodes.Problems, cut.ExitCode);
        Assert.Contains("row 0: the file ends 4 bytes before its end", cut.Error, StringComparison.Ordinal);
        Assert.Contains("wrong vector dimension: index expects 2, got 3", Import([.. Bytes(3), .. Bytes<float>(1, 2, 3)], "fvecs").Error,
            StringComparison.Ordinal);
        Assert.Contains("its dimension is -1", Import(Bytes(-1), "fvecs").Error, StringComparison.Ordinal);
        foreach (var line in new[] { "{\"key\":\"a\"}", "[1]", "{\"vector\":[1,\"x\"]}", "{\"vector\":[1,2],\"colour\":3}", "no json" })
            Assert.Equal(ExitCodes.Problems, Import(Encoding.UTF8.GetBytes(line), "ndjson").ExitCode);
    }

    [Fact]
    public void Random_bytes_never_bring_it_down()
    {
        var random = new Core.Scheduling.SeededRandom(5);
        foreach (var format in new[] { "fvecs", "npy", "f32", "f16", "ndjson" })
            for (var i = 0; i < 12; i++)
            {
                var file = new byte[random.Next(300)];
                random.Fill(file);
                if (format == "npy" && i % 2 == 0) file = Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 70000)}", file);
                var result = Import(file, format, "--create", "--dim", "2");
                Assert.InRange(result.ExitCode, 0, 2);
                Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
            }
    }
}
