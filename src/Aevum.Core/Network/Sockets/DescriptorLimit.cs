// DescriptorLimit: how many descriptors connections may take. A few stay free: a process that has none left cannot even start a thread (the runtime wants
// a pipe for each), and ends where that fails.

using System.Runtime.InteropServices;

namespace Aevum.Core.Network;

static unsafe partial class DescriptorLimit
{
    const int KeptFree = 16;
    const int LinuxResource = 7, MacResource = 8;   // RLIMIT_NOFILE

    /// <summary>Descriptors from this number on are too many. No limit where the system has none that could be asked for.</summary>
    public static int OfConnections { get; } = Read();

    static int Read()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return int.MaxValue;
        try
        {
            var limit = stackalloc ulong[2];   // in force, and the most that may be asked for
            if (getrlimit(OperatingSystem.IsLinux() ? LinuxResource : MacResource, limit) != 0) return int.MaxValue;
            return limit[0] > int.MaxValue ? int.MaxValue : Math.Max((int)limit[0] - KeptFree, 1);
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            return int.MaxValue;
        }
    }

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* limit);
}
