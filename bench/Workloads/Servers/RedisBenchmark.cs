using System.Diagnostics;
using System.Globalization;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Servers;

/// <summary>One run of redis-benchmark against a server: its own rate and latencies, and the server's CPU.</summary>
/// <param name="Microseconds">Wall time per request: a million over the rate.</param>
/// <param name="Cpu">Server CPU per request, in microseconds.</param>
/// <param name="P99">In milliseconds.</param>
sealed record BenchmarkReading(double Microseconds, double Cpu, double P99)
{
    public const int Connections = 50;
    public const int Keys = 100_000;

    /// <param name="test">As redis-benchmark names it; or whole commands, words apart by blanks.</param>
    /// <param name="requests">How many.</param>
    public static BenchmarkReading Take(ServerProcess server, string test, int pipeline, long requests, long keys = Keys, bool isCommand = false)
    {
        string[] arguments = [
            "-h", "127.0.0.1", "-p", Text(server.Port), "-c", Text(Connections), "-d", "64", "-P", Text(pipeline),
            "-n", Text(requests), "-r", Text(keys), "--csv",
            .. isCommand ? test.Split(' ') : (string[])["-t", test]];
        var before = server.CpuSeconds;
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var cpu = server.CpuSeconds - before;
        // "test","rps","avg","min","p50","p95","p99","max"
        var row = output.Split('\n').Select(l => l.Split(',')).FirstOrDefault(f => f.Length == 8 && f[1] != "\"rps\"")
            ?? throw new BenchException($"redis-benchmark {test} on {server.Kind.Name}: {output.Trim()}");
        return new BenchmarkReading(1e6 / Figure(row[1]), cpu * 1e6 / requests, Figure(row[6]));
    }

    static Process Start(string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("redis-benchmark", arguments) { RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new BenchException($"redis-benchmark cannot be started: {missing.Message}");
        }
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    static double Figure(string quoted) => double.Parse(quoted.Trim('"'), CultureInfo.InvariantCulture);
}
