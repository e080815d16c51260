// FilterRows: the rows `filter P` and `filter P correlated`: searches of which only P percent of the rows may be results.
//
//   filter P               each row is kept with that probability, by a fixed seed
//   filter P correlated    kept are the rows that lie farthest along one random direction: the filter goes with the vectors, as filters in life do
//
// The answer is judged by exact search among the kept rows, and must have k rows for every query, else the row fails. Cost is that of searching with a
// filter at hand; what it costs to make one is told beside.

using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Scheduling;
using Aevum.Vectors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Bench.Workloads.Vectors;

/// <summary>An index that can leave rows out.</summary>
interface IFilteredIndex : IBuiltIndex
{
    /// <param name="kept">Bit i % 64 of word i / 64: whether the row inserted under number i is kept.</param>
    PreparedFilter Prepare(ulong[] kept);

    void SearchAll(DataSet set, int ef, PreparedFilter filter, Span<uint> found);
}

sealed class FilterRows(DataSet set, IFilteredIndex index)
{
    const double RecallWanted = 0.985;
    const int Passes = 3;

    public static bool IsOne(Row row) => row.Name.StartsWith("filter ", StringComparison.Ordinal);

    /// <summary>A row that cannot be measured here (of few rows too few are kept) fails alone.</summary>
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

    RowResult Measure(Row row, string suffix, int rounds)
    {
        var words = row.Name.Split(' ');
        var share = double.Parse(words[1], CultureInfo.InvariantCulture) / 100;
        var kept = words.Length > 2 ? AlongDirection(share) : AtRandom(share);
        var before = ThreadCpu.Seconds;
        using var filter = index.Prepare(kept);
        var prepared = (ThreadCpu.Seconds - before) * 1e6;
        var truth = Truth.Of(set, kept);
        var found = new uint[set.Queries.Count * Truth.K];
        var bracket = RecallSearch.Find(ef =>
        {
            index.SearchAll(set, ef, filter, found);
            if (found.Contains(uint.MaxValue)) throw new BenchException($"fewer than {Truth.K} rows came back for some query");
            return truth.Recall(found);
        }, RecallWanted);
        var readings = new List<Reading[]>();
        for (var round = 0; round < rounds; round++)
        {
            double cost = double.MaxValue, nextCost = double.MaxValue;
            for (var pass = 0; pass < Passes; pass++)
            {
                nextCost = Math.Min(nextCost, Pass(bracket.NextEf));
                if (bracket.Ef != bracket.NextEf) cost = Math.Min(cost, Pass(bracket.Ef));
            }
            var perQuery = bracket.CostAt(RecallWanted, cost, nextCost) / set.Queries.Count;
            readings.Add([new(row.Name, "qps", 1 / perQuery), new(row.Name, "ef", bracket.NextEf), new(row.Name, "recall_reached", bracket.NextRecall),
                new(row.Name, "kept_rows", filter.Count), new(row.Name, "prepare_us", prepared)]);
        }
        return RowResult.Create(row, suffix, readings, [], "");

        double Pass(int ef)
        {
            var start = ThreadCpu.Seconds;
            var passes = 0;
            for (; passes == 0 || ThreadCpu.Seconds - start < 0.03; passes++) index.SearchAll(set, ef, filter, found);
            return (ThreadCpu.Seconds - start) / passes;
        }
    }

    ulong[] AtRandom(double share)
    {
        var random = new SeededRandom(11);
        var kept = new ulong[(set.Rows.Count + 63) / 64];
        for (var i = 0; i < set.Rows.Count; i++)
            if (random.NextDouble() < share) kept[i / 64] |= 1UL << (i % 64);
        return kept;
    }

    ulong[] AlongDirection(double share)
    {
        var random = new SeededRandom(12);
        var direction = new float[set.Rows.Dimension];
        for (var i = 0; i < direction.Length; i++) direction[i] = (float)(random.NextDouble() - 0.5);
        var places = new double[set.Rows.Count];
        for (var i = 0; i < places.Length; i++)
        {
            var vector = set.Rows.Vector(i);
            for (var j = 0; j < direction.Length; j++) places[i] += vector[j] * direction[j];
        }
        var ordered = places.Order().ToArray();
        var least = ordered[(int)(places.Length * (1 - share))];
        var kept = new ulong[(places.Length + 63) / 64];
        for (var i = 0; i < places.Length; i++)
            if (places[i] >= least) kept[i / 64] |= 1UL << (i % 64);
        return kept;
    }
}
