using Aevum.Core.Files;
using Aevum.Testing;

namespace Aevum.Vectors.Tests.Segments;

/// <summary>Files written by each version of the format can be read, and this program writes the present version byte for byte.</summary>
public sealed class SegmentFixtureTests
{
    static readonly string Fixtures = Path.Combine(TestFolders.Project, "testdata", "index-segment", "v1");

    [Fact]
    public void A_fixture_holds_what_was_put_into_it()
    {
        using var index = VectorIndex.Open(new DiskFileSystem(), Fixtures);
        Assert.Equal(new VectorShape(ElementType.Float32, Metric.L2, 3), index.Shape);
        Assert.Equal((9, 2, 77UL), (index.Count, index.Statistics().HistoryEntries, index.SavedPosition));
        Assert.Equal(new(22), index.LastTime);
        var results = new VectorHit[20];
        Assert.Equal(9, index.Search([5, 0, 0], new(20), results));
        Assert.Equal([new(5, 0), new(4, 1), new(6, 1)], results[..3]);
        Assert.Equal(10, index.Search([3, 0, 0], new(20) { AsOf = new(10) }, results));
        Assert.Equal(new(3, 0), results[0]);
        Assert.Equal(10, index.Search([3, 0, 0], new(20) { AsOf = new(21) }, results));
        Assert.Equal(new(3, 1), results.Single(r => r.Id == 3));
        var vector = new float[3];
        Assert.True(index.TryGet(3, vector));
        Assert.Equal([3, 1, 0], vector);
    }

    [Fact]
    public void The_present_version_is_written_byte_for_byte()
    {
        if (!BitConverter.IsLittleEndian) return;
        using var index = new VectorIndex(new(ElementType.Float32, Metric.L2, 3), new() { Graph = new() { M = 4, EfConstruction = 20, EfSearch = 32 } });
        for (var i = 1; i <= 10; i++) index.Put((ulong)i, [i, 0, 0], new((ulong)i));
        index.Put(3, [3, 1, 0], new(21));
        index.Delete(7, new(22));
        var files = new MemoryFileSystem();
        index.Save(files, "index", 77);
        if (Environment.GetEnvironmentVariable("AEVUM_WRITE_FIXTURES") is not null)
        {
            Directory.CreateDirectory(Fixtures);
            foreach (var name in files.ListFiles("index")) File.WriteAllBytes(Path.Combine(Fixtures, name), files.ReadAllBytes("index/" + name));
        }
        Assert.Equal(files.ListFiles("index"), Directory.GetFiles(Fixtures).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var name in files.ListFiles("index"))
            Assert.Equal(File.ReadAllBytes(Path.Combine(Fixtures, name)), files.ReadAllBytes("index/" + name));
    }
}
