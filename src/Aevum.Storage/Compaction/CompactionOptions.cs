using Aevum.Core.Errors;

namespace Aevum.Storage.Compaction;

/// <summary>The shape that compaction holds a tree to. Defaults suit tables of tens of gigabytes on one disk.</summary>
public sealed record CompactionOptions
{
    /// <summary>Tables on level 0 at which they are merged down. More of them means fewer rewrites and slower reads of absent keys.</summary>
    public int LevelZeroTrigger { get; init; } = 4;

    /// <summary>Overlapping tables on level 0 at which writers are slowed down.</summary>
    public int LevelZeroSlowdown { get; init; } = 20;

    /// <summary>Overlapping tables on level 0 at which writers wait.</summary>
    public int LevelZeroStop { get; init; } = 36;

    /// <summary>Target bytes of the base level, the first below level 0 that holds data.</summary>
    public long BaseLevelBytes { get; init; } = 256L << 20;

    /// <summary>How many times larger each level is than the one above it. 8 to 12 is sensible; more costs writes, less costs space and reads.</summary>
    public int LevelMultiplier { get; init; } = 10;

    /// <summary>Bytes at which an output table is closed.</summary>
    public long TableBytes { get; init; } = 64L << 20;

    /// <summary>Superseded versions wait in level 0 of the history tables until there are this many tables.</summary>
    public int HistoryZeroTrigger { get; init; } = 8;

    /// <summary>Parts of one compaction that run beside each other.</summary>
    public int SubCompactionsMax { get; init; } = 2;

    /// <summary>An input smaller than this is not worth splitting into parts.</summary>
    public long SubCompactionBytesMin { get; init; } = 32L << 20;

    /// <summary>False: tables are merged only when asked (bulk loads, tests).</summary>
    public bool Automatic { get; init; } = true;

    /// <exception cref="AevumException">InvalidArgument: writers would wait for a compaction that is never due.</exception>
    public void Check()
    {
        if (LevelZeroTrigger < 1 || LevelZeroSlowdown < LevelZeroTrigger || LevelZeroStop < LevelZeroSlowdown)
            Throw.Invalid(
                $"tables on level 0 are merged at {LevelZeroTrigger}, slow writers down at {LevelZeroSlowdown} and stop them at {LevelZeroStop}: " +
                "these must be above zero and in this order");
    }
}
