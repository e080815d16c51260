// Meter: CPU time of the whole process (user and system, all its threads, flush and compaction included) and wall time beside it.
//
// Environment.CpuUsage comes from getrusage and counts microseconds; Process.TotalProcessorTime would count 10 ms ticks.

using System.Diagnostics;

namespace Aevum.Bench.Workloads.Loops;

/// <summary>What a stretch of work took, in nanoseconds.</summary>
readonly record struct Cost(double CpuNs, double WallNs)
{
    public static Cost operator +(Cost a, Cost b) => new(a.CpuNs + b.CpuNs, a.WallNs + b.WallNs);
}

readonly struct Meter
{
    readonly long _cpuTicks;
    readonly long _wall;

    Meter(long cpuTicks, long wall)
    {
        _cpuTicks = cpuTicks;
        _wall = wall;
    }

    public static Meter Start() => new(Environment.CpuUsage.TotalTime.Ticks, Stopwatch.GetTimestamp());

    public Cost Stop()
    {
        var cpu = (Environment.CpuUsage.TotalTime.Ticks - _cpuTicks) * 100.0;
        return new(cpu, Stopwatch.GetElapsedTime(_wall).Ticks * 100.0);
    }
}
