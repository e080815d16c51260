using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Postings;
using Aevum.Vectors.Tests.Distances;
using Aevum.Vectors.Tests.Quantization;

namespace Aevum.Vectors.Tests.Postings;

/// <summary>Vectors in a dictionary, which is the oracle of an index of postings.</summary>
sealed class PostingWorld
{
    readonly float[][] _centres;

    public PostingWorld(VectorShape shape, SeededRandom random)
    {
        Shape = shape;
        _centres = Codes.Clustered(20, shape.Dimension, random, clusters: 20);
    }

    public VectorShape Shape { get; }

    public Dictionary<ulong, float[]> Vectors { get; private set; } = [];

    public static PostingOptions Small { get; } = new() { LengthMax = 16, LengthMin = 4, Neighbourhood = 8, Probes = 6 };

    public PostingIndex Open(IFileSystem files, PostingOptions? options = null, IScheduler? scheduler = null, FilePostingOptions? store = null) =>
        PostingIndex.Open(FilePostingStore.Open(files, "p", store ?? new(20_000, 4)), Shape, options ?? Small, scheduler: scheduler);

    public float[] Made(SeededRandom random, float shift = 0) =>
        [.. _centres[random.Next(20)].Select(c => Fitting(c + shift + (0.5f * (float)TestVectors.Normal(random))))];

    public void Put(PostingIndex index, ulong id, float[] vector)
    {
        Assert.Equal(!Vectors.ContainsKey(id), index.Put(id, vector));
        Vectors[id] = vector;
    }

    public void Delete(PostingIndex index, ulong id) => Assert.Equal(Vectors.Remove(id), index.Delete(id));

    public PostingWorld Copy()
    {
        var copy = (PostingWorld)MemberwiseClone();
        copy.Vectors = new(Vectors);
        return copy;
    }

    public float Distance(float[] query, ulong id) => Kernels.One(Shape, query, Vectors[id], null, true);

    public ulong[] Exact(float[] query, int count, Func<ulong, bool>? isKept = null) =>
        [.. Vectors.Keys.Where(id => isKept is null || isKept(id)).OrderBy(id => Distance(query, id)).Take(count)];

    public static PostingMatch[] Search(PostingIndex index, float[] query, PostingQuery asked)
    {
        var results = new PostingMatch[asked.K];
        return results[..index.Search(query, asked, results)];
    }

    /// <summary>Whether the index holds these vectors and no others: every posting read, every id and distance compared.</summary>
    public bool IsHeldBy(PostingIndex index)
    {
        if (index.Count != Vectors.Count) return false;
        if (Vectors.Count == 0) return true;
        var query = Vectors[Vectors.Keys.Min()];
        var found = Search(index, query, new(Vectors.Count) { Probes = int.MaxValue });
        return found.Length == Vectors.Count && found.All(f => Vectors.ContainsKey(f.Id) && IsNear(Distance(query, f.Id), f.Distance));
    }

    /// <summary>The same for searches: the right number, nearest first, distances exact, no id twice.</summary>
    public void AssertInOrder(float[] query, PostingMatch[] found, int count)
    {
        Assert.Equal(count, found.Length);
        Assert.Equal(count, found.Select(f => f.Id).Distinct().Count());
        for (var i = 0; i < count; i++)
        {
            Assert.True(IsNear(Distance(query, found[i].Id), found[i].Distance));
            if (i > 0) Assert.True(found[i - 1].Distance <= found[i].Distance);
        }
    }

    /// <returns>How many of the ten nearest a search finds, 0 to 1.</returns>
    public double Recall(PostingIndex index, SeededRandom random, int queries = 40, float shift = 0)
    {
        var hits = 0;
        for (var i = 0; i < queries; i++)
        {
            var query = Made(random, shift);
            var farthest = Distance(query, Exact(query, 10)[^1]);
            hits += Search(index, query, new(10)).Count(f => f.Distance <= farthest * 1.00001f);
        }
        return hits / (queries * 10.0);
    }

    static bool IsNear(float right, float distance) => Math.Abs(right - distance) <= 1e-4f * (1 + Math.Abs(right));

    float Fitting(float value) => Shape.Element switch
    {
        ElementType.Float16 => (float)(Half)value,
        ElementType.Int8 => Math.Clamp(MathF.Round(value * 20), -128, 127),
        _ => value,
    };
}
