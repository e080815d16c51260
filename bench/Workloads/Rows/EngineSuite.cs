// EngineSuite: the embedded database beside RocksDB, through the API that a program uses. bench/README.md tells each row at length.

namespace Aevum.Bench.Workloads.Rows;

static class EngineSuite
{
    public static Suite Create() => new("engine", "Embedded database beside RocksDB", "rocksdb",
        [
            new() { Name = "engine", Rounds = 7, QuickRounds = 3, Seconds = (3, 6), QuickSeconds = (2, 3) },
            new() { Name = "transactions", Rounds = 7, QuickRounds = 3, Seconds = (3, 5), QuickSeconds = (1, 2) },
            new() { Name = "past", Rounds = 5, QuickRounds = 2, PeerRoundsMax = 0, Seconds = (8, 0), QuickSeconds = (3, 0) },
        ],
        [
            Beside("put", "engine", 5, null, "10K puts of 20+100 B in key order, one at a time"),
            Beside("get", "engine", 3, null, "gets from memory in random order, copied into the caller's buffer"),
            Beside("scan", "engine", 3, null, "cursor over 10K entries in memory, key and value looked at"),
            Beside("batch 100", "engine", 3, null, "the puts in batches of 100"),
            Beside("cas", "transactions", 2, null, "read a key's version, put on condition that it stands; beside a transaction"),
            Beside("txn 4 keys", "transactions", 2, null, "transactions that read and write four keys, serializable"),
            Beside("txn contended", "transactions", 5, 20, "increments of one key from eight threads"),
            Alone("put managed bytes", "engine", 0, "B/op", "bytes on the managed heap per put, steady state"),
            Alone("get managed bytes", "engine", 0, "B/op", "bytes on the managed heap per get"),
            Alone("subscriber", "past", 2_000, "ns", "wall time per effect that a subscriber is told of, beside the writer (500K effects/s)"),
            Alone("watch", "past", 1_000, "us", "from a commit's return to the waiting subscriber's, median"),
            Alone("get as of", "past", 2, "x", "CPU per get as of a past time over CPU per get of now, after 50 overwrites a key"),
            Alone("increment managed bytes", "transactions", 0, "B/op", "bytes on the managed heap per increment, steady state"),
        ])
    {
        OursName = "aevum-embedded",
    };

    static Row Beside(string name, string scenario, double atLeast, double? aim, string what) =>
        new() { Name = name, Scenario = scenario, Unit = "ns/op", AtLeast = atLeast, Aim = aim, What = what };

    static Row Alone(string name, string scenario, double atMost, string unit, string what) =>
        new() { Name = name, Scenario = scenario, Unit = unit, AtMost = atMost, What = what };
}
