namespace Aevum.Core.Tests.Time;

/// <summary>A time provider whose wall and monotonic clocks move only when told, together or apart.</summary>
public sealed class ManualTime(long frequency = 10_000_000) : TimeProvider
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public DateTimeOffset Wall { get; set; } = Start;

    public long Ticks { get; set; } = 123_456_789;

    public int WallReads { get; private set; }

    /// <summary>For so long whoever has read the wall clock is stopped.</summary>
    public TimeSpan StoppedAfterWallRead { get; set; }

    public override long TimestampFrequency => frequency;

    public override long GetTimestamp() => Ticks;

    public override DateTimeOffset GetUtcNow()
    {
        WallReads++;
        var wall = Wall;
        if (StoppedAfterWallRead != TimeSpan.Zero) Pass(StoppedAfterWallRead);
        return wall;
    }

    public void Pass(TimeSpan time)
    {
        Wall += time;
        PassMonotonic(time);
    }

    public void PassMonotonic(TimeSpan time) => Ticks += (long)(time.TotalSeconds * frequency);
}
