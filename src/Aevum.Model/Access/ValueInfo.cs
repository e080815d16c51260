using Aevum.Core.Time;

namespace Aevum.Model.Access;

/// <summary>What a read found out about a key.</summary>
/// <param name="Found">False if the key holds no value in this view; the rest is then without meaning.</param>
/// <param name="Length">Of the value, in bytes, also when the caller's buffer was too short for it.</param>
/// <param name="Version">When the value was written.</param>
/// <param name="Expiry">From this time on it counts as absent; None if it never expires.</param>
public readonly record struct ValueInfo(bool Found, int Length, SystemTime Version, SystemTime Expiry);

/// <summary>One version of a key.</summary>
/// <param name="Time">The system time it was written at.</param>
/// <param name="Change">What happened to the key then.</param>
/// <param name="Value">Of a put (a merge shows as the value it made); else empty.</param>
/// <param name="Expiry">From this time on the value counts as absent; None if it never expires.</param>
public sealed record ValueVersion(SystemTime Time, ValueChange Change, byte[] Value, SystemTime Expiry);

public enum ValueChange
{
    Put = 0,
    Deleted = 1,

    /// <summary>Deleted together with a range around it.</summary>
    RangeDeleted = 2,
}
