// StorageSuite: our storage layer beside RocksDB, one client thread, the same durability. bench/README.md tells each row at length.

namespace Aevum.Bench.Workloads.Rows;

static class StorageSuite
{
    static readonly string[] WorseOfTwo = ["cpu", "to_last_put"];

    public static Suite Create() => new("storage", "Storage layer beside RocksDB, one client thread", "rocksdb",
        [
            new() { Name = "memory", Rounds = 7, QuickRounds = 3, HasVariants = true, Seconds = (2, 6), QuickSeconds = (1.5, 3) },
            new() { Name = "1k", Rounds = 7, QuickRounds = 3, HasVariants = true, Seconds = (1.5, 3), QuickSeconds = (1, 2) },
            new() { Name = "1m", Rounds = 5, QuickRounds = 3, HasVariants = true, Seconds = (4, 12), QuickSeconds = (1.5, 3) },
            new()
            {
                Name = "10m", Rounds = 3, QuickRounds = 2, NewProcessPerRound = true, DiskGib = 6, HasVariants = true, Seconds = (70, 170),
                QuickSeconds = (10, 18),
            },
            new() { Name = "history", Rounds = 3, PeerRoundsMax = 0, DiskGib = 4, Seconds = (40, 0), QuickSeconds = (6, 0) },
            new()
            {
                Name = "open", Rounds = 1, PeerRoundsMax = 1, Steps = ["fill", "open"], NewProcessPerRound = true, DiskGib = 4,
                Seconds = (15, 25), QuickSeconds = (5, 5),
            },
            new()
            {
                Name = "recover", Rounds = 5, PeerRoundsMax = 1, Steps = ["write", "open"], NewProcessPerRound = true,
                Seconds = (6, 15), QuickSeconds = (4, 5),
            },
        ],
        [
            Beside("put 10k", "memory", 8, 20, "10K puts of 20+100 B in key order, one at a time"),
            Beside("put batch", "memory", 4, 8, "the same in batches of 100"),
            Beside("get seq", "memory", 5, 10, "gets from the memtable in key order, copied into the caller's buffer"),
            Beside("get random", "memory", 4, 10, "the same in random order"),
            Beside("scan mem", "memory", 4, 8, "cursor over 10K entries in the memtable, key and value looked at"),
            Beside("scan disk", "1m", 3, 5, "cursor over 1M entries in tables"),
            Beside("put 1k flush", "1k", 4, 7, "100K puts of 1 KiB one at a time, then flush"),
            Beside("put 1k batch flush", "1k", 3, 6, "the same in batches of 100"),
            Beside("get 1k", "1k", 2, 3, "random gets of 1 KiB after that flush, caches warm"),
            Beside("fill 1m", "1m", 3, 8, "1M keys in random order, 100 B; to the last put or to idle, the worse") with { Fields = WorseOfTwo },
            Beside("fill 10m", "10m", 1.5, 3, "10M random puts of 100 B; to the last put or to idle, the worse") with { Fields = WorseOfTwo },
            Beside("get disk", "10m", 1.8, 2.8, "random gets over them, 63 % hits, compaction done"),
            Beside("seek 10", "10m", 1.5, 3, "seek and ten entries, one reused cursor, per seek"),
            Beside("read while writing", "10m", 1.5, 2.5, "CPU of the process per get beside a writer of 20K puts/s"),
            Beside("overwrite 5m", "10m", 1.5, 2.5, "5M random overwrites to the end of compaction"),
            Beside("write amplification", "10m", 1, 1.5, "bytes to log and tables over user bytes, after all that") with { Unit = "x" },
            Beside("space", "10m", 1, 1.5, "allocated bytes on disk at the same moment") with { Unit = "MiB" },
            Alone("get managed bytes", "memory", 0, "B/op", "bytes on the managed heap per get"),
            Alone("put managed bytes", "memory", 0, "B/op", "bytes on the managed heap per put, steady state"),
            Alone("resident 10m", "10m", 600, "MiB", "anonymous resident memory, maximum over the 10M run"),
            Alone("open 1g", "open", 200, "ms", "opening a store of 1 GiB, wall, files cached"),
            Alone("recover 64m log", "recover", 500, "ms", "opening after SIGKILL with 64 MiB of log, wall"),
            Alone("history get", "history", 1.2, "x", "CPU per get of now after 50 overwrites: history for ever over none"),
            Alone("history scan", "history", 1.2, "x", "the same for a scan of now"),
        ]);

    static Row Beside(string name, string scenario, double atLeast, double aim, string what) =>
        new() { Name = name, Scenario = scenario, Unit = "ns/op", AtLeast = atLeast, Aim = aim, What = what };

    static Row Alone(string name, string scenario, double atMost, string unit, string what) =>
        new() { Name = name, Scenario = scenario, Unit = unit, AtMost = atMost, What = what };
}
