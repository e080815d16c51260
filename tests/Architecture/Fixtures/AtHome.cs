// Looks to the scan like the home of threads.

namespace Aevum.Core.Scheduling;

static class AtHome
{
    public static Thread Create() => new(() => Thread.Sleep(1));
}
