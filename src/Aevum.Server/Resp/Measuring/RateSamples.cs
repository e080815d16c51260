namespace Aevum.Server.Resp.Measuring;

/// <summary>How fast things go now: a ring of what was counted at moments a tenth of a second apart, about the last 1.6 seconds. Nothing wakes up for it:
/// a moment is taken when something happens, and whoever asks looks at what came since the oldest one that is young enough. One writer.</summary>
sealed class RateSamples(long ticksPerSecond)
{
    const int Samples = 17;

    readonly (long At, long Calls, long Input, long Output)[] _ring = new (long, long, long, long)[Samples];
    readonly long _interval = ticksPerSecond / 10;
    readonly long _window = ticksPerSecond * 16 / 10;
    long _next;
    long _taken;

    /// <summary>Takes a moment, if it is time for one. By the writer.</summary>
    public void Look(long now, long calls, long input, long output)
    {
        if (now < _next) return;
        _next = now + _interval;
        _ring[_taken % Samples] = (now, calls, input, output);
        Volatile.Write(ref _taken, _taken + 1);
    }

    /// <summary>By anybody. Told, not relied on: a moment that is being taken meanwhile may be seen in half.</summary>
    public (double Calls, double Input, double Output) PerSecond(long now, long calls, long input, long output)
    {
        var taken = Volatile.Read(ref _taken);
        for (var i = Math.Max(0, taken - Samples + 1); i < taken; i++)
        {
            var (at, callsThen, inputThen, outputThen) = _ring[i % Samples];
            if (now - at > _window || now <= at) continue;
            // A moment that is very young says little: then the rate is over a tenth of a second at least.
            var seconds = (double)Math.Max(now - at, _interval) / ticksPerSecond;
            return (Math.Max(0, calls - callsThen) / seconds, Math.Max(0, input - inputThen) / seconds, Math.Max(0, output - outputThen) / seconds);
        }
        return default;
    }
}
