// History: what a set of transactions did and saw, in a form that says nothing of how the database works: for HistoryChecker.
//
//   step      a key read, a range read, a key written, in the order in which the transaction did them
//   tag       names a version: no two writes have the same. What a read saw is told by tag; null: nothing was there
//   time      of a write the system time of the version it made; it gives the order of a key's versions

namespace Aevum.Testing.Histories;

/// <summary>What a transaction was promised.</summary>
public enum HistoryLevel
{
    ReadCommitted = 0,
    Snapshot = 1,
    Serializable = 2,
}

public abstract record HistoryStep;

/// <summary>A key was read.</summary>
/// <param name="Tag">What it held; null: nothing.</param>
public sealed record KeyRead(string Key, string? Tag) : HistoryStep;

/// <summary>All keys of [Start, End) were read, in ordinal order.</summary>
/// <param name="Found">Those that held something.</param>
public sealed record RangeRead(string Start, string End, IReadOnlyDictionary<string, string> Found) : HistoryStep;

/// <summary>A key was written. Of several writes of a transaction to one key the last one makes the version.</summary>
/// <param name="IsDelete">The version is an absence, which reads see as nothing.</param>
/// <param name="Time">Of the version; without meaning if the transaction was given up.</param>
public sealed record KeyWrite(string Key, string Tag, ulong Time, bool IsDelete = false) : HistoryStep;

public sealed class HistoryTransaction
{
    /// <summary>For whoever reads what was found.</summary>
    public required string Name { get; init; }

    public HistoryLevel Level { get; init; }

    public bool IsCommitted { get; init; } = true;

    /// <summary>The moment that its reads were said to see; 0: none was said. Tells which absence a read saw, where a key was absent several
    /// times.</summary>
    public ulong Moment { get; init; }

    /// <summary>When it began and when its end was known, on one clock of the caller's; 0, null: not known.</summary>
    public long Began { get; init; }

    public long? Ended { get; init; }

    public required IReadOnlyList<HistoryStep> Steps { get; init; }
}

/// <summary>Something that may not be.</summary>
/// <param name="Name">As in the literature: G0, G1a, G1b, G1c, G-single, G-nonadjacent, G2-item, G2, strict; or: internal, thin air, twice.</param>
/// <param name="What">Who, and how.</param>
public sealed record HistoryAnomaly(string Name, string What)
{
    public override string ToString() => $"{Name}: {What}";
}
