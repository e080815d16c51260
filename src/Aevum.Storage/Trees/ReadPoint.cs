using Aevum.Core.Time;

namespace Aevum.Storage.Trees;

/// <summary>Where a read stands: it sees versions at or before <see cref="At"/>, and counts as absent what has expired by <see cref="Now"/>.</summary>
/// <param name="At">The greatest version seen.</param>
/// <param name="Now">The time that expiries are held against; <see cref="SystemTime.None"/> leaves expiry to the caller.</param>
public readonly record struct ReadPoint(SystemTime At, SystemTime Now)
{
    static readonly SystemTime AllApplied = new(SystemTime.Max.Value - 1);

    /// <summary>The present: all versions that are visible (<see cref="Tree.VisibleTime"/>), expiries not judged.</summary>
    public static ReadPoint Latest => new(SystemTime.Max, SystemTime.None);

    /// <summary>All versions applied, visible or not, expiries not judged: for whoever decides what comes next.</summary>
    public static ReadPoint Applied => new(AllApplied, SystemTime.None);

    /// <summary>True if no history floor can lie above: what is asked for is the present.</summary>
    internal bool IsPresent => At >= AllApplied;

    /// <summary>As the tree was at a moment, expiries of that moment included.</summary>
    public static ReadPoint AsOf(SystemTime moment) => new(moment, moment);

    /// <summary>All versions, less what has expired by <paramref name="now"/>.</summary>
    public static ReadPoint LatestAt(SystemTime now) => new(SystemTime.Max, now);
}
