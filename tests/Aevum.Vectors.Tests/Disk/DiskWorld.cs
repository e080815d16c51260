using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Disk;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Tests.Distances;
using Aevum.Vectors.Tests.Quantization;

namespace Aevum.Vectors.Tests.Disk;

/// <summary>Vectors in a graph and in a dictionary, and the index on disk that is made of the graph. The dictionary is the oracle.</summary>
sealed class DiskWorld : IDisposable
{
    // Of few short vectors the codebook alone is larger than all of them.
    public const double AnyShare = 1000;

    public const string Path = "index";

    readonly float[][] _centres;

    public DiskWorld(VectorShape shape, SeededRandom random, int rows, HnswOptions? options = null)
    {
        Shape = shape;
        _centres = Codes.Clustered(30, shape.Dimension, random, clusters: 30);
        Index = new(shape, options ?? new() { M = 8, EfConstruction = 60 });
        for (var id = 0; id < rows; id++) Put((ulong)id * 3, Made(random));
    }

    public VectorShape Shape { get; }

    public HnswIndex Index { get; }

    public Dictionary<ulong, float[]> Vectors { get; } = [];

    public float[] Made(SeededRandom random)
    {
        var centre = _centres[random.Next(30)];
        return [.. centre.Select(c => Fitting(c + (0.5f * (float)TestVectors.Normal(random))))];

        // What the element type holds exactly, so that the oracle sees what is stored.
        float Fitting(float value) => Shape.Element switch
        {
            ElementType.Float16 => (float)(Half)value,
            ElementType.Int8 => Math.Clamp(MathF.Round(value * 20), -128, 127),
            _ => value,
        };
    }

    public void Put(ulong id, float[] vector)
    {
        Vectors[id] = vector;
        Index.Put(id, vector);
    }

    public void Delete(ulong id)
    {
        Vectors.Remove(id);
        Index.Delete(id);
    }

    public DiskIndex Open(IFileSystem? files = null, DiskIndexOptions? options = null)
    {
        files ??= new MemoryFileSystem();
        DiskIndex.Write(files, Path, Index, Small(options));
        return DiskIndex.Open(files, Path, AnyShare);
    }

    public static DiskIndexOptions Small(DiskIndexOptions? options = null) => (options ?? new()) with { MemoryShare = AnyShare, SampleMax = 2_000 };

    public float Distance(float[] query, ulong id) => Kernels.One(Shape, query, Vectors[id], null, true);

    public ulong[] Exact(float[] query, int count, Func<ulong, bool>? isKept = null) =>
        [.. Vectors.Keys.Where(id => isKept is null || isKept(id)).OrderBy(id => Distance(query, id)).Take(count)];

    public static VectorMatch[] Search(DiskIndex index, float[] query, DiskQuery asked)
    {
        var results = new VectorMatch[asked.K];
        return results[..index.Search(query, asked, results)];
    }

    /// <summary>The right number, nearest first, every distance exact, no id twice.</summary>
    public void AssertInOrder(float[] query, VectorMatch[] found, int count)
    {
        Assert.Equal(count, found.Length);
        Assert.Equal(count, found.Select(f => f.Id).Distinct().Count());
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(Distance(query, found[i].Id), found[i].Distance, 1e-4f * (1 + Math.Abs(found[i].Distance)));
            if (i > 0) Assert.True(found[i - 1].Distance <= found[i].Distance);
        }
    }

    public void Dispose() => Index.Dispose();
}
