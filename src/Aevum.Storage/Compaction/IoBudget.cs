// IoBudget: how many bytes a second compaction may move, shared by all trees of a process. A token bucket: tokens come with time, up to
// a quarter of a second's worth; who takes more than there is waits for the debt to be paid.

using Aevum.Core.Scheduling;

namespace Aevum.Storage.Compaction;

sealed class IoBudget(IScheduler scheduler, long bytesPerSecond)
{
    readonly Lock _gate = new();
    double _tokens = bytesPerSecond / 4.0;
    long _last = scheduler.Time.GetTimestamp();

    /// <summary>Takes bytes that were or will be moved, and returns when that much time has been paid for.</summary>
    public async Task TakeAsync(long bytes, CancellationToken cancellation)
    {
        if (bytesPerSecond <= 0) return;
        TimeSpan wait;
        lock (_gate)
        {
            var now = scheduler.Time.GetTimestamp();
            _tokens = Math.Min(bytesPerSecond / 4.0, _tokens + (scheduler.Time.GetElapsedTime(_last, now).TotalSeconds * bytesPerSecond));
            _last = now;
            _tokens -= bytes;
            wait = _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / bytesPerSecond);
        }
        if (wait > TimeSpan.Zero) await scheduler.Delay(wait, cancellation);
    }
}
