// RespStatistics: what INFO, SLOWLOG, LATENCY, CONFIG RESETSTAT and the metrics page tell of the door: the meters of all loops, summed up when asked.
//
//   loop ─> LoopMeter ─┐
//   loop ─> LoopMeter ─┼─> Totals, CountsOf, Errors     since the server began, or since the last Reset
//   loop ─> LoopMeter ─┘
//                     └──> SlowLog, LatencyEvents       told at once, and seldom: under a lock
//
// A reset writes to no loop's counters: it keeps what they said, to be taken away from what they say later. So metrics never go back, and nobody
// but the loop writes.
//
// For the commands that tell:
//   INFO stats          Totals(sinceReset: true), Errors        INFO commandstats, latencystats    All(sinceReset: true), Latency.NanosecondsAt
//   LATENCY HISTOGRAM   CountsOf(..).Latency.Doublings()        LATENCY LATEST, HISTORY, RESET     LatencyEvents
//   SLOWLOG             SlowLog                                 CONFIG                             SlowMicroseconds, SlowLog.LengthMax, LatencyMilliseconds
//   CONFIG RESETSTAT    Reset()                                 a new command or subcommand        Register, once, before it is first counted

using System.Text;
using Aevum.Server.Resp.Measuring;

namespace Aevum.Server.Resp;

/// <summary>What is counted of one command.</summary>
/// <param name="Calls">It ran, whatever came of it.</param>
/// <param name="Rejected">It was refused before it ran.</param>
/// <param name="Failed">It ran and answered an error.</param>
/// <param name="Microseconds">All its calls together (LoopMeter says of what).</param>
/// <param name="Latency">Of the calls.</param>
sealed record CommandCounts(KnownCommand Command, long Calls, long Rejected, long Failed, double Microseconds, LatencyDistribution Latency);

/// <summary>What is counted of all commands and clients together.</summary>
sealed record RespTotals
{
    public long Commands { get; set; }

    public long InputBytes { get; set; }

    public long OutputBytes { get; set; }

    public long ConnectionsAccepted { get; set; }

    /// <summary>Sent away because there were too many.</summary>
    public long ConnectionsRefused { get; set; }

    /// <summary>Open now.</summary>
    public long Connections { get; set; }

    /// <summary>Keys that were looked at to be read, and held something.</summary>
    public long KeyspaceHits { get; set; }

    public long KeyspaceMisses { get; set; }

    /// <summary>Commands that wrote something, since the server began.</summary>
    public long Changes { get; set; }

    public long ErrorReplies { get; set; }

    /// <summary>Of about the last 1.6 seconds, as the next two.</summary>
    public double CommandsPerSecond { get; set; }

    public double InputBytesPerSecond { get; set; }

    public double OutputBytesPerSecond { get; set; }
}

/// <param name="time">Its monotonic clock measures, its wall clock dates.</param>
/// <param name="refused">How many connections were sent away so far.</param>
sealed class RespStatistics(TimeProvider time, Func<long> refused)
{
    /// <summary>Commands and subcommands there may be.</summary>
    public const int CommandsMax = 1024;

    /// <summary>First words of errors that are told apart.</summary>
    public const int ErrorKindsMax = 128;

    const long ExactBelowMicroseconds = 1000;

    readonly Lock _gate = new();
    readonly List<KnownCommand> _commands = [];
    LoopMeter[] _meters = [];
    Baseline _baseline = Baseline.Zero;
    long _slowMicroseconds = 10_000;
    long _latencyMilliseconds;
    long _slowTicks = (long)(10_000 * (time.TimestampFrequency / 1e6));
    bool _isExact;

    sealed record Baseline(RespTotals Totals, Dictionary<int, CommandCounts> Commands, Dictionary<string, long> Errors)
    {
        public static Baseline Zero => new(new RespTotals(), [], []);
    }

    public SlowLog SlowLog { get; } = new();

    public LatencyEvents LatencyEvents { get; } = new();

    /// <summary>Commands that take at least so long go into the slow log; negative: none does; 0: all do.</summary>
    public long SlowMicroseconds
    {
        get => Volatile.Read(ref _slowMicroseconds);
        set
        {
            Volatile.Write(ref _slowMicroseconds, value);
            Compute();
        }
    }

    /// <summary>What takes at least so long is a latency event; 0: nothing is.</summary>
    public long LatencyMilliseconds
    {
        get => Volatile.Read(ref _latencyMilliseconds);
        set
        {
            Volatile.Write(ref _latencyMilliseconds, value);
            Compute();
        }
    }

    /// <summary>Somebody wants to know of things so short that each command is measured alone.</summary>
    public bool IsExact => Volatile.Read(ref _isExact);

    /// <summary>From here on something is slow for the slow log or for the latency monitor, whoever asks for less.</summary>
    public long SlowTicks => Volatile.Read(ref _slowTicks);

    void Compute()
    {
        lock (_gate)
        {
            var least = long.MaxValue;
            if (_slowMicroseconds >= 0) least = _slowMicroseconds;
            if (_latencyMilliseconds > 0) least = Math.Min(least, Math.Min(_latencyMilliseconds, long.MaxValue / 1000) * 1000);
            Volatile.Write(ref _isExact, least < ExactBelowMicroseconds);
            Volatile.Write(ref _slowTicks, (long)Math.Min(least * (time.TimestampFrequency / 1e6), long.MaxValue / 2));
        }
    }

    /// <summary>The meter of one more loop.</summary>
    public LoopMeter NewMeter()
    {
        var meter = new LoopMeter(this, time);
        lock (_gate) Volatile.Write(ref _meters, [.. _meters, meter]);
        return meter;
    }

    /// <summary>Gives a command the number under which it is counted.</summary>
    public void Register(KnownCommand command)
    {
        lock (_gate)
        {
            if (_commands.Count == CommandsMax) throw new InvalidOperationException($"there are more than {CommandsMax} commands");
            command.Number = _commands.Count;
            _commands.Add(command);
        }
    }

    // ------------------------------------------------------------------------------------------------ reading

    /// <param name="sinceReset">False: since the server began.</param>
    public RespTotals Totals(bool sinceReset)
    {
        var sum = new RespTotals { ConnectionsRefused = refused() };
        foreach (var meter in Volatile.Read(ref _meters)) meter.AddTo(sum);
        var before = Volatile.Read(ref _baseline).Totals;
        if (!sinceReset) return sum;
        sum.Commands -= before.Commands;
        sum.InputBytes -= before.InputBytes;
        sum.OutputBytes -= before.OutputBytes;
        sum.ConnectionsAccepted -= before.ConnectionsAccepted;
        sum.ConnectionsRefused -= before.ConnectionsRefused;
        sum.KeyspaceHits -= before.KeyspaceHits;
        sum.KeyspaceMisses -= before.KeyspaceMisses;
        sum.ErrorReplies -= before.ErrorReplies;
        return sum;
    }

    /// <summary>Commands that were called, refused or failed, in the order of their numbers.</summary>
    public IReadOnlyList<CommandCounts> All(bool sinceReset)
    {
        KnownCommand[] commands;
        lock (_gate) commands = [.. _commands];
        // Those that nobody has met on any loop have nothing to sum up, and are most.
        var meters = Volatile.Read(ref _meters);
        var met = commands.Where(c => Array.Exists(meters, m => m.Of(c.Number) is not null));
        return [.. met.Select(c => CountsOf(c, sinceReset)).Where(c => c.Calls + c.Rejected + c.Failed > 0)];
    }

    public CommandCounts CountsOf(KnownCommand command, bool sinceReset)
    {
        long calls = 0, rejected = 0, failed = 0, ticks = 0;
        var latency = new LatencyDistribution();
        foreach (var meter in Volatile.Read(ref _meters))
        {
            if (meter.Of(command.Number) is not { } counts) continue;
            calls += Volatile.Read(ref counts.Calls);
            rejected += Volatile.Read(ref counts.Rejected);
            failed += Volatile.Read(ref counts.Failed);
            ticks += Volatile.Read(ref counts.Ticks);
            counts.Latency.AddTo(latency);
        }
        var microseconds = ticks * 1e6 / time.TimestampFrequency;
        if (!sinceReset || !Volatile.Read(ref _baseline).Commands.TryGetValue(command.Number, out var before))
            return new CommandCounts(command, calls, rejected, failed, microseconds, latency);
        latency.Subtract(before.Latency);
        return new CommandCounts(
            command, calls - before.Calls, rejected - before.Rejected, failed - before.Failed, microseconds - before.Microseconds, latency);
    }

    /// <summary>First words of errors and how often they were answered, by word.</summary>
    public IReadOnlyDictionary<string, long> Errors(bool sinceReset)
    {
        var sum = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var meter in Volatile.Read(ref _meters))
            foreach (var error in meter.Errors) sum[error.Name] = sum.GetValueOrDefault(error.Name) + Volatile.Read(ref error.Count);
        if (!sinceReset) return sum;
        foreach (var (name, count) in Volatile.Read(ref _baseline).Errors)
            if (sum.TryGetValue(name, out var now) && now == count) sum.Remove(name);
            else sum[name] = now - count;
        return sum;
    }

    /// <summary>Counts from zero again, for those who ask for what came since the reset. The slow log and latency events stay.</summary>
    public void Reset()
    {
        var commands = All(sinceReset: false).ToDictionary(c => c.Command.Number);
        Volatile.Write(ref _baseline, new Baseline(Totals(sinceReset: false), commands, new Dictionary<string, long>(Errors(sinceReset: false))));
    }

    // ------------------------------------------------------------------------------------------------ slow things

    /// <summary>A command took long.</summary>
    public void TellSlow(KnownCommand command, byte[][] arguments, long ticks, RespClient client)
    {
        Latency(command.Info.Is(Commands.CommandFlags.Fast) ? "fast-command" : "command", ticks);
        if (IsSlow(ticks, out var microseconds) && !command.Command.SkipsSlowLog)
            SlowLog.Add(Now, microseconds, arguments, client.Channel.Remote.ToString(), client.Name);
    }

    /// <summary>Quick commands that were measured together took long.</summary>
    /// <param name="client">Null: not known any more.</param>
    public void TellSlowGroup(ReadOnlySpan<KnownCommand> commands, long ticks, RespClient? client)
    {
        Latency("fast-command", ticks);
        if (!IsSlow(ticks, out var microseconds)) return;
        var arguments = new byte[commands.Length + 1][];
        arguments[0] = "pipeline"u8.ToArray();
        for (var i = 0; i < commands.Length; i++) arguments[i + 1] = Encoding.ASCII.GetBytes(commands[i].Info.Name);
        SlowLog.Add(Now, microseconds, arguments, client?.Channel.Remote.ToString() ?? "", client?.Name ?? "");
    }

    /// <summary>A commit took long, all its steps together.</summary>
    public void TellSlowCommit(long ticks) => Latency("commit", ticks);

    void Latency(string name, long ticks)
    {
        var milliseconds = ticks / Math.Max(1, time.TimestampFrequency / 1000);
        if (LatencyMilliseconds is > 0 and var least && milliseconds >= least) LatencyEvents.Add(name, Now, milliseconds);
    }

    bool IsSlow(long ticks, out long microseconds)
    {
        microseconds = (long)(ticks * 1e6 / time.TimestampFrequency);
        return SlowMicroseconds >= 0 && microseconds >= SlowMicroseconds;
    }

    long Now => time.GetUtcNow().ToUnixTimeSeconds();
}
