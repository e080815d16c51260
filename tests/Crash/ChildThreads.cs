// ChildThreads: the threads of a child that waits to be killed: one a writer, and what goes on beside them. A failure in any ends the process with
// code 3 at once, and its text goes to the parent, who tells it from a kill.

namespace Aevum.Crash;

static class ChildThreads
{
    const int FailureCode = 3;

    /// <summary>Starts them and waits for their end, which only a failure brings.</summary>
    public static int Run(Tally tally, Action<int> write, params Action[] beside)
    {
        var bodies = beside.Concat(Enumerable.Range(0, Workload.Writers).Select(writer => (Action)(() => write(writer))));
        var threads = bodies.Select(body => new Thread(() => Guard(body))).ToArray();
        tally.Phase = Phase.Writing;
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return FailureCode;
    }

    static void Guard(Action body)
    {
        try
        {
            body();
        }
        catch (Exception failure)
        {
            Console.Error.WriteLine(failure);
            Console.Error.Flush();
            Environment.Exit(FailureCode);
        }
    }
}
