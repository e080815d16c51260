// aevum-bench-workloads: end-to-end workloads beside peers, for figures that are read as ratios. bench/README.md says how and why.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Reporting;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;

const int UsageError = 64;

try
{
    switch (args)
    {
        case ["list"]:
            foreach (var known in Suite.All) Console.Write(SuiteList.Write(known));
            return 0;
        case ["run", ..]:
            return RunCommand.Run(RunOptions.Parse(args.AsSpan(1)));
        case ["plot", var name, var rows, var chart, .. var words]:
            var suite = Suite.All.FirstOrDefault(s => s.Name == name) ?? throw new BenchException($"there is no suite '{name}'");
            var results = File.ReadLines(rows).Select(line => JsonRow.Read(line, suite)).OfType<RowResult>().ToArray();
            File.WriteAllText(chart, RatioChart.Write(results, suite, string.Join('\n', words)));
            return 0;
        case ["child", var engine]:
            return ChildLoop.Run(engine, Console.In, Console.Out, Console.Error);
        default:
            Console.Error.WriteLine(RunOptions.Help);
            return UsageError;
    }
}
catch (BenchException e)
{
    Console.Error.WriteLine("aevum-bench-workloads: " + e.Message);
    return UsageError;
}
