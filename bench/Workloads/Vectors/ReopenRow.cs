// ReopenRow: the row `reopen 1m`: an index of a million vectors is saved, closed, opened again and asked once. What counts is the wall time from the call to
// the answer, with the file in the page cache; CPU time is told beside, for the machine may be shared, and so is what the same takes after the file seam has
// dropped the file from the page cache. Every byte is verified, on all cores, and the answer is compared with that of the index that was saved.

using System.Diagnostics;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors;

namespace Aevum.Bench.Workloads.Vectors;

sealed class ReopenRow(DataSet set, string directory, TextWriter progress)
{
    const int Passes = 5;

    public static bool IsOne(Row row) => row.Name.StartsWith("reopen ", StringComparison.Ordinal);

    public RowResult Run(Row row, string suffix, int rounds)
    {
        var files = new DiskFileSystem();
        var folder = Path.Combine(directory, "reopen");
        var before = new VectorHit[Truth.K];
        var saved = Save(files, folder, before);
        var readings = new List<Reading[]>();
        using var scheduler = new ThreadScheduler();
        for (var round = 0; round < rounds; round++)
        {
            double wall = double.MaxValue, cpu = double.MaxValue, first = 0, dropped = 0;
            var mapped = 0L;
            for (var pass = 0; pass <= Passes; pass++)
            {
                var isDropped = pass == Passes;
                if (isDropped) DropCache(files, folder);
                var after = new VectorHit[Truth.K];
                var cpuBefore = Environment.CpuUsage.TotalTime;
                var start = Stopwatch.GetTimestamp();
                using var index = VectorIndex.Open(files, folder, scheduler: scheduler);
                index.Search(set.Queries.Vector(0), new(Truth.K), after);
                var taken = Stopwatch.GetElapsedTime(start).TotalSeconds;
                if (pass == 0) first = taken;
                if (isDropped) dropped = taken;
                else
                {
                    wall = Math.Min(wall, taken);
                    cpu = Math.Min(cpu, (Environment.CpuUsage.TotalTime - cpuBefore).TotalSeconds);
                }
                if (!before.SequenceEqual(after)) throw new BenchException("the index that was opened answers otherwise than the one that was saved");
                mapped = index.Statistics().MappedBytes;
            }
            readings.Add([new(row.Name, "cpu", wall), new(row.Name, "first_s", first), new(row.Name, "cpu_s", cpu), new(row.Name, "save_s", saved),
                new(row.Name, "dropped_s", dropped), new(row.Name, "mapped_mib", mapped / (double)(1 << 20))]);
            progress.WriteLine(FormattableString.Invariant(
                $"{row.Name}: {wall:F3} s, the first {first:F3} s, {cpu:F3} s of CPU; {dropped:F3} s with the page cache dropped"));
        }
        files.DeleteTree(folder);
        return RowResult.Create(row, suffix, readings, [], "");
    }

    static void DropCache(DiskFileSystem files, string folder)
    {
        foreach (var name in files.ListFiles(folder))
        {
            using var file = files.OpenRead(Path.Combine(folder, name));
            file.DropCache();
        }
    }

    double Save(DiskFileSystem files, string folder, VectorHit[] answer)
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, set.Rows.Dimension);
        using var index = new VectorIndex(shape, new() { Graph = new() { M = HnswlibSide.M, EfConstruction = HnswlibSide.EfConstruction } });
        var next = -1;
        void Insert()
        {
            for (int row; (row = Interlocked.Increment(ref next)) < set.Rows.Count;) index.Put((ulong)row, set.Rows.Vector(row), new((ulong)row + 1));
        }

        var other = new Thread(Insert);
        other.Start();
        Insert();
        other.Join();
        index.Search(set.Queries.Vector(0), new(Truth.K), answer);
        files.DeleteTree(folder);
        var start = Stopwatch.GetTimestamp();
        index.Save(files, folder, (ulong)set.Rows.Count);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
