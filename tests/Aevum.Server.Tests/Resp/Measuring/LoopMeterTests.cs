// A clock that goes on by a step whenever it is read, and counts how often: so what is measured, and what measuring costs, are both exact.

using Aevum.Server.Resp;
using Aevum.Server.Resp.Measuring;

namespace Aevum.Server.Tests.Resp.Measuring;

public sealed class LoopMeterTests : IDisposable
{
    const long StepMicroseconds = 100;

    readonly RespWorld _world = new();
    readonly SteppingTime _time = new();
    readonly RespStatistics _statistics;
    readonly LoopMeter _meter;

    sealed class SteppingTime : TimeProvider
    {
        public int Readings { get; private set; }

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => ++Readings * StepMicroseconds;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
    }

    public LoopMeterTests()
    {
        _statistics = new RespStatistics(_time, () => 0);
        foreach (var command in _world.Server.Commands.All) _statistics.Register(command);
        _meter = _statistics.NewMeter();
    }

    public void Dispose() => _world.Dispose();

    KnownCommand Command(string name) => _world.Server.Commands.Find(System.Text.Encoding.ASCII.GetBytes(name))!;

    void Run(string name, bool isLast = false)
    {
        _meter.IsLastOfBurst = isLast;
        _meter.Begin(Command(name));
        _meter.End(_world.First.Client, Command(name), default, "+OK\r\n"u8);
    }

    CommandCounts Counts(string name) => _statistics.CountsOf(Command(name), sinceReset: true);

    [Fact]
    public void One_command_alone_reads_the_clock_twice()
    {
        Run("get", isLast: true);
        Assert.Equal(2, _time.Readings);
        Assert.Equal(StepMicroseconds, Counts("get").Microseconds);
        Assert.Equal(1, Counts("get").Calls);
    }

    [Fact]
    public void Quick_ones_of_a_burst_share_two_readings_and_their_sum_is_exact()
    {
        for (var i = 0; i < 16; i++) Run(i % 2 == 0 ? "get" : "exists");
        _meter.EndBurst(0);
        Assert.Equal(4, _time.Readings);   // two groups of eight
        Assert.Equal(8, Counts("get").Calls);
        Assert.Equal(2 * StepMicroseconds, Counts("get").Microseconds + Counts("exists").Microseconds, tolerance: 16.0);
    }

    [Fact]
    public void A_burst_that_ends_early_is_counted_when_it_ends()
    {
        Run("get");
        Run("get");
        Assert.Equal(0, Counts("get").Calls);
        _meter.EndBurst(57);
        Assert.Equal(2, Counts("get").Calls);
        Assert.Equal(57, _statistics.Totals(true).InputBytes);
        _meter.EndBurst(0);
        Assert.Equal(2, Counts("get").Calls);
    }

    [Fact]
    public void What_may_take_long_is_measured_alone()
    {
        Run("get");
        Run("lrange");
        Run("get");
        _meter.EndBurst(0);
        Assert.Equal(6, _time.Readings);
        Assert.Equal(StepMicroseconds, Counts("lrange").Microseconds);
        Assert.Equal(2 * StepMicroseconds, Counts("get").Microseconds);
    }

    [Fact]
    public void Short_thresholds_let_everything_be_measured_alone()
    {
        _statistics.SlowMicroseconds = 999;
        Assert.True(_statistics.IsExact);
        for (var i = 0; i < 4; i++) Run("get");
        Assert.Equal(8, _time.Readings);
        _statistics.SlowMicroseconds = -1;
        Assert.False(_statistics.IsExact);
        _statistics.LatencyMilliseconds = 1;
        Assert.False(_statistics.IsExact);
        _statistics.SlowMicroseconds = 0;
        Assert.True(_statistics.IsExact);
    }

    [Fact]
    public void A_slow_group_names_its_commands()
    {
        _statistics.SlowMicroseconds = 0;
        _statistics.SlowMicroseconds = 1000;
        _statistics.LatencyMilliseconds = 1;
        Run("get");
        for (var i = 0; i < 9; i++) _ = _meter.Now;
        Run("exists");
        _meter.EndBurst(0);
        var entry = Assert.Single(_statistics.SlowLog.Newest(9));
        Assert.Equal(["pipeline", "get", "exists"], entry.Arguments.Select(a => System.Text.Encoding.ASCII.GetString(a)));
        Assert.Equal(1000, entry.Microseconds);
        Assert.Equal(1, _statistics.LatencyEvents.Find("fast-command")!.MillisecondsMax);
    }

    [Fact]
    public void A_reset_counts_from_zero_and_metrics_go_on()
    {
        Run("get", isLast: true);
        _meter.Rejected(Command("set"), "-ERR wrong\r\n"u8);
        _meter.Rejected(null, "-ERR unknown\r\n"u8);
        _meter.CountError("-WRONGTYPE no\r\n"u8);
        _statistics.Reset();
        Assert.Empty(_statistics.All(sinceReset: true));
        Assert.Empty(_statistics.Errors(sinceReset: true));
        Assert.Equal(0, _statistics.Totals(sinceReset: true).ErrorReplies);
        Assert.Equal(3, _statistics.Totals(sinceReset: false).ErrorReplies);
        Run("get", isLast: true);
        Run("get", isLast: true);
        _meter.CountError("-ERR again\r\n"u8);
        Assert.Equal(2, Counts("get").Calls);
        Assert.Equal(2, Counts("get").Latency.Count);
        Assert.Equal(2 * StepMicroseconds, Counts("get").Microseconds);
        Assert.Equal(3, _statistics.CountsOf(Command("get"), sinceReset: false).Calls);
        Assert.Equal(new Dictionary<string, long> { ["ERR"] = 1 }, _statistics.Errors(sinceReset: true));
        Assert.Equal(new Dictionary<string, long> { ["ERR"] = 3, ["WRONGTYPE"] = 1 }, _statistics.Errors(sinceReset: false));
    }

    [Fact]
    public void Rates_are_of_the_last_moments_and_go_to_zero()
    {
        var rates = new RateSamples(1000);   // a clock of milliseconds
        for (var i = 0; i <= 50; i++) rates.Look(i * 100, i * 10, i * 1000, i * 2000);
        var (calls, input, output) = rates.PerSecond(5000, 500, 50_000, 100_000);
        Assert.Equal(100, calls, tolerance: 1.0);
        Assert.Equal(10_000, input, tolerance: 1.0);
        Assert.Equal(20_000, output, tolerance: 1.0);
        Assert.Equal((0, 0, 0), rates.PerSecond(7000, 500, 50_000, 100_000));
    }
}
