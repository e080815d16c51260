// VectorTrial: builds every kind of index over a set, one after the other, and measures each. Codes are made from the links of the graph that was built, as the
// database makes them.

using Aevum.Cli.Terminals;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Cli.Benching.Vectors;

sealed class VectorTrial(VectorSet set, VectorTrialOptions options, TimeProvider time, Stages stages, CancellationToken cancellation)
{
    // Bits tell vectors of few dimensions badly apart.
    const int BinaryDimensionMin = 256;

    /// <summary>Vectors put into the graph a second.</summary>
    public double BuildRate { get; private set; }

    public List<TriedIndex> Run()
    {
        using var index = new HnswIndex(set.Shape, new HnswOptions { M = options.M, EfConstruction = options.EfConstruction });
        Build(index);
        set.FindTruth(index, stages, cancellation);
        stages.Begin("search f32", 0);
        index.Trim();
        var tried = new List<TriedIndex> { IndexTrial.Of(index, set, time, cancellation) };
        foreach (var (name, quantization) in Quantizations(set.Shape.Dimension))
        {
            stages.Begin("make " + name, 0);
            using var graph = CodedGraph.From(index, new CodedOptions(quantization));
            stages.Begin("search " + name, 0);
            var settings = quantization.Kind == QuantizationKind.Product ? $"num_sub {quantization.SubCount}" : "";
            tried.Add(IndexTrial.Of(name, graph, settings, set, time, cancellation));
        }
        return tried;
    }

    static IEnumerable<(string Name, QuantizationOptions Options)> Quantizations(int dimension)
    {
        yield return ("int8", new QuantizationOptions(QuantizationKind.Scalar));
        // Four components a part, as nearly as the dimension can be cut into equal parts.
        var parts = Enumerable.Range(1, Math.Max(1, dimension / 4)).Last(n => dimension % n == 0);
        if (parts > 1) yield return ("product", new QuantizationOptions(QuantizationKind.Product, parts));
        if (dimension >= BinaryDimensionMin) yield return ("binary", new QuantizationOptions(QuantizationKind.Binary));
    }

    void Build(HnswIndex index)
    {
        stages.Begin("build", set.Rows.Count);
        var began = time.GetTimestamp();
        using (var scheduler = new ThreadScheduler(new ThreadSchedulerOptions { BackgroundThreads = options.Threads, Name = "aevum-bench" }))
        {
            var next = -1;
            var told = 0;
            BackgroundTask[] parts = [.. Enumerable.Range(0, options.Threads).Select(i => scheduler.Start($"build {i}", WorkClass.Background, _ =>
            {
                for (int row; !cancellation.IsCancellationRequested && (row = Interlocked.Increment(ref next)) < set.Rows.Count;)
                    index.Put((ulong)row, set.Rows[row]);
                return Task.CompletedTask;
            }))];
            foreach (var part in parts)
            {
                while (!part.IsCompleted)
                {
                    var done = Math.Min(Volatile.Read(ref next), set.Rows.Count);
                    stages.Advance(done - told);
                    told = done;
                    scheduler.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None).Wait(CancellationToken.None);
                }
                if (part.Failure is { } failure) throw failure;
            }
            stages.Advance(set.Rows.Count - told);
        }
        cancellation.ThrowIfCancellationRequested();
        BuildRate = set.Rows.Count / Math.Max(time.GetElapsedTime(began).TotalSeconds, 1e-9);
    }
}
