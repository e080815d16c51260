// VectorSet: the vectors of a file, some of them held out as queries, and which of the others are truly nearest to each of these.

using Aevum.Cli.Terminals;
using Aevum.Cli.Transfer;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Cli.Benching.Vectors;

sealed class VectorSet
{
    VectorSet(VectorShape shape, List<float[]> rows, List<float[]> queries, int k)
    {
        (Shape, Rows, Queries, K) = (shape, rows, queries, k);
        Truth = new ulong[queries.Count][];
    }

    public VectorShape Shape { get; }

    public List<float[]> Rows { get; }

    public List<float[]> Queries { get; }

    public int K { get; }

    /// <summary>The ids nearest to each query, by <see cref="FindTruth"/>.</summary>
    public ulong[][] Truth { get; }

    /// <summary>Reads a file, up to a number of rows.</summary>
    /// <exception cref="AevumException">InvalidArgument: rows of different dimensions, vectors that the metric has no use for, too few of them.</exception>
    public static VectorSet Read(VectorFiles file, VectorTrialOptions options, Stages stages, CancellationToken cancellation)
    {
        var rows = new List<float[]>();
        VectorShape? shape = null;
        var stored = Array.Empty<byte>();
        stages.Begin("read", 0);
        try
        {
            foreach (var (_, vector) in file.Read())
            {
                cancellation.ThrowIfCancellationRequested();
                shape ??= new VectorShape(ElementType.Float32, options.Metric, vector.Length);
                if (stored.Length == 0) stored = new byte[shape.Bytes];
                VectorEncoder.Encode(shape, vector, stored);   // refuses what no index would take
                rows.Add(vector);
                stages.Advance(1);
                if (rows.Count == options.RowsMax) break;
            }
        }
        catch (Exception wrong) when (wrong is BadRowException or AevumException { Code: ErrorCode.InvalidArgument })
        {
            throw new AevumException(ErrorCode.InvalidArgument, $"row {rows.Count}: {wrong.Message}", wrong);
        }
        if (rows.Count < 100) Throw.Invalid($"a hundred vectors are wanted to tell anything, and there are {rows.Count}");
        return HoldOut(shape!, rows, options);
    }

    static VectorSet HoldOut(VectorShape shape, List<float[]> rows, VectorTrialOptions options)
    {
        var random = new SeededRandom(options.Seed);
        var queries = new List<float[]>();
        for (var left = Math.Min(options.Queries, rows.Count / 10); left > 0; left--)
        {
            var chosen = random.Next(rows.Count);
            queries.Add(rows[chosen]);
            rows[chosen] = rows[^1];
            rows.RemoveAt(rows.Count - 1);
        }
        return new VectorSet(shape, rows, queries, Math.Min(options.K, rows.Count));
    }

    /// <summary>Looks at every row for every query.</summary>
    public void FindTruth(HnswIndex index, Stages stages, CancellationToken cancellation)
    {
        stages.Begin("exact", Queries.Count);
        var found = new VectorMatch[K];
        for (var i = 0; i < Queries.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = index.Search(Queries[i], new HnswQuery(K) { Exact = true }, found);
            Truth[i] = [.. found.Take(count).Select(m => m.Id)];
            stages.Advance(1);
        }
    }

    /// <summary>The share of true neighbours among those found.</summary>
    public double RecallOf(ulong[][] found)
    {
        long hits = 0, wanted = 0;
        for (var i = 0; i < Truth.Length; i++)
        {
            wanted += Truth[i].Length;
            hits += Truth[i].Intersect(found[i]).Count();
        }
        return wanted == 0 ? 1 : hits / (double)wanted;
    }
}
