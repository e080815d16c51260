// DiskRows: the rows `disk SET`: queries a second of wall time of one client, from an index whose memory is at most a quarter of the raw data, its file not
// in the page cache when a round begins.
//
//   made      from the graph of the f32 rows, once; the graph is not asked any more
//   ef        the least that reaches recall 0.95, as for the other rows; all else at its default. The figure is that ef's, not read off a line
//   a round   the file seam drops what the system holds of the file; then every query once, timed on the wall
//
// What the rounds really read from the disk is told beside, from the system's own count: a round from a warm cache would show there.

using System.Diagnostics;
using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Files;
using Aevum.Vectors;
using Aevum.Vectors.Disk;
using Aevum.Vectors.Hnsw;

namespace Aevum.Bench.Workloads.Vectors;

/// <summary>An index that has a graph another form can be made of.</summary>
interface IGraphIndex : IBuiltIndex
{
    HnswIndex Graph { get; }
}

sealed class DiskRows(DataSet set, Truth truth, IGraphIndex graph, string directory)
{
    const double RecallWanted = 0.95;
    const double ShareMax = 0.25;
    const int ReadsMax = 60;
    const int RoundsMin = 3;

    readonly VectorMatch[] _results = new VectorMatch[Truth.K];
    readonly uint[] _found = new uint[set.Queries.Count * Truth.K];

    public static bool IsOne(Row row) => row.Name.StartsWith("disk ", StringComparison.Ordinal);

    public RowResult Run(Row row, string suffix, int rounds)
    {
        var files = new DiskFileSystem();
        var path = Path.Combine(directory, "vectors.pages");
        var meter = Meter.Start();
        DiskIndex.Write(files, path, graph.Graph, new() { MemoryShare = ShareMax });
        var making = meter.Stop().CpuNs * 1e-9;
        try
        {
            using var index = DiskIndex.Open(files, path, ShareMax);
            var bracket = RecallSearch.Find(ef =>
            {
                Pass(index, ef);
                return truth.Recall(_found);
            }, RecallWanted);
            var most = 0;
            var readings = new List<Reading[]>();
            for (var round = 0; round < Math.Max(rounds, RoundsMin); round++)
            {
                index.DropCache();
                var (before, cpu, wall) = (DiskBytes(), ThreadCpu.Seconds, Stopwatch.GetTimestamp());
                var cost = Pass(index, bracket.NextEf);
                var seconds = Stopwatch.GetElapsedTime(wall).TotalSeconds;
                most = Math.Max(most, cost.Most);
                double queries = set.Queries.Count;
                readings.Add([new(row.Name, "qps", queries / seconds), new(row.Name, "cpu_us", (ThreadCpu.Seconds - cpu) * 1e6 / queries),
                    new(row.Name, "recall", truth.Recall(_found)), new(row.Name, "ef", bracket.NextEf), new(row.Name, "reads", cost.Reads / queries),
                    new(row.Name, "reads_most", cost.Most), new(row.Name, "rounds", cost.Rounds / queries),
                    new(row.Name, "disk_bytes", (DiskBytes() - before) / queries), new(row.Name, "bytes", index.MemoryBytes / (double)index.Count),
                    new(row.Name, "making_cpu_s", making)]);
            }
            var result = RowResult.Create(row, suffix, readings, [], "");
            var limit = ShareMax * index.Shape.Bytes;
            return most > ReadsMax ? result with { Exceeded = Text($"a query read {most} pages, at most {ReadsMax} are allowed") }
                : index.MemoryBytes > limit * index.Count ? result with { Exceeded = Text($"more than {limit} B a vector in memory") }
                : result;
        }
        finally
        {
            files.Delete(path);
        }
    }

    (long Reads, long Rounds, int Most) Pass(DiskIndex index, int ef)
    {
        var query = new DiskQuery(Truth.K) { Ef = ef };
        var (reads, rounds, most) = (0L, 0L, 0);
        for (var q = 0; q < set.Queries.Count; q++)
        {
            var answers = index.Search(set.Queries.Vector(q), query, _results, out var cost);
            for (var i = 0; i < Truth.K; i++) _found[(q * Truth.K) + i] = i < answers ? (uint)_results[i].Id : uint.MaxValue;
            (reads, rounds, most) = (reads + cost.Reads, rounds + cost.Rounds, Math.Max(most, cost.Reads));
        }
        return (reads, rounds, most);
    }

    // What this process made the disk read.
    internal static double DiskBytes()
    {
        const string Counters = "/proc/self/io";
        if (!File.Exists(Counters)) return 0;
        var line = File.ReadLines(Counters).FirstOrDefault(l => l.StartsWith("read_bytes:", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.AsSpan("read_bytes:".Length), CultureInfo.InvariantCulture);
    }

    static string Text(FormattableString what) => what.ToString(CultureInfo.InvariantCulture);
}
