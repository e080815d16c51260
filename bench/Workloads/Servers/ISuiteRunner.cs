using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Servers;

/// <summary>Runs a suite that is not about stores in children of this program: servers, each in a process of its own.</summary>
interface ISuiteRunner
{
    /// <summary>What is measured, with versions.</summary>
    /// <exception cref="BenchException">Something that every row needs is not installed.</exception>
    string[] Versions(RunOptions options);

    /// <param name="directory">Exists; emptied by the caller.</param>
    IEnumerable<RowResult> Run(RunOptions options, string directory, TextWriter progress);
}
