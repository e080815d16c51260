// LoopMeter: what one loop counts of its requests, and how long they take. One writer, the loop, and no lock; RespStatistics sums all loops up.
//
// Time is the loop's: what a command kept others on the loop from being served. Waiting (for a key, for the socket, behind others) is not counted. The
// clock costs 25 ns, a command in a pipeline some hundred, so it is not read for each:
//
//   reads and commands about the session   fast ones (O(1), or "fast" to COMMAND) that follow each other in one burst of one client share two readings,
//                                          up to eight of them, and each is told to have taken the mean; others are measured alone
//   writes                                 share the two readings around their commit; those that are not fast are timed inside of it as well, and the
//                                          rest of the time, the log's and the memtable's, is divided between all of the batch
//   slow reads beside the loop             are measured where they run
//   exact                                  while the slow log or the latency monitor asks for anything below a millisecond, everything is measured alone
//
// So a sum of times is what it says, a mean too, and the histogram of a fast command is that of means of eight where clients send pipelines; alone it
// is exact. A slow group tells the slow log which commands were in it: who it was is not known.
//
//   Closed -> Open     [Begin]        the clock is read; commands run and end
//   Open -> Closed     [Close]        the clock is read, and the time divided: after a command that is measured alone, after the eighth, when a burst has
//                                     been taken, when a commit begins

using System.Text;
using Aevum.Core.Batches;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Measuring;

/// <summary>What is counted of one command on one loop.</summary>
sealed class CommandMeter
{
    public long Calls, Rejected, Failed, Ticks;
    public readonly LatencyHistogram Latency = new();
}

sealed class LoopMeter(RespStatistics statistics, TimeProvider time)
{
    /// <summary>Commands that share a reading of the clock, at most.</summary>
    public const int SharedMax = 8;

    [ThreadStatic]
    static LoopMeter? t_committing;

    readonly CommandMeter?[] _commands = new CommandMeter?[RespStatistics.CommandsMax];
    readonly KnownCommand[] _shared = new KnownCommand[SharedMax];
    readonly double _nanosecondsPerTick = 1e9 / time.TimestampFrequency;
    int _sharedCount;
    bool _isOpen;
    KnownCommand? _running;   // between Begin and End
    long _openedAt;
    long _commitAt;
    (int Step, long Ticks)[] _timedSteps = new (int, long)[64];
    int _timedCount;
    int _nextTimed;
    long _timedTicks;
    ErrorCount[] _errors = [];

    long _calls, _inputBytes, _outputBytes, _accepted, _closed, _hits, _misses, _changes, _errorReplies;

    /// <summary>How fast it goes lately.</summary>
    public RateSamples Rates { get; } = new(time.TimestampFrequency);

    /// <summary>True while the request that is being done is the last of what its client has sent so far.</summary>
    public bool IsLastOfBurst { get; set; }

    public CommandMeter? Of(int number) => Volatile.Read(ref _commands[number]);

    public ReadOnlySpan<ErrorCount> Errors => Volatile.Read(ref _errors);

    public void AddTo(RespTotals sum)
    {
        sum.Commands += Volatile.Read(ref _calls);
        sum.InputBytes += Volatile.Read(ref _inputBytes);
        sum.OutputBytes += Volatile.Read(ref _outputBytes);
        sum.ConnectionsAccepted += Volatile.Read(ref _accepted);
        sum.Connections += Volatile.Read(ref _accepted) - Volatile.Read(ref _closed);
        sum.KeyspaceHits += Volatile.Read(ref _hits);
        sum.KeyspaceMisses += Volatile.Read(ref _misses);
        sum.Changes += Volatile.Read(ref _changes);
        sum.ErrorReplies += Volatile.Read(ref _errorReplies);
        var (calls, input, output) = Rates.PerSecond(time.GetTimestamp(), _calls, _inputBytes, _outputBytes);
        sum.CommandsPerSecond += calls;
        sum.InputBytesPerSecond += input;
        sum.OutputBytesPerSecond += output;
    }

    // ------------------------------------------------------------------------------------------------ what is only counted

    public void Accepted() => _accepted++;

    public void Closed() => _closed++;

    public void Sent(long bytes) => _outputBytes += bytes;

    /// <summary>A command has written, and no call has counted that.</summary>
    public void CountChange() => _changes++;

    /// <summary>Takes what a call has counted of keys that were there and were not, and of commands that wrote.</summary>
    public void Looked(DataCall call)
    {
        _hits += call.Hits;
        _misses += call.Misses;
        _changes += call.Changes;
        call.Hits = call.Misses = call.Changes = 0;
    }

    /// <summary>A request was refused before it was begun.</summary>
    /// <param name="command">Null: there is no such command.</param>
    public void Rejected(KnownCommand? command, ReadOnlySpan<byte> reply)
    {
        if (command is not null) MeterOf(command).Rejected++;
        CountError(reply);
    }

    /// <summary>An error was answered. Counted by its first word.</summary>
    public void CountError(ReadOnlySpan<byte> reply)
    {
        if (reply.IsEmpty || reply[0] != '-') return;
        _errorReplies++;
        var code = reply[1..];
        var end = code.IndexOfAny(" \r\n"u8);
        if (end >= 0) code = code[..end];
        foreach (var known in _errors)
            if (code.SequenceEqual(known.Code))
            {
                known.Count++;
                return;
            }
        if (_errors.Length < RespStatistics.ErrorKindsMax) Volatile.Write(ref _errors, [.. _errors, new ErrorCount(code.ToArray()) { Count = 1 }]);
    }

    // ------------------------------------------------------------------------------------------------ commands on the loop

    /// <summary>A command runs now.</summary>
    public void Begin(KnownCommand command)
    {
        if (_isOpen && _sharedCount > 0 && IsAlone(command)) Close(null, default);
        _running = command;
        if (_isOpen) return;
        _isOpen = true;
        _openedAt = time.GetTimestamp();
    }

    /// <summary>It has run.</summary>
    public void End(RespClient client, KnownCommand command, CommandArguments args, ReadOnlySpan<byte> reply)
    {
        if (_running is null) return;
        _running = null;
        Fail(command, reply);
        _shared[_sharedCount++] = command;
        if (IsLastOfBurst || _sharedCount == SharedMax || IsAlone(command)) Close(client, args);
    }

    /// <summary>The command that runs goes on beside the loop, and is counted when it is done there.</summary>
    public KnownCommand? LeaveLoop()
    {
        var command = _running;
        _running = null;
        return command;
    }

    /// <summary>What a client has sent has been taken, as far as it goes.</summary>
    public void EndBurst(int bytes)
    {
        _inputBytes += bytes;
        _running = null;
        if (_isOpen) Close(null, default);
    }

    bool IsAlone(KnownCommand command) => !command.IsQuick || statistics.IsExact;

    // The arguments are those of the last command, where somebody still has them.
    void Close(RespClient? client, CommandArguments args)
    {
        var now = time.GetTimestamp();
        var (count, ticks) = (_sharedCount, now - _openedAt);
        _isOpen = false;
        _sharedCount = 0;
        if (count == 0) return;   // it went on beside the loop
        for (var i = 0; i < count; i++) Count(_shared[i], ticks / count);
        Rates.Look(now, _calls, _inputBytes, _outputBytes);
        if (ticks < statistics.SlowTicks) return;
        var slow = _shared[count - 1];
        if (count == 1 && client is not null) statistics.TellSlow(slow, SlowLog.Cut(slow.Command, args), ticks, client);
        else statistics.TellSlowGroup(_shared.AsSpan(0, count), ticks, client);
    }

    /// <summary>A command has run elsewhere (beside the loop; within EXEC).</summary>
    /// <param name="packed">The request, as a step's argument; empty: its name is all that is known.</param>
    public void CountElsewhere(RespClient client, KnownCommand command, ReadOnlySpan<byte> packed, long ticks, ReadOnlySpan<byte> reply)
    {
        Fail(command, reply);
        Count(command, ticks);
        if (ticks < statistics.SlowTicks) return;
        byte[][] arguments = packed.IsEmpty
            ? [Encoding.ASCII.GetBytes(command.Info.Name)] : SlowLog.Cut(command.Command, CommandProcedure.ArgumentsOf(packed));
        statistics.TellSlow(command, arguments, ticks, client);
    }

    // ------------------------------------------------------------------------------------------------ commits

    /// <summary>Whether a step is to be timed inside of its commit.</summary>
    public bool TimesStep(KnownCommand command) => IsAlone(command);

    public void BeginCommit()
    {
        if (_isOpen && _running is null) Close(null, default);
        _timedCount = 0;
        _timedTicks = 0;
        _nextTimed = 0;
        t_committing = this;
        _commitAt = time.GetTimestamp();
    }

    /// <summary>The commit is over; every step is told of next (<see cref="CountStep"/>), in order.</summary>
    public void EndCommit(int steps)
    {
        var now = time.GetTimestamp();
        t_committing = null;
        var ticks = now - _commitAt;
        StepShare = Math.Max(0, ticks - _timedTicks) / Math.Max(steps, 1);
        Rates.Look(now, _calls, _inputBytes, _outputBytes);
        if (ticks >= statistics.SlowTicks) statistics.TellSlowCommit(ticks);
    }

    /// <summary>What each step took of the commit that is over.</summary>
    public long StepShare { get; private set; }

    /// <summary>A step of the commit that is over was answered.</summary>
    public void CountStep(RespClient client, KnownCommand command, StepBatch batch, int step, ReadOnlySpan<byte> reply)
    {
        var ticks = StepShare;
        while (_nextTimed < _timedCount && _timedSteps[_nextTimed].Step < step) _nextTimed++;
        if (_nextTimed < _timedCount && _timedSteps[_nextTimed].Step == step) ticks += _timedSteps[_nextTimed].Ticks;
        CountElsewhere(client, command, batch.ValueOf(step), ticks, reply);
    }

    /// <summary>A step is run and timed, in the commit of the loop on whose thread this is.</summary>
    /// <returns>What <see cref="EndStep"/> is told.</returns>
    public static long BeginStep() => t_committing is { } meter ? meter.Now : 0;

    /// <param name="step">Of its batch.</param>
    /// <param name="began">What <see cref="BeginStep"/> said.</param>
    public static void EndStep(int step, long began)
    {
        if (t_committing is not { } meter) return;
        // A batch for which there was no room is decided again.
        while (meter._timedCount > 0 && meter._timedSteps[meter._timedCount - 1].Step >= step)
            meter._timedTicks -= meter._timedSteps[--meter._timedCount].Ticks;
        if (meter._timedCount == meter._timedSteps.Length) Array.Resize(ref meter._timedSteps, 2 * meter._timedCount);
        var ticks = meter.Now - began;
        meter._timedSteps[meter._timedCount++] = (step, ticks);
        meter._timedTicks += ticks;
    }

    /// <summary>The clock, for those who measure something themselves.</summary>
    public long Now => time.GetTimestamp();

    // ------------------------------------------------------------------------------------------------ counting

    void Fail(KnownCommand command, ReadOnlySpan<byte> reply)
    {
        if (reply.IsEmpty || reply[0] != '-') return;
        MeterOf(command).Failed++;
        CountError(reply);
    }

    void Count(KnownCommand command, long ticks)
    {
        var meter = MeterOf(command);
        meter.Calls++;
        meter.Ticks += ticks;
        meter.Latency.Record((long)(ticks * _nanosecondsPerTick));
        _calls++;
    }

    CommandMeter MeterOf(KnownCommand command) => _commands[command.Number] ?? NewMeter(command.Number);

    CommandMeter NewMeter(int number)
    {
        var meter = new CommandMeter();
        Volatile.Write(ref _commands[number], meter);
        return meter;
    }
}

/// <summary>How often an error was answered, by its first word.</summary>
sealed class ErrorCount(byte[] code)
{
    public byte[] Code => code;

    public long Count;

    public string Name => Encoding.Latin1.GetString(code);
}
