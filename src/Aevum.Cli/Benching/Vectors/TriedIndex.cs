// TriedIndex: one kind of index over a set: what it weighs, and how fast it answers at which recall.

using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;

namespace Aevum.Cli.Benching.Vectors;

/// <summary>One setting of an index, measured.</summary>
/// <param name="QueriesPerSecond">Of one thread.</param>
sealed record TriedPoint(int Ef, double Recall, double QueriesPerSecond);

/// <param name="Name">f32, int8, product or binary.</param>
/// <param name="BytesPerVector">In memory: vectors or codes, links, ids. Whole vectors that codes are compared with afterwards lie in a file.</param>
sealed record TriedIndex(string Name, double BytesPerVector, string Settings, List<TriedPoint> Points)
{
    /// <summary>The cheapest setting that reaches a recall; null: none does.</summary>
    public TriedPoint? At(double recall) => Points.Where(p => p.Recall >= recall).MinBy(p => p.Ef);
}

static class IndexTrial
{
    static readonly int[] Efs = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 1024, 2048];

    public static TriedIndex Of(HnswIndex index, VectorSet set, TimeProvider time, CancellationToken cancellation) =>
        new("f32", index.MemoryBytes / (double)index.Count, "",
            Measure(set, time, (query, ef, found) => index.Search(query, new HnswQuery(set.K) { Ef = ef }, found), cancellation));

    public static TriedIndex Of(string name, CodedGraph graph, string settings, VectorSet set, TimeProvider time, CancellationToken cancellation) =>
        new(name, graph.MemoryBytes / (double)graph.Count, settings,
            Measure(set, time, (query, ef, found) => graph.Search(query, new CodedQuery(set.K) { Ef = ef }, found), cancellation));

    delegate int Search(float[] query, int ef, VectorMatch[] found);

    // From the least effort on, until nearly everything is found or twice the effort finds nothing more.
    static List<TriedPoint> Measure(VectorSet set, TimeProvider time, Search search, CancellationToken cancellation)
    {
        var points = new List<TriedPoint>();
        var results = new ulong[set.Queries.Count][];
        var found = new VectorMatch[set.K];
        foreach (var ef in Efs.Where(e => e >= set.K).DefaultIfEmpty(set.K))
        {
            var fastest = TimeSpan.MaxValue;
            for (var pass = 0; pass < 3; pass++)
            {
                cancellation.ThrowIfCancellationRequested();
                var began = time.GetTimestamp();
                for (var i = 0; i < set.Queries.Count; i++)
                {
                    var count = search(set.Queries[i], ef, found);
                    if (pass == 0) results[i] = [.. found.Take(count).Select(m => m.Id)];
                }
                // The first pass also makes lists of what was found; it is not timed.
                if (pass > 0 && time.GetElapsedTime(began) is var taken && taken < fastest) fastest = taken;
            }
            var recall = set.RecallOf(results);
            points.Add(new TriedPoint(ef, recall, set.Queries.Count / Math.Max(fastest.TotalSeconds, 1e-9)));
            if (recall >= 0.9995 || (points.Count > 2 && ef > 100 && recall - points[^3].Recall < 0.0005)) break;
        }
        return points;
    }
}
