// HardwareProfile: what the machine lets this process have, and what follows from it where nobody says otherwise.
//
//   cores      as the runtime counts them: affinity and a container's share of processors are seen
//   memory     of the machine, or less where a control group of Linux allows less: of the process' own group and of all above it (cgroup v2: memory.max,
//              docs.kernel.org/admin-guide/cgroup-v2; v1: memory.limit_in_bytes)
//   vectors    bits of the widest registers that the processor has and the runtime uses
//
//   caches take a quarter of the memory, what collects writes 1/32 of it but at most 64 MiB; one core is left to everything that serves no connection.

using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Server.Hosting;

/// <param name="Cores">At least 1.</param>
/// <param name="MemoryBytes">That this process may use.</param>
/// <param name="VectorBits">0: there are none.</param>
public sealed record HardwareProfile(int Cores, long MemoryBytes, int VectorBits)
{
    const long MiB = 1 << 20;

    /// <summary>One core, and so much memory that the rules give round numbers.</summary>
    public static HardwareProfile Smallest { get; } = new(1, 2048 * MiB, 0);

    /// <summary>Memory for blocks of tables.</summary>
    public long CacheBytes => Math.Max(8 * MiB, RoundDown(MemoryBytes / 4));

    /// <summary>Memory that collects writes.</summary>
    public long MemtableBytes => Math.Clamp(RoundDown(MemoryBytes / 32), 4 * MiB, 64 * MiB);

    /// <summary>Threads that serve connections.</summary>
    public int Loops => Math.Max(1, Cores - 1);

    /// <summary>The machine that this process runs on.</summary>
    /// <param name="files">Where Linux tells of control groups.</param>
    public static HardwareProfile Find(IFileSystem files)
    {
        // The runtime knows limits too, but where there is one tells of the share of it that its own heap may take.
        var memory = TotalBytes(files) ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        foreach (var path in LimitFiles(files))
            if (ReadText(files, path) is { } text && long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit > 0)
                memory = Math.Min(memory, limit);
        var bits = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;
        return new HardwareProfile(Math.Max(1, Environment.ProcessorCount), memory, bits);
    }

    public override string ToString()
    {
        var vectors = VectorBits == 0 ? "no vectors" : $"vectors of {VectorBits} bits";
        return string.Create(
            CultureInfo.InvariantCulture, $"{Cores} {(Cores == 1 ? "core" : "cores")}, {MemoryBytes / (double)(1 << 30):F1} GiB of memory, {vectors}");
    }

    static long RoundDown(long bytes) => bytes / MiB * MiB;

    // MemTotal:       8000000 kB
    static long? TotalBytes(IFileSystem files)
    {
        foreach (var line in (ReadText(files, "/proc/meminfo") ?? "").Split('\n'))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is ["MemTotal:", var number, "kB"] && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes))
                return kilobytes * 1024;
        }
        return null;
    }

    // 0::/system.slice/aevum.service       v2
    // 5:memory:/docker/0123                v1
    static IEnumerable<string> LimitFiles(IFileSystem files)
    {
        foreach (var line in (ReadText(files, "/proc/self/cgroup") ?? "").Split('\n'))
        {
            if (line.Split(':', 3) is not [var number, var controllers, var group]) continue;
            var isSecond = number == "0" && controllers.Length == 0;
            if (!isSecond && !controllers.Split(',').Contains("memory")) continue;
            var (root, name) = isSecond ? ("/sys/fs/cgroup", "memory.max") : ("/sys/fs/cgroup/memory", "memory.limit_in_bytes");
            // Of this group and of every one above it; inside of a container the path may be seen from outside, and then only the root is there.
            for (var at = group.TrimEnd('/'); ; at = at[..at.LastIndexOf('/')])
            {
                yield return $"{root}{at}/{name}";
                if (!at.Contains('/')) break;
            }
        }
    }

    // These files tell no length before they are read.
    static string? ReadText(IFileSystem files, string path)
    {
        try
        {
            if (!files.FileExists(path)) return null;
            using var file = files.OpenRead(path);
            var bytes = new byte[16 << 10];
            return Encoding.ASCII.GetString(bytes, 0, file.Read(0, bytes));
        }
        catch (AevumException)
        {
            return null;
        }
    }
}
