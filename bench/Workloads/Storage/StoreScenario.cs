// StoreScenario: one round of a group of rows that share a store, on one engine. What the scenarios share: opening fresh stores,
// paying for keys in stretches, and handing in figures, each of which is told on standard error as soon as it is known.
//
// A scenario never judges: bounds belong to the rows. It does check every answer it can (StoreOracle), outside the measured parts.

using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Scheduling;

namespace Aevum.Bench.Workloads.Storage;

abstract unsafe class StoreScenario<TEngine, TCursor>(RoundTask task, TextWriter progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    readonly List<Reading> _readings = [];

    protected RoundTask Task { get; } = task;

    protected Sizes Sizes { get; } = Sizes.Of(task.Scale);

    protected StoreLoops<TEngine, TCursor> Store { get; } = new();

    public IReadOnlyList<Reading> Readings => _readings;

    public abstract void Run();

    /// <summary>After a failure: closes the store, whatever its state, so that the process can go on to another row.</summary>
    public void Abandon()
    {
        try
        {
            Store.Engine.Close();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            progress.WriteLine($"{Task.Label}closing after the failure failed too: {e.Message}");
        }
    }

    /// <summary>Opens a store in a new directory, or in one that an earlier step left.</summary>
    /// <returns>What opening took; never part of a row's figure, told beside where it matters.</returns>
    protected Cost Open(string name, StoreOptions options, out string directory)
    {
        directory = Path.Combine(Task.Directory, name);
        Directory.CreateDirectory(directory);
        var meter = Meter.Start();
        Store.Engine.Open(directory, options);
        return meter.Stop();
    }

    protected void CloseAndDelete(string directory)
    {
        Store.Engine.Close();
        Directory.Delete(directory, recursive: true);
    }

    /// <summary>Puts <paramref name="count"/> draws from <paramref name="seed"/>. Drawing is part of the cost, for every engine.</summary>
    protected void PutDraws(ulong seed, int keys, long count, int epoch, int valueBytes)
    {
        using var order = Order.Buffer(StoreLoops<TEngine, TCursor>.Stretch);
        var random = new SeededRandom(seed);
        for (long done = 0; done < count; done += order.Count)
        {
            order.Draw(random, keys);
            Store.Put(order.Indexes, (int)Math.Min(order.Count, count - done), epoch, valueBytes);
        }
    }

    protected void PutOrder(Order order, int epoch, int valueBytes)
    {
        const int stretch = StoreLoops<TEngine, TCursor>.Stretch;
        for (var i = 0; i < order.Count; i += stretch) Store.Put(order.Indexes + i, Math.Min(stretch, order.Count - i), epoch, valueBytes);
    }

    protected long GetDraws(ulong seed, int keys, long count)
    {
        using var order = Order.Buffer(StoreLoops<TEngine, TCursor>.Stretch);
        var random = new SeededRandom(seed);
        long found = 0;
        for (long done = 0; done < count; done += order.Count)
        {
            order.Draw(random, keys);
            found += Store.Get(order.Indexes, (int)Math.Min(order.Count, count - done));
        }
        return found;
    }

    protected static void Expect(string row, string what, long expected, long actual)
    {
        if (expected != actual) throw new BenchException($"{row}: {what}: expected {expected:N0}, the store says {actual:N0}");
    }

    /// <summary>A cost per operation: field "cpu" (or <paramref name="field"/>) and the wall time under "wall".</summary>
    protected void Report(string row, Cost cost, double operations, string field = "cpu", string wallField = "wall")
    {
        if (!Task.Wants(row)) return;
        Add(row, field, cost.CpuNs / operations);
        Add(row, wallField, cost.WallNs / operations);
        var part = field == "cpu" ? "" : $" ({field})";
        Tell(row, $"{Show(cost.CpuNs / operations)} ns/op CPU, {Show(cost.WallNs / operations)} wall, {cost.CpuNs / 1e6:F0} ms{part}");
    }

    protected void Report(string row, double value, string unit, string field = "cpu")
    {
        if (!Task.Wants(row)) return;
        Add(row, field, value);
        Tell(row, $"{Show(value)} {unit}{(field == "cpu" ? "" : $" ({field})")}");
    }

    /// <summary>A figure told beside a row, without a line of its own.</summary>
    protected internal void Beside(string row, string field, double value)
    {
        if (Task.Wants(row)) Add(row, field, value);
    }

    void Add(string row, string field, double value) => _readings.Add(new(row, field, value));

    protected void Tell(string row, string text)
    {
        var elapsed = TimeSpan.FromMilliseconds(Environment.TickCount64 - Task.RunStartMs);
        progress.WriteLine($"[{elapsed:h\\:mm\\:ss}] {Task.Label}{row}: {text}");
    }

    static string Show(double value) => value switch
    {
        >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F1", CultureInfo.InvariantCulture),
        _ => value.ToString("0.###", CultureInfo.InvariantCulture),
    };
}
