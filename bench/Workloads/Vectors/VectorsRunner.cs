// VectorsRunner: the rows of the vectors suite. Ours runs in this process, hnswlib in its own; on a data set both stand ready side by side and are asked in
// turns, so that both meet the same weather. CPU of the searching thread is what counts, and of the whole process when building.

using System.Diagnostics;
using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Bench.Workloads.Servers;
using Aevum.Vectors;

namespace Aevum.Bench.Workloads.Vectors;

sealed class VectorsRunner : ISuiteRunner
{
    public string[] Versions(RunOptions options) =>
    [
        $"Aevum.Vectors, kernels of {(int)KernelWidths.Best} bits",
        options.Sides == Sides.Ours ? "" : HnswlibSide.IsThere ? HnswlibSide.Version() : "hnswlib is not there",
    ];

    public IEnumerable<RowResult> Run(RunOptions options, string directory, TextWriter progress)
    {
        foreach (var scenario in options.Suite.Scenarios)
        {
            var rows = options.Suite.Rows.Where(r => r.Scenario == scenario.Name && options.IsWanted(r)).ToArray();
            if (rows.Length == 0) continue;
            var rounds = options.Rounds ?? (options.Scale == Scale.Full ? scenario.Rounds : scenario.QuickRounds);
            IReadOnlyList<RowResult> results;
            try
            {
                results = scenario.Name == "kernels"
                    ? [.. rows.Select(r => KernelScenario.Measure(r, rounds, options.Suffix))]
                    : scenario.Name == "resp" ? new DoorRows(options, directory, progress, rounds).Run(rows)
                    : new SetRun(options, directory, progress, scenario.Name, rounds).Run(rows);
            }
            catch (Exception failure) when (failure is BenchException or IOException or Core.Errors.AevumException
                or System.Net.Sockets.SocketException)
            {
                progress.WriteLine($"{scenario.Name}: FAILED: {failure.Message}");
                results = [.. rows.Select(r => RowResult.Create(r, options.Suffix, [], [], failure.Message))];
            }
            foreach (var result in results) yield return result;
        }
    }
}

/// <summary>All rows of one data set.</summary>
sealed class SetRun(RunOptions options, string directory, TextWriter progress, string name, int rounds)
{
    // Passes of which the best counts; others are what the machine's other users cost.
    const int Passes = 3;
    const double PassSecondsMin = 0.03;

    static readonly int[] CurveEf = [10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256];

    public IReadOnlyList<RowResult> Run(Row[] rows)
    {
        using var set = DataSet.Open(name, options.Scale, progress);
        var truth = Truth.Of(set, progress);
        using var peer = options.Sides == Sides.Ours ? null : new HnswlibSide(set, directory);
        var results = new List<RowResult>();
        var standing = new List<ISide>();
        var peerIsBuilt = false;
        // Rows that make indexes of their own, one after the other.
        results.AddRange(rows.Where(PastRows.IsOne).Select(r => new PastRows(set, progress).Run(r, options.Suffix, rounds)));
        results.AddRange(rows.Where(ReopenRow.IsOne).Select(r => new ReopenRow(set, directory, progress).Run(r, options.Suffix, rounds)));
        rows = [.. rows.Where(r => !PastRows.IsOne(r) && !ReopenRow.IsOne(r))];
        // Rows of one kind are answered by one index; builds come first and leave theirs behind.
        foreach (var kind in rows.GroupBy(r => VariantOf(r)))
        {
            var variant = IndexVariants.Find(kind.Key) ?? throw new BenchException($"no index of ours is called {kind.Key}");
            var ours = new OurSide(kind.Key, variant, set);
            standing.Add(ours);
            var isBuilt = false;
            foreach (var row in kind.OrderByDescending(r => IsBuild(r)))
            {
                // A row that cannot be measured fails alone.
                try
                {
                    results.Add(Answer(row));
                }
                catch (Exception failure) when (failure is BenchException or Core.Errors.AevumException)
                {
                    Tell($"{row.Name}: FAILED: {failure.Message}");
                    results.Add(RowResult.Create(row, options.Suffix, [], [], failure.Message));
                }
            }

            RowResult Answer(Row row)
            {
                if (IsBuild(row))
                {
                    var built = Build(row, ours, peer);
                    (isBuilt, peerIsBuilt) = (true, true);
                    return built;
                }
                if (!isBuilt) ours.Build(1);
                isBuilt = true;
                if (FilterRows.IsOne(row))
                {
                    var filtered = new FilterRows(set, (IFilteredIndex)ours.Index).Run(row, options.Suffix, rounds);
                    Tell($"{row.Name}: {filtered.Ours:F0} queries a CPU second");
                    return filtered;
                }
                if (DiskRows.IsOne(row))
                {
                    var fromDisk = new DiskRows(set, truth, (IGraphIndex)ours.Index, directory).Run(row, options.Suffix, rounds);
                    Tell($"{row.Name}: {fromDisk.Ours:F0} queries a second");
                    return fromDisk;
                }
                if (!peerIsBuilt) peer?.OpenOrBuild(progress);
                peerIsBuilt = true;
                return Search(row, truth, ours, peer);
            }

            // A plot wants all indexes at once; without one, each may go before the next is built.
            if (options.PlotFile is null) ours.Dispose();
        }
        if (options.PlotFile is { } plot)
        {
            if (peer is not null && peerIsBuilt) standing.Add(peer);
            File.WriteAllText(Path.ChangeExtension(plot, null) + $"-{name}.svg",
                RecallChart.Write(Curves(standing, truth), $"{set.Name}: {set.Rows.Count} x {set.Rows.Dimension}"));
            foreach (var ours in standing.OfType<OurSide>()) ours.Dispose();
        }
        return results;
    }

    static bool IsBuild(Row row) => row.Name.StartsWith("build ", StringComparison.Ordinal);

    // "build SET" builds what the f32 rows ask, and the filter rows, and what an index on disk is made of.
    static string VariantOf(Row row) => IsBuild(row) || FilterRows.IsOne(row) || DiskRows.IsOne(row) ? "f32" : row.Name.Split(' ')[0];

    RowResult Build(Row row, OurSide ours, HnswlibSide? peer)
    {
        var (mine, theirs) = (new List<Reading[]>(), new List<Reading[]>());
        for (var round = 0; round < rounds; round++)
        {
            if (peer is not null) theirs.Add(ReadingsOf(row, peer.Build(1), peer));
            var two = ours.Build(2);
            var one = ours.Build(1);
            mine.Add([.. ReadingsOf(row, one, ours), new(row.Name, "two_threads_wall_ratio", one.WallSeconds / two.WallSeconds),
                new(row.Name, "two_threads_cpu_ratio", two.CpuSeconds / one.CpuSeconds)]);
            Tell($"{row.Name}, round {round + 1}: {one.CpuSeconds:F1} s CPU, two threads {two.WallSeconds:F1} s of wall time beside {one.WallSeconds:F1}");
        }
        return RowResult.Create(row, options.Suffix, mine, theirs, "");
    }

    static Reading[] ReadingsOf(Row row, BuildCost cost, ISide side)
    {
        var count = side.RowCount;
        return [new(row.Name, "cpu", cost.CpuSeconds * 1e6 / count), new(row.Name, "wall", cost.WallSeconds * 1e6 / count),
            new(row.Name, "vectors_per_cpu_second", count / cost.CpuSeconds), new(row.Name, "bytes", side.BytesPerVector)];
    }

    RowResult Search(Row row, Truth truth, OurSide ours, HnswlibSide? peer)
    {
        var wanted = double.Parse(row.Name.Split(' ')[^1], CultureInfo.InvariantCulture);
        var (mine, theirs) = (new List<Reading[]>(), new List<Reading[]>());
        var ourBracket = Bracket(ours, truth, wanted);
        var peerBracket = peer is null ? default : Bracket(peer, truth, wanted);
        for (var round = 0; round < rounds; round++)
        {
            if (peer is not null) theirs.Add(Measure(row, peer, peerBracket, wanted));
            mine.Add([.. Measure(row, ours, ourBracket, wanted), .. MeasureDropped(row, ours, ourBracket)]);
            var beside = peer is null ? "" : Text($", {peer.Name} {1e6 / theirs[^1][0].Value:F0} (ef {peerBracket.NextEf})");
            Tell($"{row.Name}, round {round + 1}: {1e6 / mine[^1][0].Value:F0} queries a CPU second (ef {ourBracket.NextEf}){beside}");
        }
        var result = RowResult.Create(row, options.Suffix, mine, theirs, "");
        return row.BytesMax is { } bytes && ours.BytesPerVector > bytes
            ? result with { Exceeded = Text($"{ours.BytesPerVector:F0} B a vector, at most {bytes} are allowed") }
            : result;
    }

    static RecallBracket Bracket(ISide side, Truth truth, double wanted)
    {
        var found = new uint[side.QueryCount * Truth.K];
        return RecallSearch.Find(ef =>
        {
            side.Search(ef, found);
            return truth.Recall(found);
        }, wanted);
    }

    // Cost of a query at the recall wanted, and what it was read from.
    static Reading[] Measure(Row row, ISide side, RecallBracket bracket, double wanted)
    {
        var found = new uint[side.QueryCount * Truth.K];
        double cost = double.MaxValue, nextCost = double.MaxValue;
        for (var pass = 0; pass < Passes; pass++)
        {
            nextCost = Math.Min(nextCost, Pass(side, bracket.NextEf, found));
            if (bracket.Ef != bracket.NextEf) cost = Math.Min(cost, Pass(side, bracket.Ef, found));
        }
        var perQuery = bracket.CostAt(wanted, cost, nextCost) * 1e6 / side.QueryCount;
        return [new(row.Name, "cpu", perQuery), new(row.Name, "qps", 1e6 / perQuery), new(row.Name, "ef", bracket.NextEf),
            new(row.Name, "recall_below", bracket.Recall), new(row.Name, "recall_reached", bracket.NextRecall), new(row.Name, "bytes", side.BytesPerVector)];
    }

    // Queries a second by the clock, each asked once, after the system has forgotten the file with whole vectors; and what was read from the disk for them.
    static Reading[] MeasureDropped(Row row, OurSide ours, RecallBracket bracket)
    {
        if (ours.Index is not IDroppedIndex index) return [];
        var found = new uint[ours.QueryCount * Truth.K];
        index.DropCache();
        var (before, start) = (DiskRows.DiskBytes(), Stopwatch.GetTimestamp());
        ours.Search(bracket.NextEf, found);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return [new(row.Name, "dropped_qps", ours.QueryCount / seconds),
            new(row.Name, "dropped_disk_bytes", (DiskRows.DiskBytes() - before) / ours.QueryCount)];
    }

    // CPU seconds of asking every query once; several times, where once is too short to be believed.
    static double Pass(ISide side, int ef, uint[] found)
    {
        var taken = 0.0;
        var passes = 0;
        for (; passes == 0 || taken < PassSecondsMin; passes++) taken += side.Search(ef, found);
        return taken / passes;
    }

    // In turns at each ef, as the rows are.
    List<RecallCurve> Curves(List<ISide> sides, Truth truth)
    {
        var points = sides.Select(_ => new List<RecallPoint>()).ToArray();
        var found = new uint[sides[0].QueryCount * Truth.K];
        foreach (var ef in CurveEf)
        {
            var costs = Enumerable.Repeat(double.MaxValue, sides.Count).ToArray();
            var recalls = new double[sides.Count];
            for (var pass = 0; pass < Passes; pass++)
                for (var i = 0; i < sides.Count; i++)
                {
                    costs[i] = Math.Min(costs[i], Pass(sides[i], ef, found));
                    recalls[i] = truth.Recall(found);
                }
            for (var i = 0; i < sides.Count; i++)
            {
                points[i].Add(new(ef, recalls[i], sides[i].QueryCount / costs[i]));
                Tell($"{name}, {sides[i].Name}: ef {ef}, recall {recalls[i]:F4}, {points[i][^1].QueriesPerSecond:F0} queries a CPU second");
            }
        }
        return [.. sides.Select((side, i) => new RecallCurve(side.Name, points[i]))];
    }

    void Tell(FormattableString what) => progress.WriteLine(what.ToString(CultureInfo.InvariantCulture));

    static string Text(FormattableString what) => what.ToString(CultureInfo.InvariantCulture);
}
