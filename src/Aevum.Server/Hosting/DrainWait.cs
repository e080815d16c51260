using Aevum.Core.Scheduling;

namespace Aevum.Server.Hosting;

/// <summary>Waits, a limited time, for something that nobody announces.</summary>
sealed class DrainWait(IScheduler scheduler, TimeSpan max)
{
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    readonly long _began = scheduler.Time.GetTimestamp();

    /// <returns>False: the time was over first.</returns>
    public bool Until(Func<bool> condition)
    {
        var signal = scheduler.CreateSignal("drain");
        while (!condition())
        {
            if (scheduler.Time.GetElapsedTime(_began) >= max) return false;
            signal.WaitUntil(condition, s_look);
        }
        return true;
    }
}
