// PastRows: the rows `as of P`: searches as of a moment at which P percent of an index's entries lived, beside the same searches in an index of just these
// entries.
//
//   every row of the set is an entry: it is put at a random time in the first half; half of them are deleted at a random time in the second half
//
// So in the end half of the entries are live and half are history, and at P percent of the first half P percent of either were there, in no order that the
// vectors or the deletions would know: nothing is alive at that moment that lies together in memory or in a segment because of it.
//
// Each query asks as of a moment of its own, a little earlier than the one before, so nothing that was found out for one moment helps with the next; what a query
// costs when all ask as of one moment is told beside. Both sides at recall 0.95, each by its own ef; the answers are judged by exact search.

using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Vectors;

namespace Aevum.Bench.Workloads.Vectors;

sealed class PastRows(DataSet set, TextWriter progress) : IDisposable
{
    const double RecallWanted = 0.95;
    const int Passes = 3;

    // An entry is put at twice its place in a random order, so between any two puts is a moment; deletions follow.
    readonly ulong[] _from = new ulong[set.Rows.Count];
    readonly VectorHit[] _results = new VectorHit[Truth.K];
    VectorIndex? _index;

    static VectorIndexOptions Options => new() { Graph = new() { M = HnswlibSide.M, EfConstruction = HnswlibSide.EfConstruction } };

    public static bool IsOne(Row row) => row.Name.StartsWith("as of ", StringComparison.Ordinal);

    /// <summary>A row that cannot be measured here (of few rows too few live) fails alone.</summary>
    public RowResult Run(Row row, string suffix, int rounds)
    {
        try
        {
            return Measure(row, suffix, rounds);
        }
        catch (BenchException failure)
        {
            return RowResult.Create(row, suffix, [], [], failure.Message);
        }
    }

    public void Dispose() => _index?.Dispose();

    RowResult Measure(Row row, string suffix, int rounds)
    {
        var index = _index ??= Build();
        var share = double.Parse(row.Name.Split(' ')[^1], CultureInfo.InvariantCulture) / 100;
        var alive = (int)(share * set.Rows.Count);
        // A query's moment is up to a hundredth of the entries earlier than the row's.
        var moments = Enumerable.Range(0, set.Queries.Count).Select(q => 2 * (ulong)(alive - (q * alive / 100 / set.Queries.Count)) + 1).ToArray();
        var same = Enumerable.Repeat(moments[0], moments.Length).ToArray();
        var kept = new ulong[(set.Rows.Count + 63) / 64];
        using var only = new VectorIndex(index.Shape, Options);
        for (var i = 0; i < set.Rows.Count; i++)
        {
            if (_from[i] > moments[0]) continue;
            kept[i / 64] |= 1UL << (i % 64);
            only.Put((ulong)i, set.Rows.Vector(i), new(_from[i]));
        }
        var ownTruth = PastTruth.Of(set, _from, moments);
        var truth = Truth.Of(set, kept);
        var found = new uint[set.Queries.Count * Truth.K];
        var own = Bracket(index, moments, ownTruth.Recall);
        var one = Bracket(index, same, truth.Recall);
        var base_ = Bracket(only, null, truth.Recall);
        var readings = new List<Reading[]>();
        for (var round = 0; round < rounds; round++)
        {
            double ownCost = double.MaxValue, oneCost = double.MaxValue, baseCost = double.MaxValue;
            for (var pass = 0; pass < Passes; pass++)
            {
                baseCost = Math.Min(baseCost, Cost(only, null, base_));
                ownCost = Math.Min(ownCost, Cost(index, moments, own));
                oneCost = Math.Min(oneCost, Cost(index, same, one));
            }
            readings.Add(
            [
                new(row.Name, "cpu", ownCost / baseCost), new(row.Name, "us", ownCost * 1e6), new(row.Name, "live_only_us", baseCost * 1e6),
                new(row.Name, "one_moment_ratio", oneCost / baseCost), new(row.Name, "ef", own.NextEf), new(row.Name, "live_only_ef", base_.NextEf),
                new(row.Name, "recall_reached", own.NextRecall), new(row.Name, "entries_alive", alive),
            ]);
            progress.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{row.Name}: {ownCost * 1e6:F1} us (ef {own.NextEf}), at one moment {oneCost * 1e6:F1}, live entries only {baseCost * 1e6:F1} (ef {base_.NextEf})"));
        }
        return RowResult.Create(row, suffix, readings, [], "");

        RecallBracket Bracket(VectorIndex of, ulong[]? asOf, Recall recall) => RecallSearch.Find(ef =>
        {
            SearchAll(of, ef, asOf, found);
            return recall(found);
        }, RecallWanted);

        double Cost(VectorIndex of, ulong[]? asOf, RecallBracket bracket)
        {
            var next = Pass(of, asOf, bracket.NextEf);
            return bracket.CostAt(RecallWanted, bracket.Ef == bracket.NextEf ? next : Pass(of, asOf, bracket.Ef), next) / set.Queries.Count;
        }

        double Pass(VectorIndex of, ulong[]? asOf, int ef)
        {
            var start = ThreadCpu.Seconds;
            var passes = 0;
            for (; passes == 0 || ThreadCpu.Seconds - start < 0.03; passes++) SearchAll(of, ef, asOf, found);
            return (ThreadCpu.Seconds - start) / passes;
        }
    }

    delegate double Recall(ReadOnlySpan<uint> found);

    void SearchAll(VectorIndex index, int ef, ulong[]? asOf, uint[] found)
    {
        for (var q = 0; q < set.Queries.Count; q++)
        {
            var query = new VectorQuery(Truth.K) { Ef = ef, AsOf = asOf is null ? null : new SystemTime(asOf[q]) };
            var answers = index.Search(set.Queries.Vector(q), query, _results);
            for (var i = 0; i < Truth.K; i++) found[(q * Truth.K) + i] = i < answers ? (uint)_results[i].Id : uint.MaxValue;
        }
    }

    VectorIndex Build()
    {
        var random = new SeededRandom(13);
        var order = Shuffle(set.Rows.Count, random);
        var index = new VectorIndex(new VectorShape(ElementType.Float32, Metric.L2, set.Rows.Dimension), Options);
        for (var i = 0; i < order.Length; i++)
        {
            _from[order[i]] = 2 * ((ulong)i + 1);
            index.Put((ulong)order[i], set.Rows.Vector(order[i]), new(_from[order[i]]));
        }
        var time = 2 * (ulong)(order.Length + 1);
        foreach (var gone in Shuffle(set.Rows.Count, random)[..(order.Length / 2)]) index.Delete((ulong)gone, new(time += 2));
        progress.WriteLine($"as of: {index.Count} live entries, {index.Statistics().HistoryEntries} of history");
        return index;
    }

    static int[] Shuffle(int count, SeededRandom random)
    {
        var order = Enumerable.Range(0, count).ToArray();
        for (var i = count - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}

/// <summary>The right answers where each query asks as of a moment of its own.</summary>
sealed unsafe class PastTruth(DataSet set, ulong[] from, ulong[] moments, float[] farthest)
{
    static readonly int K = Truth.K;

    public static PastTruth Of(DataSet set, ulong[] from, ulong[] moments)
    {
        var shape = ShapeOf(set);
        var farthest = new float[moments.Length];
        using var search = new ExactSearch(shape, MemoryBudget.Unlimited());
        var results = new Neighbour[K];
        var words = new ulong[(from.Length + 63) / 64];
        for (var q = 0; q < moments.Length; q++)
        {
            Array.Clear(words);
            for (var i = 0; i < from.Length; i++)
                if (from[i] <= moments[q]) words[i / 64] |= 1UL << (i % 64);
            fixed (ulong* bits = words)
            {
                var rows = new VectorRows((byte*)set.Rows.Row(0), shape.Bytes, 0, set.Rows.Count);
                var found = search.Find(new ReadOnlySpan<byte>(set.Queries.Row(q), shape.Bytes), new SearchLimits(K), rows, new RowFilter(bits, from.Length), results);
                if (found != K) throw new BenchException($"fewer than {K} entries live as of {moments[q]}");
            }
            farthest[q] = results[^1].Distance;
        }
        return new(set, from, moments, farthest);
    }

    public double Recall(ReadOnlySpan<uint> found)
    {
        var hits = 0;
        for (var q = 0; q < moments.Length; q++)
        {
            var rows = found.Slice(q * K, K);
            for (var i = 0; i < K; i++)
            {
                if (rows[i] >= from.Length) throw new BenchException($"fewer than {K} entries came back for query {q}");
                if (from[rows[i]] > moments[q]) throw new BenchException($"query {q} got entry {rows[i]}, which was not there yet");
                if (!rows[..i].Contains(rows[i]) && Distance(q, (int)rows[i]) <= farthest[q]) hits++;
            }
        }
        return hits / (double)found.Length;
    }

    static VectorShape ShapeOf(DataSet set) => new(ElementType.Float32, Metric.L2, set.Rows.Dimension);

    float Distance(int query, int row)
    {
        var visitor = new One { Query = (byte*)set.Queries.Row(query), Vector = (byte*)set.Rows.Row(row) };
        return DistanceDispatch.RunPrepared<One, float>(ShapeOf(set), ref visitor);
    }

    struct One : IDistanceVisitor<float>
    {
        public byte* Query;
        public byte* Vector;

        public readonly float Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance => distance.One(Query, Vector);
    }
}
