// SimulatedConfiguration: everything that one seed chooses before it starts: the tree's shape, the sync policy, the disk, what will go wrong.
//
// Sizes are tiny, so that a few hundred batches pass through every mechanism: several memtables, all levels, history levels, tables cut in
// the middle of the keys, log segments that are sealed, freed and recycled.

using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Compaction;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Storage;

/// <summary>What a seed may do to its store, beside using it.</summary>
[Flags]
enum Trouble
{
    None = 0,
    Kill = 1,
    PowerCut = 2,
    DiskFull = 4,
    Errors = 8,
    BitFlips = 16,
}

sealed record SimulatedConfiguration
{
    public required TreeOptions Tree { get; init; }

    public required SimulatedPolicy Policy { get; init; }

    public required Trouble Trouble { get; init; }

    public required int Steps { get; init; }

    public required int Keys { get; init; }

    /// <summary>Bytes of an ordinary value, at most.</summary>
    public required int ValueBytesMax { get; init; }

    /// <summary>Expiries lie at most this many units of time ahead of their put.</summary>
    public required int ExpiryMax { get; init; }

    /// <summary>One in so many batches has a range delete.</summary>
    public required int RangeDeletesOneIn { get; init; }

    public required long CacheBytes { get; init; }

    public required int OpenTablesMax { get; init; }

    public required long CompactionBytesPerSecond { get; init; }

    public static SimulatedConfiguration Draw(SeededRandom random, FaultPlan plan)
    {
        var policy = new SimulatedPolicy(random);
        plan.RegionsAreMapped = !random.OneIn(3);
        plan.FilesCanBeMapped = random.OneIn(2);
        plan.WriteBackProbability = random.Next(4) switch { 0 => 0, 1 => 0.5, _ => 1.0 / 16 };
        plan.SectorBytes = random.OneIn(4) ? 4096 : 512;
        var trigger = random.Next(1, 5);
        var segmentBytes = random.OneIn(4) ? 256 << 10 : 64 << 10;
        return new SimulatedConfiguration
        {
            Policy = policy,
            Trouble = random.OneIn(5) ? Trouble.None : (Trouble)random.Next(32),
            Steps = random.Next(80, 240),
            Keys = random.Next(4) switch { 0 => random.Next(3, 10), 1 => random.Next(100, 200), _ => random.Next(15, 60) },
            ValueBytesMax = random.Next(4) switch { 0 => 16, 1 => 2000, _ => 150 },
            ExpiryMax = random.OneIn(2) ? 30 : 400,
            RangeDeletesOneIn = random.Next(4) switch { 0 => 1000, 1 => 4, _ => 20 },
            CacheBytes = random.Next(4) switch { 0 => 0, 1 => 16 << 10, _ => 256 << 10 },
            OpenTablesMax = random.OneIn(3) ? 2 : 64,
            CompactionBytesPerSecond = random.OneIn(6) ? 64 << 10 : 0,
            Tree = new TreeOptions
            {
                Policy = policy,
                // A memtable takes its first chunks, some 80 KiB, with its first write: below that each write freezes the one before.
                MemtableBytes = random.Next(5) switch { 0 => 32 << 10, 1 => 400 << 10, _ => 100 << 10 },
                FrozenStop = random.Next(1, 4),
                BlockBytes = random.Next(3) switch { 0 => 128, 1 => 512, _ => 2048 },
                FilterBitsPerKey = random.OneIn(4) ? 0 : 10,
                MapTables = random.OneIn(3),
                OwnLog = !random.OneIn(5),
                Sync = random.Next(6) switch
                {
                    0 or 1 => SyncPolicy.Os,
                    2 or 3 => SyncPolicy.Always,
                    4 => SyncPolicy.Every(random.Next(1, 8)),
                    _ => SyncPolicy.Each(TimeSpan.FromMilliseconds(random.Next(1, 50))),
                },
                LogSegmentBytes = segmentBytes,
                LogBytesMax = random.OneIn(2) ? 3L * segmentBytes : 512L << 20,
                ManifestBytesMax = random.OneIn(2) ? 256 : 4 << 20,
                Compaction = new CompactionOptions
                {
                    LevelZeroTrigger = trigger,
                    LevelZeroSlowdown = trigger + random.Next(1, 4),
                    LevelZeroStop = trigger + random.Next(4, 8),
                    BaseLevelBytes = random.Next(3) switch { 0 => 1 << 10, 1 => 8 << 10, _ => 64 << 10 },
                    LevelMultiplier = random.Next(2, 8),
                    TableBytes = random.Next(3) switch { 0 => 512, 1 => 4 << 10, _ => 32 << 10 },
                    HistoryZeroTrigger = random.Next(1, 5),
                    SubCompactionsMax = random.Next(1, 4),
                    SubCompactionBytesMin = random.OneIn(2) ? 1 << 10 : 16 << 10,
                    Automatic = !random.OneIn(6),
                },
            },
        };
    }

    public override string ToString() =>
        $"""
        keyspaces   {Policy}
        tree        {(Tree.OwnLog ? $"own log, sync {Tree.Sync}" : "its owner's log")}, memtable {Tree.MemtableBytes}, block {Tree.BlockBytes}, mapped {
            Tree.MapTables}
        compaction  {Tree.Compaction}
        load        {Steps} steps, {Keys} keys, values up to {ValueBytesMax}, expiries up to {ExpiryMax}, cache {CacheBytes}
        trouble     {Trouble}
        """;
}
