using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Tests.Hnsw;

/// <summary>What an index should hold, and what a search in it should find: the slow and obvious way.</summary>
sealed class HnswModel(VectorShape shape)
{
    readonly SortedDictionary<ulong, (float[] Vector, byte[] Stored)> _vectors = [];

    public int Count => _vectors.Count;

    public IEnumerable<ulong> Ids => _vectors.Keys;

    public void Put(ulong id, float[] vector)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, vector, stored);
        _vectors[id] = (vector, stored);
    }

    public bool Delete(ulong id) => _vectors.Remove(id);

    public bool Contains(ulong id) => _vectors.ContainsKey(id);

    public float[] Vector(ulong id) => _vectors[id].Vector;

    /// <summary>Ids and distances, nearest first.</summary>
    public (ulong Id, float Distance)[] Search(float[] query, int k, Func<ulong, bool>? filter = null)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, query, stored);
        return [.. _vectors.Where(v => filter is null || filter(v.Key)).Select(v => (v.Key, Distance(stored, v.Value.Stored)))
            .OrderBy(v => v.Item2).ThenBy(v => v.Key).Take(k)];
    }

    /// <summary>How many of the results are as near as the exact ones (copies of a vector stand for each other).</summary>
    public static int Hits(ReadOnlySpan<VectorMatch> found, (ulong Id, float Distance)[] exact)
    {
        if (exact.Length == 0) return 0;
        var hits = 0;
        var limit = exact[^1].Distance;
        foreach (var neighbour in found)
            if (neighbour.Distance <= limit + Tolerance(limit)) hits++;
        return hits;
    }

    /// <summary>Rounding of sums of floats in another order.</summary>
    public static float Tolerance(float distance) => 1e-5f + (1e-4f * Math.Abs(distance));

    unsafe float Distance(byte[] a, byte[] b)
    {
        fixed (byte* x = a, y = b)
        {
            var visitor = new OneDistance(x, y);
            return DistanceDispatch.Run<OneDistance, float>(shape, ref visitor, KernelWidth.Scalar);
        }
    }

    readonly unsafe struct OneDistance(byte* a, byte* b) : IDistanceVisitor<float>
    {
        public float Visit<TDistance>(TDistance distance)
            where TDistance : struct, IDistance => distance.One(a, b);
    }
}

/// <summary>Vectors in clusters that vary in few directions, as real ones do.</summary>
sealed class ClusteredVectors
{
    readonly SeededRandom _random;
    readonly float[][] _axes;
    readonly float[][] _centres;

    public ClusteredVectors(int dimension, int clusters, int axes, ulong seed)
    {
        _random = new(seed);
        _axes = [.. Enumerable.Range(0, axes).Select(_ => Normals(dimension, 1 / Math.Sqrt(axes)))];
        _centres = [.. Enumerable.Range(0, clusters).Select(_ => Normals(axes, 1))];
    }

    public float[] Next()
    {
        var centre = _centres[_random.Next(_centres.Length)];
        var vector = Normals(_axes[0].Length, 0.05);
        for (var a = 0; a < _axes.Length; a++)
        {
            var along = centre[a] + (float)(0.5 * TestVectors.Normal(_random));
            for (var i = 0; i < vector.Length; i++) vector[i] += along * _axes[a][i];
        }
        return vector;
    }

    float[] Normals(int count, double scale) => [.. Enumerable.Range(0, count).Select(_ => (float)(scale * TestVectors.Normal(_random)))];
}
