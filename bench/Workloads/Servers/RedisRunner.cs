// RedisRunner: the rows of the redis suite. Servers of one group live side by side through all its rounds and are asked one after the other, so that all
// of them meet the same weather; who comes first changes from round to round.

using System.Globalization;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Servers;

sealed class RedisRunner : ISuiteRunner
{
    public string[] Versions(RunOptions options)
    {
        ServerKind[] kinds = [ServerKind.Aevum, ServerKind.Redis, ServerKind.Garnet];
        return [.. kinds.Select(VersionOf)];
    }

    // A peer that is not installed leaves rows without a figure; ours must be there.
    static string VersionOf(ServerKind kind)
    {
        try
        {
            return kind.Version();
        }
        catch (BenchException missing) when (kind != ServerKind.Aevum)
        {
            return missing.Message;
        }
    }

    public IEnumerable<RowResult> Run(RunOptions options, string directory, TextWriter progress)
    {
        var run = new RedisRun(options, directory, progress);
        foreach (var scenario in options.Suite.Scenarios)
        {
            var rows = options.Suite.Rows.Where(r => r.Scenario == scenario.Name && options.IsWanted(r)).ToArray();
            if (rows.Length == 0) continue;
            IReadOnlyList<RowResult> results;
            try
            {
                results = run.RunScenario(scenario, rows);
            }
            catch (Exception failure) when (failure is BenchException or IOException or System.Net.Sockets.SocketException)
            {
                progress.WriteLine($"{scenario.Name}: FAILED: {failure.Message}");
                results = [.. rows.Select(r => RowResult.Create(r, options.Suffix, [], [], failure.Message))];
            }
            foreach (var result in results) yield return result;
        }
    }
}

sealed class RedisRun(RunOptions options, string directory, TextWriter progress)
{
    int _started;

    int Rounds(Scenario scenario) => options.Rounds ?? (options.Scale == Scale.Full ? scenario.Rounds : scenario.QuickRounds);

    long Scaled(long count) => options.Scale switch { Scale.Full => count, Scale.Quick => count / 4, _ => Math.Max(1000, count / 100) };

    public IReadOnlyList<RowResult> RunScenario(Scenario scenario, Row[] rows) => scenario.Name switch
    {
        "p=1" => Rates(scenario, rows, 1, 100_000),
        "p=16" => Rates(scenario, rows, 16, 600_000),
        "p=64" => Rates(scenario, rows, 64, 1_000_000),
        "durable" => Durable(scenario, rows),
        "10m keys" => TenMillion(rows),
        "tails" => Tails(scenario, rows),
        "idle" => Idle(rows),
        "shapes" => Shapes(scenario, rows),
        "kill" => Kill(rows),
        _ => throw new BenchException($"no such scenario: {scenario.Name}"),
    };

    ServerProcess Start(ServerKind kind, bool isDurable = false) =>
        ServerProcess.Start(kind, Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{kind.Name}-{_started++}")), isDurable);

    void Tell(string what) => progress.WriteLine(what);

    // ------------------------------------------------------------------------------------------------ rates

    static string TestOf(Row row) => row.Name.Split(' ')[1];

    List<RowResult> Rates(Scenario scenario, Row[] rows, int pipeline, long requests)
    {
        var kinds = new List<ServerKind> { ServerKind.Aevum };
        // One at a time only Redis counts.
        if (options.Sides != Sides.Ours) kinds.AddRange(pipeline == 1 ? [ServerKind.Redis] : [ServerKind.Redis, ServerKind.Garnet]);
        var servers = new List<ServerProcess>();
        try
        {
            foreach (var kind in kinds) servers.Add(Start(kind));
            var tests = rows.Select(TestOf).Distinct().ToArray();
            // The JIT has its work behind it, here with pipelines and below as they are measured, and every key is there.
            foreach (var server in servers)
                foreach (var test in tests.Append("set").Distinct()) BenchmarkReading.Take(server, test, 16, Scaled(test == "mset" ? 60_000 : 600_000));
            var readings = new Dictionary<(string Test, ServerKind Kind), List<BenchmarkReading>>();
            foreach (var test in tests)
            {
                // CPU is told in ticks of 10 ms: a reading should have near a hundred of them.
                var count = Scaled(requests) / (test != "mset" ? 1 : pipeline == 1 ? 3 : 10);
                foreach (var server in servers) BenchmarkReading.Take(server, test, pipeline, Math.Max(1, count / 3));
                for (var round = 0; round < Rounds(scenario); round++)
                {
                    for (var i = 0; i < servers.Count; i++)
                    {
                        var server = servers[(i + round) % servers.Count];
                        var reading = BenchmarkReading.Take(server, test, pipeline, count);
                        Tell(string.Create(CultureInfo.InvariantCulture,
                            $"{scenario.Name} {test}, round {round + 1}: {server.Kind.Name} {1e3 / reading.Microseconds:F0}K/s, "
                            + $"{reading.Cpu:F2} us CPU, p99 {reading.P99:F2} ms"));
                        if (!readings.TryGetValue((test, server.Kind), out var list)) readings[(test, server.Kind)] = list = [];
                        list.Add(reading);
                    }
                }
            }
            return [.. rows.Select(row => ResultOf(row, kind => readings.GetValueOrDefault((TestOf(row), kind)) ?? []))];
        }
        finally
        {
            foreach (var server in servers) server.Dispose();
        }
    }

    // Who the peer is says the row: its last word, Redis where only it counts, else the better of both by the median of its rates.
    RowResult ResultOf(Row row, Func<ServerKind, List<BenchmarkReading>> of)
    {
        var peer = row.Name.EndsWith("garnet", StringComparison.Ordinal) ? ServerKind.Garnet
            : row.Scenario == "p=1" || TestOf(row) == "mset" ? ServerKind.Redis
            : Better(of);
        var ours = of(ServerKind.Aevum).Select(r => ReadingsOf(row, r)).ToList();
        var theirs = of(peer).Select(r => ReadingsOf(row, r)).ToList();
        return RowResult.Create(row, options.Suffix, ours, theirs, "") with { PeerName = peer.Name };
    }

    static ServerKind Better(Func<ServerKind, List<BenchmarkReading>> of)
    {
        double Time(ServerKind kind) => of(kind) is { Count: > 0 } readings ? Median.Of(readings.Select(r => r.Microseconds)) : double.MaxValue;
        return Time(ServerKind.Garnet) < Time(ServerKind.Redis) ? ServerKind.Garnet : ServerKind.Redis;
    }

    static Reading[] ReadingsOf(Row row, BenchmarkReading reading) =>
        row.Fields[0] == "wall"
            ? [new(row.Name, "wall", reading.Microseconds), new(row.Name, "server_cpu", reading.Cpu), new(row.Name, "p99_ms", reading.P99)]
            : [new(row.Name, "cpu", reading.Cpu)];

    List<RowResult> Durable(Scenario scenario, Row[] rows)
    {
        using var ours = Start(ServerKind.Aevum, isDurable: true);
        using var redis = Start(ServerKind.Redis, isDurable: true);
        foreach (var server in (ServerProcess[])[ours, redis]) BenchmarkReading.Take(server, "set", 16, Scaled(600_000));
        var (mine, theirs) = (new List<Reading[]>(), new List<Reading[]>());
        for (var round = 0; round < Rounds(scenario); round++)
        {
            mine.Add(ReadingsOf(rows[0], BenchmarkReading.Take(ours, "set", 16, Scaled(600_000))));
            theirs.Add(ReadingsOf(rows[0], BenchmarkReading.Take(redis, "set", 16, Scaled(600_000))));
            Tell($"durable, round {round + 1}");
        }
        return [RowResult.Create(rows[0], options.Suffix, mine, theirs, "")];
    }

    // ------------------------------------------------------------------------------------------------ ours alone

    // CPU per request until nothing is left to be done behind it.
    static double CpuToIdle(ServerProcess server, string test, long requests, long keys)
    {
        var before = server.CpuSeconds;
        BenchmarkReading.Take(server, test, 16, requests, keys);
        server.WaitIdle();
        return (server.CpuSeconds - before) * 1e6 / requests;
    }

    List<RowResult> TenMillion(Row[] rows)
    {
        var keys = Scaled(10_000_000);
        var (small, large) = (new Dictionary<string, double>(), new Dictionary<string, double>());
        using (var server = Start(ServerKind.Aevum))
        {
            BenchmarkReading.Take(server, "set", 16, Scaled(1_000_000));
            foreach (var test in (string[])["set", "get"]) small[test] = CpuToIdle(server, test, Scaled(2_000_000), BenchmarkReading.Keys);
        }
        using (var server = Start(ServerKind.Aevum))
        {
            Tell($"10m: filling {keys} keys");
            BenchmarkReading.Take(server, "set", 64, keys * 2, keys);
            server.WaitIdle();
            foreach (var test in (string[])["set", "get"])
            {
                large[test] = CpuToIdle(server, test, Scaled(2_000_000), keys);
                Tell(string.Create(CultureInfo.InvariantCulture, $"10m {test}: {large[test]:F2} us, small {small[test]:F2} us"));
            }
        }
        return [.. rows.Select(row =>
        {
            var test = row.Name.Split(' ')[1];
            return RowResult.Create(row, options.Suffix, [[new(row.Name, "cpu", large[test])]], [[new(row.Name, "cpu", small[test])]], "") with
            {
                PeerName = "aevum, 100K keys",
            };
        })];
    }

    List<RowResult> Tails(Scenario scenario, Row[] rows)
    {
        const int Many = 1_000_000;
        var readings = rows.ToDictionary(r => r.Name, _ => new List<Reading[]>());
        using var server = Start(ServerKind.Aevum);
        for (var round = 0; round < Rounds(scenario); round++)
            foreach (var row in rows)
            {
                var write = row.Name.EndsWith("del", StringComparison.Ordinal) ? "HSET big field:__rand_int__ x" : "SET many:__rand_int__ x";
                BenchmarkReading.Take(server, write, 64, Scaled(2 * Many), Scaled(Many), isCommand: true);
                server.WaitIdle();
                using var load = new LatencyLoad(server);
                var without = load.Measure(() => { }, TimeSpan.FromSeconds(3));
                var with = load.Measure(() =>
                {
                    using var heavy = server.Connect();
                    heavy.AskAndSkip(row.Name switch { "p99.9 keys" => ["KEYS", "*"], "p99.9 flushall" => ["FLUSHALL"], _ => ["DEL", "big"] });
                }, TimeSpan.FromSeconds(3));
                readings[row.Name].Add([new(row.Name, "cpu", with / without), new(row.Name, "with_ms", with), new(row.Name, "without_ms", without)]);
                Tell(string.Create(CultureInfo.InvariantCulture, $"{row.Name}, round {round + 1}: {with:F2} ms with, {without:F2} ms without"));
            }
        return [.. rows.Select(r => RowResult.Create(r, options.Suffix, readings[r.Name], [], ""))];
    }

    List<RowResult> Idle(Row[] rows)
    {
        var connections = new List<RespConnection>();
        using var server = Start(ServerKind.Aevum);
        try
        {
            using (var first = server.Connect()) first.Ask("PING");
            var before = server.ResidentMib;
            for (var i = 0; i < 10_000; i++)
            {
                connections.Add(server.Connect());
                connections[^1].Ask("PING");
            }
            var taken = server.ResidentMib - before;
            // The JIT compiles anew what has run thirty times, and again after as many more: for what runs once a second that is a minute.
            Thread.Sleep(70_000);
            var cpu = server.CpuSeconds;
            Thread.Sleep(20_000);
            var used = (server.CpuSeconds - cpu) * 1000 / 20;
            return [.. rows.Select(r => RowResult.Create(r, options.Suffix, [[new(r.Name, "cpu", r.Unit == "MiB" ? taken : used)]], [], ""))];
        }
        finally
        {
            foreach (var connection in connections) connection.Dispose();
        }
    }

    List<RowResult> Shapes(Scenario scenario, Row[] rows)
    {
        using var server = Start(ServerKind.Aevum);
        const string HashSet = "HSET hash:__rand_int__ one xxxxxxxxxxxxxxxxxxxxx two xxxxxxxxxxxxxxxxxxxxx three xxxxxxxxxxxxxxxxxxxxx";
        foreach (var test in (string[])["set", "get"]) BenchmarkReading.Take(server, test, 16, Scaled(1_000_000));
        BenchmarkReading.Take(server, HashSet, 16, Scaled(1_000_000), isCommand: true);
        var readings = rows.ToDictionary(r => r.Name, _ => new List<Reading[]>());
        // Row by row: what SETs and HSETs of one row find in the memtable is then what the other kind has left of their own, for both alike.
        foreach (var row in rows)
            for (var round = 0; round < Rounds(scenario); round++)
            {
                var requests = Scaled(1_000_000);
                double figure;
                if (row.Name == "hset 3 fields")
                {
                    var set = BenchmarkReading.Take(server, "set", 16, requests).Cpu;
                    figure = BenchmarkReading.Take(server, HashSet, 16, requests, isCommand: true).Cpu / set;
                }
                else
                {
                    // Telling of it allocates, too: that is taken off.
                    var first = server.Metric("dotnet_gc_allocated_bytes_total");
                    var before = server.Metric("dotnet_gc_allocated_bytes_total");
                    BenchmarkReading.Take(server, row.Name.Split(' ')[0], 16, requests);
                    figure = Math.Max(0, server.Metric("dotnet_gc_allocated_bytes_total") - before - (before - first)) / requests;
                }
                readings[row.Name].Add([new(row.Name, "cpu", figure)]);
                Tell(string.Create(CultureInfo.InvariantCulture, $"{row.Name}, round {round + 1}: {figure:F2} {row.Unit}"));
            }
        return [.. rows.Select(r => RowResult.Create(r, options.Suffix, readings[r.Name], [], ""))];
    }

    List<RowResult> Kill(Row[] rows)
    {
        var (lost, acknowledged) = KillCheck.Run(ServerKind.Aevum, Path.Combine(directory, "kill"), TimeSpan.FromSeconds(options.Scale == Scale.Full ? 10 : 2));
        Tell($"kill: {acknowledged} writes were acknowledged, {lost} are missing");
        return [RowResult.Create(rows[0], options.Suffix, [[new(rows[0].Name, "cpu", lost), new(rows[0].Name, "acknowledged", acknowledged)]], [], "")];
    }
}
