using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

/// <summary>How much each storage scenario does. Only the full sizes carry the rows' names; smaller runs say so in the name.</summary>
sealed record Sizes
{
    // Memory: stores of ten thousand entries, opened one after another until the CPU reading is some 20 ms even at 0.05 us an operation.
    public int MemoryKeys { get; init; } = 10_000;
    public int MemoryStores { get; init; } = 12;
    public int BatchStores { get; init; } = 16;
    public int GetPasses { get; init; } = 5;
    public int ScanPasses { get; init; } = 10;
    public int ManagedWindows { get; init; } = 200;

    public int KibibyteKeys { get; init; } = 100_000;
    public int MillionKeys { get; init; } = 1_000_000;
    public int MillionScans { get; init; } = 3;

    public int ChainKeys { get; init; } = 10_000_000;
    public int ChainGetsUntimed { get; init; } = 200_000;
    public int ChainGets { get; init; } = 500_000;
    public int ChainSeeks { get; init; } = 100_000;
    public int ChainSeeksAnew { get; init; } = 20_000;
    public double ReadWhileWritingSeconds { get; init; } = 5;
    public int WriterPutsPerSecond { get; init; } = 20_000;
    public int Overwrites { get; init; } = 5_000_000;

    public int HistoryKeys { get; init; } = 200_000;
    public int HistoryOverwrites { get; init; } = 50;
    public int HistoryGets { get; init; } = 500_000;
    public int HistoryScans { get; init; } = 3;

    public int OpenKeys { get; init; } = 1_000_000;     // of 1 KiB each
    public int OpenRepeats { get; init; } = 7;
    public int RecoverPuts { get; init; } = 480_000;    // of 20 + 100 bytes: 64 MiB of log at 20 bytes a record around them

    public static Sizes Of(Scale scale) => scale switch
    {
        Scale.Full => new(),
        Scale.Quick => new()
        {
            MemoryStores = 8, BatchStores = 12, KibibyteKeys = 50_000, MillionKeys = 300_000, MillionScans = 2, ChainKeys = 1_000_000,
            ChainGetsUntimed = 50_000, ChainGets = 200_000, ChainSeeks = 40_000, ChainSeeksAnew = 10_000, ReadWhileWritingSeconds = 2,
            Overwrites = 500_000, HistoryKeys = 50_000, HistoryOverwrites = 20, HistoryGets = 200_000, OpenKeys = 100_000, OpenRepeats = 5,
            RecoverPuts = 120_000,
        },
        _ => new()
        {
            MemoryKeys = 500, MemoryStores = 2, BatchStores = 2, GetPasses = 2, ScanPasses = 2, ManagedWindows = 5, KibibyteKeys = 500,
            MillionKeys = 2_000, MillionScans = 1, ChainKeys = 5_000, ChainGetsUntimed = 500, ChainGets = 2_000, ChainSeeks = 300, ChainSeeksAnew = 100,
            ReadWhileWritingSeconds = 0.05, WriterPutsPerSecond = 5_000, Overwrites = 3_000, HistoryKeys = 200, HistoryOverwrites = 5,
            HistoryGets = 1_000, HistoryScans = 1, OpenKeys = 500, OpenRepeats = 2, RecoverPuts = 500,
        },
    };
}
