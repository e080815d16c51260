using Aevum.Core.Time;

namespace Aevum.Core.Tests.Time;

public sealed class SystemTimeTests
{
    [Fact]
    public void Holds_microseconds_and_a_counter()
    {
        var time = SystemTime.FromMicroseconds(1_772_366_400_000_000, 5);
        Assert.Equal(1_772_366_400_000_000UL, time.Microseconds);
        Assert.Equal(5UL, time.Counter);
        Assert.Equal((1_772_366_400_000_000UL * 1024) + 5, time.Value);
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), time.ToDateTimeOffset());
        Assert.Equal("1814903193600000005", time.ToString());
    }

    [Fact]
    public void A_moment_names_every_time_of_its_microsecond_and_none_of_the_next()
    {
        var moment = new DateTimeOffset(2026, 3, 1, 14, 0, 0, TimeSpan.FromHours(2)).AddTicks(9);   // 900 ns into the microsecond
        var time = SystemTime.AtOrBefore(moment);
        Assert.True(time >= SystemTime.FromMicroseconds(1_772_366_400_000_000, SystemTime.CounterMax));
        Assert.True(time < SystemTime.FromMicroseconds(1_772_366_400_000_001));
    }

    [Fact]
    public void Moments_that_no_time_can_hold_end_at_the_ends()
    {
        Assert.Equal(SystemTime.None, SystemTime.AtOrBefore(DateTimeOffset.MinValue));
        Assert.Equal(SystemTime.None, SystemTime.AtOrBefore(DateTimeOffset.UnixEpoch.AddTicks(-1)));
        Assert.Equal(SystemTime.CounterMax, SystemTime.AtOrBefore(DateTimeOffset.UnixEpoch).Value);
        Assert.Equal(SystemTime.Max, SystemTime.AtOrBefore(DateTimeOffset.MaxValue));
    }

    [Fact]
    public void Orders_by_value()
    {
        SystemTime[] rising =
        [
            SystemTime.None, new(1), SystemTime.FromMicroseconds(1), SystemTime.FromMicroseconds(1, 1), SystemTime.FromMicroseconds(2),
            SystemTime.Max,
        ];
        for (var i = 0; i < rising.Length; i++)
        {
            for (var j = 0; j < rising.Length; j++)
            {
                Assert.Equal(i.CompareTo(j), rising[i].CompareTo(rising[j]));
                Assert.Equal(i < j, rising[i] < rising[j]);
                Assert.Equal(i > j, rising[i] > rising[j]);
                Assert.Equal(i <= j, rising[i] <= rising[j]);
                Assert.Equal(i >= j, rising[i] >= rising[j]);
            }
        }
    }
}
