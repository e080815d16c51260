// DatabaseWatch: tells the log when work of the database that nobody waits for (flushes, compactions, syncs) begins to fail, when it fails for another
// reason, and when it goes on. Nobody is answered an error for it: writes go on until memory is full, and only then hear of it; that is late for a person.
//
// Always true: one line for each change, not for each try.

using Aevum.Core.Diagnostics;
using Aevum.Core.Scheduling;

namespace Aevum.Server.Hosting;

/// <param name="failure">Asked for what is wrong; null: nothing.</param>
sealed class DatabaseWatch(Func<Exception?> failure, ILog log)
{
    string? _told;

    /// <summary>Looks again and again until it is cancelled.</summary>
    public async Task RunAsync(IScheduler scheduler, TimeSpan every, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            await scheduler.Delay(every, cancellation);
            Look();
        }
    }

    public void Look()
    {
        var now = failure()?.Message;
        if (now == _told) return;
        if (now is not null) log.Write(LogLevel.Error, "background work of the database fails", ("why", now));
        else log.Write(LogLevel.Info, "background work of the database goes on");
        _told = now;
    }
}
