// DirectorySize: bytes a directory takes on disk, as du counts them: allocated blocks, so preallocated space counts and holes do not.

using System.Diagnostics;
using System.Globalization;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Storage;

static class DirectorySize
{
    public static long Allocated(string directory)
    {
        var start = new ProcessStartInfo("du", ["--summarize", "--block-size=1", directory]) { RedirectStandardOutput = true };
        using var du = Process.Start(start) ?? throw new BenchException("du cannot be started");
        var text = du.StandardOutput.ReadToEnd();
        du.WaitForExit();
        return long.TryParse(text.Split('\t')[0], CultureInfo.InvariantCulture, out var bytes)
            ? bytes
            : throw new BenchException($"du says \"{text}\" about {directory}");
    }
}
