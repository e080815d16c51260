// What Linux knows about this process. Read outside the timed parts only.

using System.Globalization;

namespace Aevum.Bench.Workloads.Engines;

static class ProcessCounters
{
    /// <summary>Bytes handed to write() and its kin by all threads so far, ended ones too. Stores into mapped files do not count.</summary>
    public static long BytesWrittenByCalls() => Field("/proc/self/io", "wchar:");

    /// <summary>Anonymous resident memory (heap, arenas; not mapped files) of a process in bytes; 0 when it has ended.</summary>
    public static long AnonymousBytes(int processId)
    {
        try
        {
            return Field($"/proc/{processId}/status", "RssAnon:") * 1024;
        }
        catch (Exception e) when (e is IOException or BenchException)
        {
            return 0;
        }
    }

    static long Field(string path, string name)
    {
        foreach (var line in File.ReadLines(path))
            if (line.StartsWith(name, StringComparison.Ordinal))
                return long.Parse(line.AsSpan(name.Length).Trim().ToString().Split(' ')[0], CultureInfo.InvariantCulture);
        throw new BenchException($"{path} has no field {name}");
    }
}
