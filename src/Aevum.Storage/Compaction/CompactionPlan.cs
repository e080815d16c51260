using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

/// <summary>What one compaction will do. Pure data: made by the picker, carried out by a job.</summary>
sealed record CompactionPlan
{
    /// <summary>True if it works on the history tables.</summary>
    public required bool History { get; init; }

    public required int SourceLevel { get; init; }

    public required int TargetLevel { get; init; }

    /// <summary>From the source level; on level 0 newest first, else in key order.</summary>
    public required TableMeta[] Sources { get; init; }

    /// <summary>Those of the target level that overlap the sources, in key order.</summary>
    public required TableMeta[] Targets { get; init; }

    /// <summary>Why, for people.</summary>
    public required string Reason { get; init; }

    /// <summary>The tables only change their level: nothing is read or written.</summary>
    public bool IsMove { get; init; }

    /// <summary>The tables only go: no question that may still be asked needs them.</summary>
    public bool IsDrop { get; init; }

    public IEnumerable<TableMeta> Inputs => Sources.Concat(Targets);

    public override string ToString()
    {
        var what = IsDrop ? "drop" : IsMove ? "move" : "merge";
        return $"{what} {(History ? "H" : "L")}{SourceLevel} -> {(History ? "H" : "L")}{TargetLevel}   " +
            $"inputs {Sources.Length}+{Targets.Length}   reason: {Reason}";
    }
}
