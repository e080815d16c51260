using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Testing;

namespace Aevum.Core.Tests.Time;

public sealed class HybridClockTests
{
    static readonly SystemTime FarCeiling = SystemTime.FromMicroseconds((1UL << 53) - 2);
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    static readonly TimeSpan Interval = HybridClockOptions.Default.AnchorInterval;

    readonly ManualTime _time = new();

    HybridClock Create(SystemTime startAbove = default, HybridClockOptions? options = null)
    {
        var clock = new HybridClock(_time, startAbove, options);
        clock.RaiseCeiling(FarCeiling);
        return clock;
    }

    static SystemTime At(DateTimeOffset moment) => SystemTime.FromMicroseconds(SystemTime.AtOrBefore(moment).Microseconds);

    [Fact]
    public void Follows_the_wall_clock()
    {
        var clock = Create();
        Assert.Equal(At(ManualTime.Start), clock.Next());
        _time.Pass(TimeSpan.FromMicroseconds(3));
        Assert.Equal(At(ManualTime.Start.AddMicroseconds(3)), clock.Next());
        _time.Pass(TimeSpan.FromDays(400));
        Assert.Equal(At(ManualTime.Start.AddDays(400).AddMicroseconds(3)), clock.Next());
    }

    [Theory]
    [InlineData(1_000_000), InlineData(1_000_000_000), InlineData(24_000_000), InlineData(3_579_545), InlineData(1000)]
    public void Follows_the_wall_clock_at_any_frequency_of_the_monotonic_clock(long frequency)
    {
        var time = new ManualTime(frequency);
        var clock = new HybridClock(time, default);
        clock.RaiseCeiling(FarCeiling);
        for (var i = 0; i < 1000; i++)
        {
            time.Pass(TimeSpan.FromMilliseconds(7));
            var ahead = (long)clock.Next().Microseconds - (long)At(time.Wall).Microseconds;
            Assert.InRange(ahead, -1, 1);
        }
    }

    [Fact]
    public void Counts_within_a_microsecond_and_carries_into_the_next()
    {
        var clock = Create();
        var first = clock.Next();
        for (ulong i = 1; i <= 5000; i++) Assert.Equal(first.Value + i, clock.Next().Value);
        Assert.Equal(first.Microseconds + 4, clock.Latest.Microseconds);   // 5000 / 1024
        Assert.Equal(5000UL % 1024, clock.Latest.Counter);
    }

    [Fact]
    public void A_backward_clock_counts_on_above_the_last_time_and_is_followed_again_when_it_catches_up()
    {
        var clock = Create();
        var first = clock.Next();
        _time.Wall -= Hour * 5;
        _time.PassMonotonic(Interval);
        Assert.Equal(first.Value + 1, clock.Next().Value);
        Assert.Equal(first.Value + 2, clock.Next().Value);
        _time.Pass((Hour * 5) + Interval);
        Assert.Equal(At(_time.Wall), clock.Next());
        Assert.Equal(TimeSpan.Zero, clock.Jump);
    }

    [Fact]
    public void A_thread_that_is_stopped_while_it_measures_does_not_put_the_clock_back()
    {
        var clock = Create();
        _time.Pass(Interval / 2);
        var before = clock.Now;
        foreach (var stopped in (int[])[5, 0, 3, 40])
        {
            _time.Pass(Interval);
            _time.StoppedAfterWallRead = TimeSpan.FromMilliseconds(stopped);
            _ = clock.Now;   // measures anew
            _time.StoppedAfterWallRead = TimeSpan.Zero;
            Assert.Equal(At(_time.Wall), clock.Now);
            Assert.True(clock.Now > before);
            before = clock.Now;
        }
    }

    [Fact]
    public void A_frozen_wall_clock_counts_on()
    {
        var clock = Create();
        var last = clock.Next();
        for (var i = 0; i < 1000; i++)
        {
            _time.PassMonotonic(TimeSpan.FromMilliseconds(3));
            var next = clock.Next();
            Assert.True(next > last);
            // Not ahead of the frozen clock by more than what passes between two looks at it.
            Assert.True(next.Microseconds <= At(ManualTime.Start).Microseconds + 20_000);
            last = next;
        }
    }

    [Fact]
    public void A_forward_step_within_the_bound_is_followed()
    {
        var clock = Create();
        clock.Next();
        _time.Wall += Hour;
        _time.Pass(Interval);
        Assert.Equal(At(_time.Wall), clock.Next());
    }

    [Fact]
    public void A_forward_jump_beyond_the_bound_is_not_followed_until_acknowledged()
    {
        var clock = Create();
        var before = clock.Next();
        var jump = Hour + TimeSpan.FromSeconds(1);
        _time.Wall += jump;

        // Not seen yet, and not followed either: the offset is measured at the next anchor.
        Assert.True(clock.Next() < At(ManualTime.Start.AddMilliseconds(1)));

        _time.Pass(Interval);
        Assert.False(clock.TryNext(out var time, out var refusal));
        Assert.Equal(ClockRefusal.ClockJumped, refusal);
        Assert.Equal(SystemTime.None, time);
        Assert.Equal(jump, clock.Jump);
        Assert.Equal(ErrorCode.ClockJump, Assert.Throws<AevumException>(() => clock.Next()).Code);
        Assert.True(clock.Now < At(ManualTime.Start.AddMinutes(1)));

        _time.Pass(TimeSpan.FromSeconds(5));   // still so later: a stop ends by Acknowledge alone
        Assert.False(clock.TryNext(out _));
        Assert.True(clock.Latest.Value <= before.Value + 1);

        clock.Acknowledge();
        Assert.Equal(TimeSpan.Zero, clock.Jump);
        Assert.Equal(At(_time.Wall), clock.Next());
    }

    [Fact]
    public void A_jump_that_was_set_right_before_it_is_acknowledged_leaves_no_trace()
    {
        var clock = Create();
        clock.Next();
        _time.Wall += Hour * 24;
        _time.Pass(Interval);
        Assert.False(clock.TryNext(out _));
        _time.Wall -= Hour * 24;
        _time.Pass(Interval);
        Assert.False(clock.TryNext(out _));
        clock.Acknowledge();
        Assert.Equal(At(_time.Wall), clock.Next());
        Assert.True(clock.Next() < At(ManualTime.Start.AddMinutes(1)));
    }

    [Fact]
    public void A_second_jump_after_an_acknowledged_one_is_seen_again()
    {
        var clock = Create();
        for (var round = 0; round < 3; round++)
        {
            _time.Wall += Hour * 2;
            _time.Pass(Interval);
            Assert.False(clock.TryNext(out _, out var refusal));
            Assert.Equal(ClockRefusal.ClockJumped, refusal);
            clock.Acknowledge();
            Assert.True(clock.TryNext(out _));
        }
    }

    [Fact]
    public void Reads_the_wall_clock_once_an_interval_only()
    {
        var clock = Create();
        var reads = _time.WallReads;
        for (var i = 0; i < 1000; i++) clock.Next();
        Assert.Equal(reads, _time.WallReads);
        _time.Pass(Interval);
        for (var i = 0; i < 1000; i++) clock.Next();
        Assert.Equal(reads + 1, _time.WallReads);
    }

    [Fact]
    public void Observed_times_are_passed()
    {
        var clock = Create();
        var seen = new SystemTime(At(ManualTime.Start.AddSeconds(5)).Value + 7);
        clock.Observe(seen);
        Assert.Equal(seen, clock.Latest);
        Assert.Equal(seen, clock.Now);
        Assert.Equal(seen.Value + 1, clock.Next().Value);
        clock.Observe(SystemTime.FromMicroseconds(1));   // long past: changes nothing
        Assert.Equal(seen.Value + 2, clock.Next().Value);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => clock.Observe(SystemTime.Max)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => clock.Observe(new SystemTime(ulong.MaxValue))).Code);
    }

    [Fact]
    public void Nothing_is_handed_out_before_the_first_ceiling()
    {
        var clock = new HybridClock(_time, SystemTime.None);
        Assert.False(clock.TryNext(out _, out var refusal));
        Assert.Equal(ClockRefusal.CeilingReached, refusal);
        Assert.True(clock.CeilingNeedsRenewal);
        Assert.Equal(ErrorCode.CeilingReached, Assert.Throws<AevumException>(() => clock.Next()).Code);
    }

    [Fact]
    public void No_time_is_above_the_ceiling_and_renewal_is_asked_for_half_way()
    {
        var clock = new HybridClock(_time, SystemTime.None);
        var first = clock.SuggestCeiling();
        Assert.Equal(At(ManualTime.Start.AddSeconds(10)), first);
        clock.RaiseCeiling(first);
        var handedOut = 0;
        var asked = TimeSpan.MaxValue;
        while (clock.TryNext(out var time, out _))
        {
            Assert.True(time <= first);
            handedOut++;
            if (clock.CeilingNeedsRenewal && asked == TimeSpan.MaxValue) asked = _time.Wall - ManualTime.Start;
            _time.Pass(TimeSpan.FromMilliseconds(100));
        }
        Assert.Equal(101, handedOut);
        Assert.Equal(TimeSpan.FromSeconds(5), asked);

        clock.RaiseCeiling(new SystemTime(first.Value - 1));   // lower: changes nothing
        Assert.Equal(first, clock.Ceiling);
        clock.RaiseCeiling(clock.SuggestCeiling());
        Assert.True(clock.Next() > first);
        Assert.False(clock.CeilingNeedsRenewal);
    }

    [Fact]
    public void The_last_time_below_the_ceiling_is_the_ceiling_itself()
    {
        var clock = new HybridClock(_time, SystemTime.None);
        var ceiling = new SystemTime(At(ManualTime.Start).Value + 3);
        clock.RaiseCeiling(ceiling);
        for (var i = 0; i < 4; i++) Assert.True(clock.TryNext(out _));
        Assert.Equal(ceiling, clock.Latest);
        Assert.False(clock.TryNext(out _));
        Assert.Equal(ceiling, clock.Latest);
    }

    [Fact]
    public void A_new_owner_starts_above_the_old_owners_ceiling()
    {
        var old = new HybridClock(_time, SystemTime.None);
        old.RaiseCeiling(old.SuggestCeiling());
        for (var i = 0; i < 100; i++) old.Next();

        var next = new HybridClock(_time, old.Ceiling);
        Assert.False(next.TryNext(out _));
        next.RaiseCeiling(next.SuggestCeiling());
        Assert.Equal(old.Ceiling.Value + 1, next.Next().Value);
    }

    [Fact]
    public void Many_restarts_in_a_row_run_ahead_by_a_little_only()
    {
        // Each owner dies at once. A ceiling a full span above the last time would add up to 1,000 spans.
        var startAbove = SystemTime.None;
        for (var i = 0; i < 1000; i++)
        {
            var clock = new HybridClock(_time, startAbove);
            var ceiling = clock.SuggestCeiling();
            clock.RaiseCeiling(ceiling);
            Assert.True(clock.TryNext(out _));
            startAbove = ceiling;
        }
        Assert.True(startAbove <= At(ManualTime.Start.AddSeconds(20)));
    }

    [Fact]
    public void A_clock_outside_of_what_a_time_can_hold_is_refused_not_wrapped()
    {
        _time.Wall = DateTimeOffset.MinValue;
        var early = Create();
        Assert.Equal(1UL, early.Next().Value);
        _time.Wall = DateTimeOffset.MaxValue;
        var late = Create();
        Assert.False(late.TryNext(out _, out var refusal));
        Assert.Equal(ClockRefusal.CeilingReached, refusal);
        Assert.True(late.SuggestCeiling() < SystemTime.Max);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => late.RaiseCeiling(SystemTime.Max)).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => new HybridClock(_time, SystemTime.Max)).Code);
    }

    [Fact]
    public void Options_without_meaning_are_refused()
    {
        var options = HybridClockOptions.Default;
        foreach (var wrong in new[]
        {
            options with { JumpBound = TimeSpan.FromTicks(-1) },
            options with { CeilingSpan = TimeSpan.Zero },
            options with { AnchorInterval = TimeSpan.FromTicks(-1) },
        })
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => new HybridClock(_time, default, wrong)).Code);
    }

    [Theory, Seeds(4)]
    public void Whatever_the_clocks_do_times_rise_strictly_below_the_ceiling(ulong seed)
    {
        // The oracle is the definition: above everything handed out and observed, never above the ceiling, and no refusal without a reason.
        var random = new SeededRandom(seed);
        var clock = new HybridClock(_time, SystemTime.None);
        ulong floor = 0, ceiling = 0;
        for (var step = 0; step < 20_000; step++)
        {
            switch (random.Next(12))
            {
                case 0: _time.Wall += TimeSpan.FromSeconds(random.Next(-100, 100)); break;
                case 1: _time.Wall += Hour * random.Next(-3, 4); break;
                case 2: _time.PassMonotonic(TimeSpan.FromMilliseconds(random.Next(50))); break;
                case 3 or 4 or 5: _time.Pass(TimeSpan.FromMicroseconds(random.Next(20_000))); break;
                case 6:
                    var seen = new SystemTime(At(_time.Wall).Value + (ulong)random.Next(1 << 20));
                    clock.Observe(seen);
                    floor = Math.Max(floor, seen.Value);
                    break;
                case 7: ceiling = Math.Max(ceiling, clock.SuggestCeiling().Value); clock.RaiseCeiling(new(ceiling)); break;
                case 8 when random.OneIn(3): clock.Acknowledge(); break;
                default:
                    if (clock.TryNext(out var time, out var refusal))
                    {
                        Assert.Equal(TimeSpan.Zero, clock.Jump);
                        Assert.True(time.Value > floor);
                        Assert.True(time.Value <= ceiling);
                        floor = time.Value;
                    }
                    else if (refusal == ClockRefusal.ClockJumped) Assert.True(clock.Jump > Hour);
                    else Assert.True(floor >= ceiling || clock.Now.Value > ceiling);
                    Assert.Equal(floor, clock.Latest.Value);
                    break;
            }
            Assert.Equal(ceiling, clock.Ceiling.Value);
        }
    }

    [Fact]
    public void Many_threads_never_get_the_same_time()
    {
        const int Threads = 4, Each = 20_000;
        var clock = new HybridClock(TimeProvider.System, SystemTime.None);
        clock.RaiseCeiling(FarCeiling);
        var taken = new ulong[Threads][];
        var threads = Enumerable.Range(0, Threads).Select(n => new Thread(() =>
        {
            var mine = new ulong[Each];
            for (var i = 0; i < Each; i++)
            {
                mine[i] = clock.Next().Value;
                if (i % 100 == 0) clock.Observe(new SystemTime(mine[i] + 50));
            }
            taken[n] = mine;
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        foreach (var mine in taken)
            for (var i = 1; i < Each; i++) Assert.True(mine[i] > mine[i - 1]);
        Assert.Equal(Threads * Each, taken.SelectMany(t => t).Distinct().Count());
    }

    [Fact]
    public void Stamping_allocates_nothing()
    {
        var clock = new HybridClock(TimeProvider.System, SystemTime.None);
        clock.RaiseCeiling(FarCeiling);
        for (var i = 0; i < 1000; i++) clock.Next();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100_000; i++) clock.Next();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
