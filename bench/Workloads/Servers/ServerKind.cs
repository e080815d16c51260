// ServerKind: the servers that are measured, and how each is started so that it does the same as the others: no persistence for the peers (Redis with
// none, Garnet with none), the log on without waiting for the disk for ours, which promises more. Durable: all write a log and sync it each second.

using System.Diagnostics;
using System.Globalization;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Servers;

/// <summary>Where a server works.</summary>
/// <param name="HttpPort">Of what is told beside; not all have one.</param>
/// <param name="IsDurable">True: what is acknowledged reaches the disk within a second.</param>
sealed record ServerPlace(int Port, int HttpPort, string Directory, bool IsDurable);

sealed record ServerKind(string Name, Func<ServerPlace, (string Program, string[] Arguments)> Command, Func<string> Version)
{
    /// <summary>Says where the published program lies, if not in artifacts/.</summary>
    public const string ProgramVariable = "AEVUM_PROGRAM";

    static string Program => Environment.GetEnvironmentVariable(ProgramVariable) ?? Path.GetFullPath("artifacts/aevum");

    static string GarnetProgram => Path.GetFullPath("artifacts/tools/garnet-server");

    public static ServerKind Aevum { get; } = new("aevum", at => (Program,
        ["serve", "--data", at.Directory, "--resp", $"127.0.0.1:{at.Port}", "--http", $"127.0.0.1:{at.HttpPort}", "--sync", at.IsDurable ? "1s" : "os"]),
        () => FirstLine(Program, "--version"));

    public static ServerKind Redis { get; } = new("redis", at => ("redis-server",
        ["--port", Text(at.Port), "--bind", "127.0.0.1", "--dir", at.Directory, "--save", "",
            "--appendonly", at.IsDurable ? "yes" : "no", "--appendfsync", "everysec"]),
        () => FirstLine("redis-server", "--version"));

    public static ServerKind Garnet { get; } = new("garnet", at => (GarnetProgram,
        ["--port", Text(at.Port), "--bind", "127.0.0.1", "--checkpointdir", at.Directory]),
        () => File.Exists(GarnetProgram) ? "garnet-server " + FirstLine(GarnetProgram, "--version")
            : throw new BenchException("garnet-server is not installed"));

    /// <summary>The same with its vector sets.</summary>
    public static ServerKind GarnetVectors { get; } = new("garnet", at => (GarnetProgram,
        ["--port", Text(at.Port), "--bind", "127.0.0.1", "--checkpointdir", at.Directory, "--enable-vector-set-preview"]), Garnet.Version);

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    static string FirstLine(string program, string argument)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, [argument]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var line = process.StandardOutput.ReadLine() ?? "";
            process.WaitForExit();
            return line;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new BenchException($"{program} cannot be started: {missing.Message}");
        }
    }
}
