// RedisSuite: the Redis door beside Redis and Garnet, by redis-benchmark. bench/README.md tells each row at length.

using Aevum.Bench.Workloads.Servers;

namespace Aevum.Bench.Workloads.Rows;

static class RedisSuite
{
    static readonly string[] Tests = ["set", "get", "incr", "lpush", "hset", "zadd", "mset"];

    public static Suite Create() => new("redis", "Redis door beside Redis and Garnet", "redis",
        [
            Scenario("p=1", 15, 30), Scenario("p=16", 5, 40), Scenario("p=64", 5, 40), Scenario("durable", 5, 8), Scenario("10m keys", 1, 120),
            Scenario("tails", 5, 12), Scenario("idle", 1, 95), Scenario("shapes", 9, 4), Scenario("kill", 1, 15),
        ],
        [
            .. Tests.Select(t => Rate($"p=1 {t}", "p=1", 0.95, null, $"wall time per {t}, one at a time from each of 50 clients")),
            .. Tests.Select(t => Cpu($"p=1 {t} cpu", "p=1", 1, 1.15, $"server CPU per {t}")),
            .. Pipelined(16), .. Pipelined(64),
            Rate("p=16 set durable", "durable", 1.3, 2, "sets in pipelines of 16, synced each second; the peer: append-only file, everysec"),
            Beside("10m get", "10m keys", 0.15, 0.3, "CPU per get of 100K keys over that of 10M keys, pipelines of 16"),
            Beside("10m set", "10m keys", 0.2, 0.4, "CPU per set of 100K keys over that of 10M keys, compactions included"),
            Alone("p99.9 keys", "tails", 3, "x", "p99.9 of 50 clients while KEYS * walks 1M keys, over that without"),
            Alone("p99.9 flushall", "tails", 3, "x", "the same while FLUSHALL takes 1M keys away"),
            Alone("p99.9 del", "tails", 3, "x", "the same while a hash of 1M fields is deleted"),
            Alone("idle 10k", "idle", 150, "MiB", "resident memory that 10,000 connections take after one PING each"),
            Alone("idle 10k cpu", "idle", 5, "ms/s", "server CPU while they say nothing, 20 s, from the seventieth second on"),
            Alone("set managed bytes", "shapes", 0.5, "B/op", "managed bytes per SET over 1M of them; what the server allocates otherwise is in it"),
            Alone("get managed bytes", "shapes", 0.5, "B/op", "the same per GET"),
            Alone("hset 3 fields", "shapes", 1.5, "x", "CPU per HSET of three fields over that per SET, pipelines of 16"),
            Alone("kill", "kill", 0, "lost", "acknowledged writes that are missing after kill -9 under load and a reopen"),
        ])
    {
        OursName = "aevum",
        Runner = new RedisRunner(),
    };

    static IEnumerable<Row> Pipelined(int pipeline)
    {
        foreach (var test in Tests)
        {
            var (atLeast, aim) = test switch
            {
                "set" or "get" or "incr" => (1.0, 1.4),
                "mset" => (1.0, (double?)null),
                _ => (0.8, 1.2),
            };
            var peers = test == "mset" ? "Redis" : "the better of Redis and Garnet";
            yield return Rate($"p={pipeline} {test}", $"p={pipeline}", atLeast, aim, $"wall time per {test} in pipelines of {pipeline}; peer: {peers}");
        }
        yield return Rate($"p={pipeline} mset garnet", $"p={pipeline}", 0, 1, $"mset beside Garnet: a wish, no bound");
    }

    static Scenario Scenario(string name, int rounds, double seconds) =>
        new() { Name = name, Rounds = rounds, QuickRounds = 1, Seconds = (seconds, 0), QuickSeconds = (seconds / 4, 0), DiskGib = name == "10m keys" ? 8 : 1 };

    static Row Rate(string name, string scenario, double atLeast, double? aim, string what) =>
        new() { Name = name, Scenario = scenario, Unit = "us", AtLeast = atLeast, Aim = aim, What = what, Fields = ["wall"] };

    static Row Cpu(string name, string scenario, double atLeast, double? aim, string what) =>
        new() { Name = name, Scenario = scenario, Unit = "us", AtLeast = atLeast, Aim = aim, What = what };

    // Our own figure for little, in the peer's place, over that for much.
    static Row Beside(string name, string scenario, double atLeast, double? aim, string what) =>
        new() { Name = name, Scenario = scenario, Unit = "us", AtLeast = atLeast, Aim = aim, What = what };

    static Row Alone(string name, string scenario, double atMost, string unit, string what) =>
        new() { Name = name, Scenario = scenario, Unit = unit, AtMost = atMost, What = what };
}
