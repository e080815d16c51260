// Machine: what the figures were taken on. A ratio without it is worth little, a figure nothing.

using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Bench.Workloads.Reporting;

static class Machine
{
    public static string Describe(string[] engines, string directory) => $"""
        machine  {CpuModel()}, {Environment.ProcessorCount} cores, {Memory()} GiB, {Simd()}
        system   {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}
        stores   in {directory} ({FileSystem(directory)})
        engines  {string.Join("; ", engines)}
        noise    {Load()}
        """;

    /// <summary>The load average tells whether others worked beside the run.</summary>
    public static string Load()
    {
        try
        {
            return "load average " + string.Join(" ", File.ReadAllText("/proc/loadavg").Split(' ').Take(3));
        }
        catch (IOException)
        {
            return "load average unknown";
        }
    }

    static string CpuModel()
    {
        try
        {
            var line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
            if (line is not null) return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (IOException)
        {
            // No /proc: the architecture is all we know.
        }
        return RuntimeInformation.ProcessArchitecture.ToString();
    }

    static string Memory() => $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30):F0}";

    static string Simd() =>
        $"Vector{(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128)} accelerated" +
        (Avx512BW.IsSupported ? ", AVX-512" : Avx2.IsSupported ? ", AVX2" : "") + (Sse42.IsSupported ? ", SSE4.2" : "");

    static string FileSystem(string directory)
    {
        try
        {
            return new DriveInfo(directory).DriveFormat;
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            return "unknown";
        }
    }
}
