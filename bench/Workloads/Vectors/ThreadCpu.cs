using System.Runtime.InteropServices;

namespace Aevum.Bench.Workloads.Vectors;

/// <summary>CPU time of the calling thread alone: the JIT's own threads and the collector are not in it.</summary>
static unsafe class ThreadCpu
{
    const int ThreadClock = 3;   // CLOCK_THREAD_CPUTIME_ID of Linux

    public static double Seconds
    {
        get
        {
            Span<long> time = stackalloc long[2];
            fixed (long* t = time)
                if (GetTime(ThreadClock, t) != 0) throw new InvalidOperationException("the thread's CPU clock cannot be read");
            return time[0] + (time[1] * 1e-9);
        }
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    static extern int GetTime(int clock, long* time);
}
