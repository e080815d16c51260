// EngineConfiguration: everything that one seed chooses before it starts: the shards and their trees, the sync policy, the keyspaces, the clock,
// the disk, what will go wrong. Sizes are tiny, so that some hundred batches pass through every mechanism.

using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Simulation.Storage;
using Aevum.Storage.Compaction;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Engine;

sealed record EngineConfiguration
{
    public required EngineOptions Options { get; init; }

    public required Trouble Trouble { get; init; }

    public required int Rounds { get; init; }

    /// <summary>Clients that commit and read at the same time.</summary>
    public required int Clients { get; init; }

    public required int Bodies { get; init; }

    public required int ValueBytesMax { get; init; }

    public required int ShardCount { get; init; }

    /// <summary>Expiries lie at most this far ahead.</summary>
    public required TimeSpan ExpiryMax { get; init; }

    /// <summary>How long a sync of the log takes, at most.</summary>
    public required TimeSpan SyncTimeMax { get; init; }

    public required bool ClockMoves { get; init; }

    public required bool CatalogChanges { get; init; }

    public required long CacheBytes { get; init; }

    public static EngineConfiguration Draw(SeededRandom random, FaultPlan plan)
    {
        plan.RegionsAreMapped = !random.OneIn(3);
        plan.FilesCanBeMapped = random.OneIn(2);
        plan.WriteBackProbability = random.Next(4) switch { 0 => 0, 1 => 0.5, _ => 1.0 / 16 };
        plan.SectorBytes = random.OneIn(4) ? 4096 : 512;
        var trigger = random.Next(1, 5);
        var segmentBytes = random.OneIn(4) ? 256 << 10 : 64 << 10;
        var feeds = random.Next(3) switch { 0 => 0L, 1 => 128 << 10, _ => 64 << 20 };
        // Only where segments need not change: an append that makes or frees one waits for the sync under way, and does so under its shard's
        // gate, which in a world of one thread nobody else could then wait for.
        var syncsAreSlow = random.OneIn(2);
        if (syncsAreSlow) (segmentBytes, feeds) = (4 << 20, 64 << 20);
        var bound = TimeSpan.FromSeconds(random.Next(3) switch { 0 => 2, 1 => 60, _ => 3600 });
        return new EngineConfiguration
        {
            Trouble = random.OneIn(5) ? Trouble.None : (Trouble)random.Next(16),   // no flipped bits: those are storage's
            Rounds = random.Next(10, 40),
            Clients = random.Next(1, 5),
            Bodies = random.Next(4, 24),
            ValueBytesMax = random.Next(4) switch { 0 => 16, 1 => 3000, _ => 200 },
            ShardCount = random.Next(1, 4),
            ExpiryMax = TimeSpan.FromMilliseconds(random.OneIn(2) ? 20 : 20_000),
            SyncTimeMax = TimeSpan.FromMilliseconds(syncsAreSlow ? random.Next(1, 5) : 0),
            ClockMoves = random.OneIn(2),
            CatalogChanges = random.OneIn(2),
            CacheBytes = random.Next(3) switch { 0 => 0, 1 => 16 << 10, _ => 256 << 10 },
            Options = new EngineOptions
            {
                Sync = random.Next(6) switch
                {
                    0 or 1 => SyncPolicy.Os,
                    2 or 3 => SyncPolicy.Always,
                    4 => SyncPolicy.Every(random.Next(1, 8)),
                    _ => SyncPolicy.Each(TimeSpan.FromMilliseconds(random.Next(1, 30))),
                },
                Clock = new HybridClockOptions
                {
                    JumpBound = bound,
                    CeilingSpan = TimeSpan.FromMilliseconds(random.Next(3) switch { 0 => 5, 1 => 500, _ => 10_000 }),
                    AnchorInterval = TimeSpan.FromMilliseconds(random.OneIn(2) ? 0 : 10),
                },
                AnswersKeptFor = random.OneIn(2) ? TimeSpan.FromHours(24) : TimeSpan.FromMilliseconds(random.Next(5, 3000)),
                FeedLogBytes = feeds,
                LogSegmentBytes = segmentBytes,
                LogBytesMax = (feeds < 1 << 20 && random.OneIn(2) ? 4L : 500L) * segmentBytes,
                DefaultKeyspace = DrawKeyspace(random, random.OneIn(2) ? "append" : null),
                Tree = new TreeOptions
                {
                    MemtableBytes = random.Next(4) switch { 0 => 32 << 10, 1 => 400 << 10, _ => 100 << 10 },
                    FrozenStop = random.Next(1, 4),
                    BlockBytes = random.Next(3) switch { 0 => 128, 1 => 512, _ => 2048 },
                    FilterBitsPerKey = random.OneIn(4) ? 0 : 10,
                    MapTables = random.OneIn(3),
                    ManifestBytesMax = random.OneIn(3) ? 1 << 10 : 1 << 20,
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
                    },
                },
            },
        };
    }

    /// <param name="mergeOperator">Of a keyspace that has one already; it keeps it.</param>
    public static KeyspaceOptions DrawKeyspace(SeededRandom random, string? mergeOperator) => new()
    {
        History = random.Next(4) switch
        {
            0 => HistoryPolicy.None,
            1 => HistoryPolicy.For(TimeSpan.FromMilliseconds(random.Next(1, 5000))),
            _ => HistoryPolicy.Forever,
        },
        Compression = (KeyspaceCompression)random.Next(3),
        MergeOperator = mergeOperator,
    };

    public override string ToString() =>
        $"""
        engine      {ShardCount} shards, sync {Options.Sync}, answers kept for {Options.AnswersKeptFor}, feeds {Options.FeedLogBytes} bytes of log
        clock       {Options.Clock}, moves: {ClockMoves}
        default     {Options.DefaultKeyspace}, the catalog changes: {CatalogChanges}
        tree        memtable {Options.Tree.MemtableBytes}, frozen {Options.Tree.FrozenStop}, block {Options.Tree.BlockBytes}, log segments {
            Options.LogSegmentBytes} up to {Options.LogBytesMax}
        compaction  {Options.Tree.Compaction}
        load        {Rounds} rounds of {Clients} clients, {Bodies} keys a keyspace, values up to {ValueBytesMax}, expiries up to {ExpiryMax
            }, syncs up to {SyncTimeMax}
        trouble     {Trouble}
        """;
}
