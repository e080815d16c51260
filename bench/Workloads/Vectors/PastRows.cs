// PastRows: the rows `as of P`: searches as of a moment at which P percent of all entries an index ever had lived, beside the same searches in an index of
// just these entries.
//
//   every row of the set is put once, under one of (P percent of the rows) ids: first each id once, then an id at random, whose vector it replaces
//   the moment: half of the replacements were made before, half after
//
// So at any moment P percent of the entries are alive; an entry lives for as long as it takes until its id is drawn again. Vectors are
// dealt out at random: what
// replaces a vector is not near it.
//
// Each query asks as of a moment of its own, a little earlier than the one before, so nothing that was found out for one moment helps with
// the next; what a query
// costs when all ask as of one moment is told beside. Both sides at recall 0.95, each by its own ef; the answers are judged by exact search.

using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Vectors;

namespace Aevum.Bench.Workloads.Vectors;

sealed class PastRows(DataSet set, TextWriter progress)
{
    const double RecallWanted = 0.95;
    const int Passes = 3;

    readonly VectorHit[] _results = new VectorHit[Truth.K];

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

    RowResult Measure(Row row, string suffix, int rounds)
    {
        var share = double.Parse(row.Name.Split(' ')[^1], CultureInfo.InvariantCulture) / 100;
        var world = new PastWorld(set.Rows.Count, (int)(share * set.Rows.Count));
        using var index = world.Build(set, Options);
        var told = index.Statistics();
        progress.WriteLine($"{row.Name}: {told.Count} live entries, {told.HistoryEntries} in {told.HistorySegments} segments of history");
        // A query's moment is up to a hundredth of the time earlier than the row's.
        var (queries, hundredth) = (set.Queries.Count, set.Rows.Count / 100);
        var moments = Enumerable.Range(0, queries).Select(q => world.Moment - (ulong)((long)q * hundredth / queries)).ToArray();
        var same = Enumerable.Repeat(moments[0], moments.Length).ToArray();
        var kept = world.KeptAt(moments[0]);
        using var only = new VectorIndex(index.Shape, Options);
        for (var i = 0; i < set.Rows.Count; i++)
            if ((kept[i / 64] >> (i % 64) & 1) != 0) only.Put((ulong)i, set.Rows.Vector(i), new(1));
        var ownTruth = PastTruth.Of(set, world, moments);
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
                new(row.Name, "recall_reached", own.NextRecall), new(row.Name, "entries_alive", world.IdCount),
                new(row.Name, "history_segments", told.HistorySegments),
            ]);
            progress.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{row.Name}: {ownCost * 1e6:F1} us (ef {own.NextEf}), one moment {oneCost * 1e6:F1}, live only {baseCost * 1e6:F1} (ef {base_.NextEf})"));
        }
        return RowResult.Create(row, suffix, readings, [], "");

        RecallBracket Bracket(VectorIndex of, ulong[]? asOf, Recall recall) => RecallSearch.Find(ef =>
        {
            SearchAll(of, ef, asOf, found, asOf is null ? null : world);
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
            for (; passes == 0 || ThreadCpu.Seconds - start < 0.03; passes++) SearchAll(of, ef, asOf, found, null);
            return (ThreadCpu.Seconds - start) / passes;
        }
    }

    delegate double Recall(ReadOnlySpan<uint> found);

    // Of an index of live entries ids are rows; of the whole one rows are found by id and moment, if there is a world to tell.
    void SearchAll(VectorIndex index, int ef, ulong[]? asOf, uint[] found, PastWorld? world)
    {
        for (var q = 0; q < set.Queries.Count; q++)
        {
            var query = new VectorQuery(Truth.K) { Ef = ef, AsOf = asOf is null ? null : new SystemTime(asOf[q]) };
            var answers = index.Search(set.Queries.Vector(q), query, _results);
            for (var i = 0; i < Truth.K; i++)
            {
                var id = i < answers ? (uint)_results[i].Id : uint.MaxValue;
                found[(q * Truth.K) + i] = world is null || id == uint.MaxValue ? id : world.RowOf(id, asOf![q]);
            }
        }
    }
}

/// <summary>Which row was put under which id, when. Row i is put at time i + 1.</summary>
sealed class PastWorld
{
    readonly int[] _idOf;
    readonly List<int>[] _rowsOf;

    public PastWorld(int rows, int ids)
    {
        var random = new SeededRandom(13);
        IdCount = ids;
        _idOf = new int[rows];
        _rowsOf = [.. Enumerable.Range(0, ids).Select(_ => new List<int>())];
        for (var i = 0; i < rows; i++)
        {
            _idOf[i] = i < ids ? i : random.Next(ids);
            _rowsOf[_idOf[i]].Add(i);
        }
        Moment = (ulong)(ids + ((rows - ids) / 2));
    }

    public int IdCount { get; }

    public ulong Moment { get; }

    public VectorIndex Build(DataSet set, VectorIndexOptions options)
    {
        var index = new VectorIndex(new VectorShape(ElementType.Float32, Metric.L2, set.Rows.Dimension), options);
        for (var i = 0; i < _idOf.Length; i++) index.Put((ulong)_idOf[i], set.Rows.Vector(i), new((ulong)i + 1));
        return index;
    }

    /// <summary>The row that was the last to be put under an id by a moment.</summary>
    public uint RowOf(uint id, ulong moment) => (uint)_rowsOf[(int)id].Last(r => (ulong)r + 1 <= moment);

    public ulong[] KeptAt(ulong moment)
    {
        var kept = new ulong[(_idOf.Length + 63) / 64];
        for (var id = 0u; id < IdCount; id++)
        {
            var row = RowOf(id, moment);
            kept[row / 64] |= 1UL << (int)(row % 64);
        }
        return kept;
    }
}

/// <summary>The right answers where each query asks as of a moment of its own.</summary>
sealed unsafe class PastTruth(DataSet set, ulong[] moments, float[] farthest)
{
    static readonly int K = Truth.K;

    public static PastTruth Of(DataSet set, PastWorld world, ulong[] moments)
    {
        var shape = ShapeOf(set);
        var farthest = new float[moments.Length];
        using var search = new ExactSearch(shape, MemoryBudget.Unlimited());
        var results = new Neighbour[K];
        for (var q = 0; q < moments.Length; q++)
        {
            var words = world.KeptAt(moments[q]);
            fixed (ulong* bits = words)
            {
                var rows = new VectorRows((byte*)set.Rows.Row(0), shape.Bytes, 0, set.Rows.Count);
                var query = new ReadOnlySpan<byte>(set.Queries.Row(q), shape.Bytes);
                var found = search.Find(query, new SearchLimits(K), rows, new RowFilter(bits, set.Rows.Count), results);
                if (found != K) throw new BenchException($"fewer than {K} entries live as of {moments[q]}");
            }
            farthest[q] = results[^1].Distance;
        }
        return new(set, moments, farthest);
    }

    public double Recall(ReadOnlySpan<uint> found)
    {
        var hits = 0;
        for (var q = 0; q < moments.Length; q++)
        {
            var rows = found.Slice(q * K, K);
            for (var i = 0; i < K; i++)
            {
                if (rows[i] >= set.Rows.Count) throw new BenchException($"fewer than {K} entries came back for query {q}");
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
