// Background: who does the steps of upkeep. With a scheduler a body of its own, and writers only where too many postings wait; without one the writers.

using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Postings;

public sealed partial class PostingIndex
{
    // Steps that a write does itself, where nobody else does; and above how many that wait it does one all the same.
    const int StepsPerWrite = 2;
    const int WaitingMax = 64;

    BackgroundTask? _upkeep;
    Signal? _work;

    /// <summary>Waits until no posting waits to be tended, or does the steps where there is no scheduler.</summary>
    public void WaitForUpkeep()
    {
        if (_work is null) RunUpkeep();
        else _work.WaitUntil(() => WaitingCount == 0);
    }

    void BeginUpkeep(IScheduler scheduler)
    {
        var work = _work = scheduler.CreateSignal("postings");
        _upkeep = scheduler.Start("postings", WorkClass.Background, async cancelled =>
        {
            while (await work.WaitUntilAsync(() => cancelled.IsCancellationRequested || WaitingCount > 0) && !cancelled.IsCancellationRequested)
            {
                while (!cancelled.IsCancellationRequested && Step()) await scheduler.Yield();
                work.Raise();
            }
        });
    }

    void EndUpkeep()
    {
        _upkeep?.Cancel();
        _upkeep?.Wait();
        _upkeep = null;
    }

    void Help()
    {
        if (_upkeep is null)
        {
            RunUpkeep(StepsPerWrite);
            return;
        }
        if (WaitingCount > 0) _work!.Raise();
        if (WaitingCount > WaitingMax) Step();
    }
}
