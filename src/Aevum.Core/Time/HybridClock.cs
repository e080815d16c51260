// HybridClock: hands out system times, one per batch, each above every time it gave or saw before.
//
//   time       max(wall clock in microseconds, counter 0;  the last time plus one). The plus one carries from the counter into the
//              microseconds by itself, so a frozen or backward clock costs nothing but a lead over the wall (1,024 batches a microsecond).
//   wall       monotonic timestamp + offset. The offset is measured against the wall clock every AnchorInterval, so that a stamp reads one
//              clock and not two, and so that a step of the wall clock is seen as a change of the offset before it is followed. A measurement
//              says between which bounds the offset lies; one that lies there already stays: a thread that was stopped while it measured
//              does not put the clock back.
//   ceiling    no time above it is handed out. Its owner writes a ceiling to the log and only then raises it here, half a span ahead
//              of need; whoever takes over starts above the greatest ceiling in the log, so no time is ever used twice or out of order.
//
//   Running -> Jumped    [Anchor]        the offset grew by more than JumpBound: the wall clock went forward and time did not
//   Jumped -> Running    [Acknowledge]   somebody looked; whatever the wall clock shows then is followed
//   In Jumped nothing is handed out. A clock that goes back is no danger and changes no state.
//
// Always true: (1) times handed out rise strictly, across threads; (2) none is above Ceiling; (3) none is at or below an observed time.
//
// A machine that sleeps looks like a jump where the monotonic clock sleeps too (Linux): JumpBound says how long a sleep passes unasked.
// Not here: writing ceilings down (the log's owner), a jump while no process ran (nothing remembers the monotonic clock across restarts).
// Lamport clocks bound to physical time: Kulkarni and others, "Logical physical clocks", OPODIS 2014; the ceiling is ours.

using System.Diagnostics.CodeAnalysis;
using Aevum.Core.Errors;

namespace Aevum.Core.Time;

/// <summary>Why the clock hands out no time.</summary>
public enum ClockRefusal
{
    None = 0,

    /// <summary>The next time would be above <see cref="HybridClock.Ceiling"/>: log a higher one, raise it, ask again.</summary>
    CeilingReached = 1,

    /// <summary>The time that was asked for lies below one that was handed out or observed.</summary>
    TimePassed = 3,

    /// <summary>The wall clock jumped forward: somebody must look at it and call <see cref="HybridClock.Acknowledge"/>.</summary>
    ClockJumped = 2,
}

public sealed record HybridClockOptions
{
    public static HybridClockOptions Default { get; } = new();

    /// <summary>How far the wall clock may step forward and still be followed. At least zero.</summary>
    public TimeSpan JumpBound { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How far ahead of now <see cref="HybridClock.SuggestCeiling"/> lies. Longer: fewer renewals; shorter: after a crash the
    /// first times lie less ahead of the wall clock.</summary>
    public TimeSpan CeilingSpan { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the wall clock is read anew. Between two reads a step of the wall clock is not seen.</summary>
    public TimeSpan AnchorInterval { get; init; } = TimeSpan.FromMilliseconds(10);
}

public sealed class HybridClock
{
    // What a suggested ceiling leaves above the last time even if that runs ahead of the wall clock: room for ten million batches.
    const ulong RoomMin = 10_000UL << SystemTime.CounterBits;
    const long MicrosecondsMax = (long)SystemTime.MicrosecondsMax;

    readonly TimeProvider _time;
    readonly HybridClockOptions _options;
    readonly Lock _anchorGate = new();
    readonly long _startTicks;
    readonly long _ticksPerSecond;
    readonly long _ticksPerMicrosecond;   // 0 if a microsecond is no whole number of ticks
    readonly long _anchorIntervalTicks;

    long _offset;          // wall microseconds minus monotonic microseconds
    long _anchorNextTicks;
    long _jump;            // microseconds by which the wall clock jumped; 0 while Running
    ulong _last;
    ulong _ceiling;
    ulong _renewAt;

    /// <param name="time">Both its clocks are read: an override of one must override the other.</param>
    /// <param name="startAbove">The greatest ceiling and the greatest time found in the log. It is also the first <see cref="Ceiling"/>:
    /// nothing is handed out before <see cref="RaiseCeiling"/>.</param>
    /// <param name="options">Null for <see cref="HybridClockOptions.Default"/>.</param>
    public HybridClock(TimeProvider time, SystemTime startAbove, HybridClockOptions? options = null)
    {
        _time = time;
        _options = options ?? HybridClockOptions.Default;
        if (_options.JumpBound < TimeSpan.Zero) Throw.Invalid("the clock's jump bound is negative");
        if (_options.CeilingSpan <= TimeSpan.Zero) Throw.Invalid("the clock's ceiling span is not positive");
        if (_options.AnchorInterval < TimeSpan.Zero) Throw.Invalid("the clock's anchor interval is negative");
        RequireUsable(startAbove);
        _ticksPerSecond = time.TimestampFrequency;
        _ticksPerMicrosecond = _ticksPerSecond % 1_000_000 == 0 ? _ticksPerSecond / 1_000_000 : 0;
        _anchorIntervalTicks = (long)(_options.AnchorInterval.TotalSeconds * _ticksPerSecond);
        _startTicks = time.GetTimestamp();
        _last = _ceiling = _renewAt = startAbove.Value;
        _offset = MeasureOffset(out _, out var ticks);
        _anchorNextTicks = ticks + _anchorIntervalTicks;
    }

    /// <summary>The greatest time handed out or observed.</summary>
    public SystemTime Latest => new(Volatile.Read(ref _last));

    /// <summary>The greatest time that may be handed out.</summary>
    public SystemTime Ceiling => new(Volatile.Read(ref _ceiling));

    /// <summary>True from half of the way between the last <see cref="RaiseCeiling"/> and its ceiling on. Cheap: ask after each
    /// batch.</summary>
    public bool CeilingNeedsRenewal => Volatile.Read(ref _last) >= Volatile.Read(ref _renewAt);

    /// <summary>By how much the wall clock jumped forward, while that stops this clock; else zero.</summary>
    public TimeSpan Jump => TimeSpan.FromMicroseconds(Volatile.Read(ref _jump));

    /// <summary>Where the clock stands, without taking a time: the wall clock as far as it is followed, or <see cref="Latest"/>
    /// if that is greater. A read of a later moment asks for the future.</summary>
    public SystemTime Now => new(Math.Max(ReadWall(), Volatile.Read(ref _last)));

    /// <summary>A time above every earlier one.</summary>
    /// <exception cref="AevumException">ClockJump or CeilingReached, where
    /// <see cref="TryNext(out SystemTime, out ClockRefusal)"/> returns false.</exception>
    public SystemTime Next()
    {
        if (!TryNext(out var time, out var refusal)) ThrowRefused(refusal);
        return time;
    }

    /// <summary>A time above every earlier one, or the reason why there is none. Any thread may ask.</summary>
    public bool TryNext(out SystemTime time, out ClockRefusal refusal)
    {
        var wall = ReadWall();
        time = SystemTime.None;
        if (Volatile.Read(ref _jump) != 0)
        {
            refusal = ClockRefusal.ClockJumped;
            return false;
        }
        var last = Volatile.Read(ref _last);
        while (true)
        {
            var next = Math.Max(wall, last + 1);
            if (next > Volatile.Read(ref _ceiling))
            {
                refusal = ClockRefusal.CeilingReached;
                return false;
            }
            var seen = Interlocked.CompareExchange(ref _last, next, last);
            if (seen == last)
            {
                time = new SystemTime(next);
                refusal = ClockRefusal.None;
                return true;
            }
            last = seen;
        }
    }

    /// <summary>As <see cref="TryNext(out SystemTime, out ClockRefusal)"/>, for callers that need no reason.</summary>
    public bool TryNext(out SystemTime time) => TryNext(out time, out _);

    /// <summary>Takes a certain time, for a commit that was made elsewhere. It may be the one taken last: whose batch it was is the caller's
    /// affair.</summary>
    public bool TryTake(SystemTime at, out ClockRefusal refusal)
    {
        var last = Volatile.Read(ref _last);
        while (true)
        {
            refusal = at.Value < last ? ClockRefusal.TimePassed : at > Ceiling ? ClockRefusal.CeilingReached : ClockRefusal.None;
            if (refusal != ClockRefusal.None) return false;
            var seen = Interlocked.CompareExchange(ref _last, at.Value, last);
            if (seen == last) return true;
            last = seen;
        }
    }

    /// <summary>Takes note of a time used elsewhere (a batch of another shard, a replayed log, a read at a moment): all later ones lie
    /// above it.</summary>
    /// <remarks>It may lie above the ceiling; then nothing is handed out until the ceiling is raised above it.</remarks>
    public void Observe(SystemTime seen)
    {
        RequireUsable(seen);
        var last = Volatile.Read(ref _last);
        while (seen.Value > last)
        {
            var found = Interlocked.CompareExchange(ref _last, seen.Value, last);
            if (found == last) return;
            last = found;
        }
    }

    /// <summary>A ceiling worth logging now: a span above the wall clock, and above <see cref="Latest"/> in any case.</summary>
    public SystemTime SuggestCeiling()
    {
        var span = (ulong)Math.Min(_options.CeilingSpan.TotalMicroseconds, MicrosecondsMax) << SystemTime.CounterBits;
        var suggested = Math.Max(ReadWall() + span, Volatile.Read(ref _last) + RoomMin);
        return new(Math.Min(suggested, SystemTime.Max.Value - 1));
    }

    /// <summary>Allows times up to <paramref name="ceiling"/>, which must be in the log, as durable as the batches that will use it.
    /// A ceiling below the present one changes nothing.</summary>
    public void RaiseCeiling(SystemTime ceiling)
    {
        RequireUsable(ceiling);
        lock (_anchorGate)
        {
            if (ceiling.Value <= _ceiling) return;
            var now = Now.Value;
            Volatile.Write(ref _renewAt, ceiling.Value > now ? now + ((ceiling.Value - now) / 2) : ceiling.Value);
            Volatile.Write(ref _ceiling, ceiling.Value);
        }
    }

    /// <summary>Ends a stop after a jump: the wall clock is right, or has been set right. From here on it is followed again.</summary>
    public void Acknowledge()
    {
        lock (_anchorGate)
        {
            Volatile.Write(ref _offset, MeasureOffset(out _, out var ticks));
            Volatile.Write(ref _anchorNextTicks, ticks + _anchorIntervalTicks);
            Volatile.Write(ref _jump, 0);
        }
    }

    // The wall clock as a time with counter 0, as far as it is followed.
    ulong ReadWall()
    {
        var ticks = _time.GetTimestamp();
        if (ticks >= Volatile.Read(ref _anchorNextTicks)) Anchor();
        var microseconds = Math.Clamp(ElapsedMicroseconds(ticks) + Volatile.Read(ref _offset), 0, MicrosecondsMax);
        return (ulong)microseconds << SystemTime.CounterBits;
    }

    void Anchor()
    {
        // Whoever comes second goes on with the offset there is: it is at worst one interval old.
        if (!_anchorGate.TryEnter()) return;
        try
        {
            var offset = MeasureOffset(out var greatest, out var ticks);
            if (_offset >= offset && _offset <= greatest) offset = _offset;
            var stepped = offset - _offset;
            if (stepped > _options.JumpBound.TotalMicroseconds) Volatile.Write(ref _jump, stepped);
            else Volatile.Write(ref _offset, offset);
            Volatile.Write(ref _anchorNextTicks, ticks + _anchorIntervalTicks);
        }
        finally
        {
            _anchorGate.Exit();
        }
    }

    // The monotonic clock is read before and after the wall clock. What is returned is by the second read: a thread that is stopped in between finds the
    // wall too early, never too late.
    long MeasureOffset(out long greatest, out long ticks)
    {
        var before = _time.GetTimestamp();
        var wall = (_time.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
        ticks = _time.GetTimestamp();
        greatest = wall - ElapsedMicroseconds(before) + 1;   // both are cut to whole microseconds
        return wall - ElapsedMicroseconds(ticks);
    }

    long ElapsedMicroseconds(long ticks)
    {
        var elapsed = ticks - _startTicks;
        if (_ticksPerMicrosecond != 0) return elapsed / _ticksPerMicrosecond;
        var (seconds, rest) = Math.DivRem(elapsed, _ticksPerSecond);
        return (seconds * 1_000_000) + (rest * 1_000_000 / _ticksPerSecond);
    }

    static void RequireUsable(SystemTime time)
    {
        if (time >= SystemTime.Max) Throw.Invalid($"system time {time} cannot be used: it is at or above the greatest time");
    }

    [DoesNotReturn]
    void ThrowRefused(ClockRefusal refusal) => throw (refusal == ClockRefusal.ClockJumped
        ? new AevumException(ErrorCode.ClockJump,
            $"the wall clock jumped forward by {Jump}, more than {_options.JumpBound}; no batch is stamped until this is acknowledged")
        : new AevumException(ErrorCode.CeilingReached, $"no system time is left between {Latest} and the ceiling {Ceiling}"));
}
