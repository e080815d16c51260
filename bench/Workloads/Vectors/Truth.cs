// Truth: the right answers, by exact search, and how much of them an index gave.
//
// A row counts as found when it is no farther than the k-th nearest: rows at the same distance are as good as each other, and sets have duplicates.
// Distances of what an index gave are computed here, by the kernel that computed the right ones, so nothing an index says of itself is believed.
// A row named twice counts once.

using System.Runtime.InteropServices;
using Aevum.Bench.Workloads.Engines;
using Aevum.Vectors;

namespace Aevum.Bench.Workloads.Vectors;

sealed unsafe class Truth
{
    readonly DataSet _set;
    readonly VectorShape _shape;
    readonly float[] _farthest;
    readonly ulong[]? _kept;

    Truth(DataSet set, VectorShape shape, float[] farthest, ulong[]? kept = null)
    {
        _kept = kept;
        _set = set;
        _shape = shape;
        _farthest = farthest;
    }

    /// <summary>How many neighbours of each query.</summary>
    public const int K = 10;

    public static Truth Of(DataSet set, TextWriter progress)
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, set.Rows.Dimension);
        var file = Path.ChangeExtension(set.Queries.Path, ".truth");
        if (File.Exists(file) && new FileInfo(file).Length == set.Queries.Count * sizeof(float))
            return new Truth(set, shape, MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file)).ToArray());

        progress.WriteLine($"{set.Name}: exact search of {set.Queries.Count} queries");
        var farthest = Farthest(set, shape, null);
        File.WriteAllBytes(file, MemoryMarshal.AsBytes<float>(farthest).ToArray());
        return new Truth(set, shape, farthest);
    }

    /// <summary>Among the rows whose bit is set. Kept nowhere: computed each time.</summary>
    public static Truth Of(DataSet set, ulong[] kept)
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, set.Rows.Dimension);
        return new Truth(set, shape, Farthest(set, shape, kept), kept);
    }

    /// <param name="found"><see cref="K"/> rows a query; rows beyond the last row number mean that nothing was found there.</param>
    /// <returns>Right answers over all answers there are, 0 to 1.</returns>
    public double Recall(ReadOnlySpan<uint> found)
    {
        if (found.Length != _farthest.Length * K) throw new BenchException($"{found.Length} rows are not {K} for each of {_farthest.Length} queries");
        var hits = 0L;
        for (var q = 0; q < _farthest.Length; q++)
        {
            var rows = found.Slice(q * K, K);
            if (_kept is not null) RequireKept(q, rows);
            for (var i = 0; i < K; i++)
                if (rows[i] < _set.Rows.Count && !rows[..i].Contains(rows[i]) && Distance(q, (int)rows[i]) <= _farthest[q]) hits++;
        }
        return hits / (double)found.Length;
    }

    // A row that the filter leaves out may well be nearer than the tenth that it keeps: it must not pass for a hit.
    void RequireKept(int query, ReadOnlySpan<uint> rows)
    {
        foreach (var row in rows)
            if (row < _set.Rows.Count && ((_kept![row >> 6] >> (int)(row & 63)) & 1) == 0)
                throw new BenchException($"query {query} got row {row}, which the filter leaves out");
    }

    static float[] Farthest(DataSet set, VectorShape shape, ulong[]? kept)
    {
        using var search = new ExactSearch(shape, MemoryBudget.Unlimited());
        search.Begin(new ReadOnlySpan<byte>(set.Queries.Row(0), set.Queries.Count * shape.Bytes), new SearchLimits(K));
        fixed (ulong* words = kept)
            search.Scan(new VectorRows((byte*)set.Rows.Row(0), shape.Bytes, 0, set.Rows.Count), new RowFilter(words, set.Rows.Count));
        var farthest = new float[set.Queries.Count];
        var results = new Neighbour[K];
        for (var q = 0; q < farthest.Length; q++)
        {
            if (search.Take(q, results) != K) throw new BenchException($"{set.Name} has fewer than {K} such rows");
            farthest[q] = results[^1].Distance;
        }
        return farthest;
    }

    float Distance(int query, int row)
    {
        var visitor = new One { Query = (byte*)_set.Queries.Row(query), Vector = (byte*)_set.Rows.Row(row) };
        return DistanceDispatch.RunPrepared<One, float>(_shape, ref visitor);
    }

    struct One : IDistanceVisitor<float>
    {
        public byte* Query;
        public byte* Vector;

        public readonly float Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance => distance.One(Query, Vector);
    }
}
