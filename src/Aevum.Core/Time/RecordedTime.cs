namespace Aevum.Core.Time;

/// <summary>Clocks that stand still until they are moved: the time that went by while something was recorded, for those who write it again.</summary>
/// <param name="microseconds">Where both clocks begin, since 1970 in UTC.</param>
public sealed class RecordedTime(ulong microseconds) : TimeProvider
{
    long _ticks = ToTicks(microseconds);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(Volatile.Read(ref _ticks));

    /// <summary>Moves both clocks on; a time before the present one moves nothing.</summary>
    public void MoveTo(ulong microseconds)
    {
        if (ToTicks(microseconds) > _ticks) Volatile.Write(ref _ticks, ToTicks(microseconds));
    }

    static long ToTicks(ulong microseconds) => checked((long)microseconds * TimeSpan.TicksPerMicrosecond);
}
