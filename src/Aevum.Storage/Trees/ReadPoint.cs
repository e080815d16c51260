using Aevum.Core.Time;

namespace Aevum.Storage.Trees;

/// <summary>Where a read stands: it sees versions at or before <see cref="At"/>, and counts as absent what has expired by <see cref="Now"/>.</summary>
/// <param name="At">The greatest version seen.</param>
/// <param name="Now">The time that expiries are held against; <see cref="SystemTime.None"/> leaves expiry to the caller.</param>
public readonly record struct ReadPoint(SystemTime At, SystemTime Now)
{
    /// <summary>All versions, expiries not judged.</summary>
    public static ReadPoint Latest => new(SystemTime.Max, SystemTime.None);

    /// <summary>As the tree was at a moment, expiries of that moment included.</summary>
    public static ReadPoint AsOf(SystemTime moment) => new(moment, moment);

    /// <summary>All versions, less what has expired by <paramref name="now"/>.</summary>
    public static ReadPoint LatestAt(SystemTime now) => new(SystemTime.Max, now);
}
