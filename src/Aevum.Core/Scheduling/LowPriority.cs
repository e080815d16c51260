using System.Runtime.InteropServices;

namespace Aevum.Core.Scheduling;

/// <summary>Says to the operating system that a thread can wait: where processors are short, those who answer somebody come first. It still gets its share,
/// so what it does is late and not starved. Linux only; the runtime's own thread priorities do nothing there.</summary>
static partial class LowPriority
{
    // Against a thread of the usual priority on the same core it gets a quarter: a flush or a compaction that got nothing would stall writes in the end.
    const int Nice = 5;

    /// <summary>For the thread that calls, for ever.</summary>
    public static void Take()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            // Of a thread, not of the process: 0 is who calls. It fails where the process is nicer already; then that holds.
            _ = setpriority(0, 0, Nice);
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another C library.
        }
    }

    [LibraryImport("libc")]
    private static partial int setpriority(int which, uint who, int priority);
}
