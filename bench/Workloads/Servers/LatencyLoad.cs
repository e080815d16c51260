// LatencyLoad: fifty clients that each ask, wait and ask again, half GET and half SET, and remember how long each answer took: for tails that
// redis-benchmark does not tell (p99.9), while something heavy goes on elsewhere.

using System.Diagnostics;
using System.Globalization;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Servers;

sealed class LatencyLoad : IDisposable
{
    readonly List<Thread> _clients = [];
    readonly List<double>[] _latencies;
    volatile bool _ends;
    volatile bool _counts;

    public LatencyLoad(ServerProcess server, int clients = BenchmarkReading.Connections)
    {
        _latencies = [.. Enumerable.Range(0, clients).Select(_ => new List<double>())];
        for (var i = 0; i < clients; i++)
        {
            var number = i;
            var client = new Thread(() => Run(server, number), maxStackSize: 256 << 10) { IsBackground = true };
            _clients.Add(client);
            client.Start();
        }
    }

    void Run(ServerProcess server, int number)
    {
        using var connection = server.Connect();
        var random = new Random(number);
        var value = new string('x', 64);
        while (!_ends)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"tail:{random.Next(10_000)}");
            var begin = Stopwatch.GetTimestamp();
            if (random.Next(2) == 0) connection.Ask("GET", key);
            else connection.Ask("SET", key, value);
            if (_counts) _latencies[number].Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            Thread.Sleep(5);   // a server at its limit shows queues, not tails
        }
    }

    /// <summary>The p99.9 while something is done, in milliseconds; it is done for at least so long.</summary>
    public double Measure(Action action, TimeSpan atLeast)
    {
        foreach (var list in _latencies) list.Clear();
        var watch = Stopwatch.StartNew();
        _counts = true;
        action();
        while (watch.Elapsed < atLeast) Thread.Sleep(20);
        _counts = false;
        Thread.Sleep(50);
        var all = _latencies.SelectMany(l => l.ToArray()).Order().ToArray();
        return all.Length == 0 ? throw new BenchException("no answers were counted") : all[Math.Min(all.Length - 1, (int)(all.Length * 0.999))];
    }

    public void Dispose()
    {
        _ends = true;
        foreach (var client in _clients) client.Join();
    }
}
