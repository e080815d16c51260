// BannedCall: what has one home. Time, randomness, files, network and scheduling are injected, so that a simulation can own them and a
// failure replays from its seed; one direct call to the machine would break that for good. Each rule names what to use instead.
//
// To add a rule: a line in Rules, and a method that breaks it in Fixtures/Violations.cs.

namespace Aevum.Architecture.Tests;

/// <param name="Type">Full name of the type that must not be used.</param>
/// <param name="Members">Which members (properties as get_X, constructors as .ctor); none listed means all.</param>
/// <param name="Instead">What to use.</param>
/// <param name="Homes">Namespaces (with those below them) or assemblies that may.</param>
sealed record BannedCall(string Type, string[] Members, string Instead, string[] Homes)
{
    public static IReadOnlyList<BannedCall> Rules { get; } = [.. Scheduling(), .. Time(), .. Chance(), .. Files(), .. Outside()];

    public bool Matches(string type, string member) => Type == type && (Members.Length == 0 || Members.Contains(member));

    public bool IsAtHome(string assembly, string space) =>
        Homes.Any(h => h == assembly || space == h || space.StartsWith(h + ".", StringComparison.Ordinal));

    public override string ToString() => Members.Length == 0 ? Type : $"{Type}.{string.Join('/', Members)}";

    static IEnumerable<BannedCall> Scheduling()
    {
        string[] homes = ["Aevum.Core.Scheduling"];
        yield return new("System.Threading.Tasks.Task", ["Run"], "IScheduler.Start", homes);
        yield return new("System.Threading.Tasks.Task", ["Delay"], "IScheduler.Delay", homes);
        yield return new("System.Threading.Tasks.TaskFactory", ["StartNew"], "IScheduler.Start", homes);
        yield return new("System.Threading.Tasks.TaskFactory`1", ["StartNew"], "IScheduler.Start", homes);
        yield return new("System.Threading.Tasks.Parallel", [], "IScheduler.Start, one body a part", homes);
        yield return new("System.Threading.Thread", [".ctor"], "IScheduler.Start", homes);
        yield return new("System.Threading.Thread", ["Sleep"], "IScheduler.Delay, or Signal.WaitUntil with a timeout", homes);
        yield return new("System.Threading.ThreadPool", [], "IScheduler.Start", homes);
        yield return new("System.Threading.Timer", [], "IScheduler.Delay", homes);
        yield return new("System.Threading.PeriodicTimer", [], "a loop around IScheduler.Delay", homes);
        yield return new("System.Timers.Timer", [], "IScheduler.Delay", homes);
        yield return new("System.TimeProvider", ["CreateTimer"], "IScheduler.Delay", homes);
        yield return new("System.Threading.CancellationTokenSource", ["CancelAfter"], "IScheduler.Delay and then Cancel", homes);
    }

    static IEnumerable<BannedCall> Time()
    {
        string[] homes = ["Aevum.Core.Scheduling", "aevum"];
        const string wall = "IScheduler.Time.GetUtcNow";
        const string elapsed = "IScheduler.Time.GetTimestamp";
        yield return new("System.DateTime", ["get_Now", "get_UtcNow", "get_Today"], wall, homes);
        yield return new("System.DateTimeOffset", ["get_Now", "get_UtcNow"], wall, homes);
        yield return new("System.TimeProvider", ["get_System"], "IScheduler.Time", homes);
        yield return new("System.Diagnostics.Stopwatch", [], elapsed, homes);
        yield return new("System.Environment", ["get_TickCount", "get_TickCount64"], elapsed, homes);
    }

    static IEnumerable<BannedCall> Chance()
    {
        string[] homes = ["Aevum.Core.Scheduling"];
        const string seeded = "IScheduler.CreateRandom (a SeededRandom)";
        yield return new("System.Random", [], seeded, homes);
        yield return new("System.Guid", ["NewGuid", "CreateVersion7"], seeded, homes);
        yield return new("System.Security.Cryptography.RandomNumberGenerator", [], seeded, homes);
    }

    static IEnumerable<BannedCall> Files()
    {
        string[] homes = ["Aevum.Core.Files", "aevum"];
        foreach (var type in (string[])
        [
            "System.IO.File", "System.IO.Directory", "System.IO.FileStream", "System.IO.FileInfo", "System.IO.DirectoryInfo",
            "System.IO.DriveInfo", "System.IO.RandomAccess", "System.IO.FileSystemWatcher", "System.IO.StreamReader",
            "System.IO.StreamWriter", "System.IO.MemoryMappedFiles.MemoryMappedFile",
        ])
            yield return new(type, [], "IFileSystem", homes);
    }

    static IEnumerable<BannedCall> Outside()
    {
        string[] homes = ["Aevum.Core.Network"];
        // The shell that speaks to a server is a client, and no part of a database.
        yield return new("System.Net.Sockets.Socket", [], "the network seam of Core/Network", [.. homes, "Aevum.Cli.Connecting"]);
        yield return new("System.Net.Sockets.TcpClient", [], "the network seam of Core/Network", homes);
        yield return new("System.Net.Sockets.TcpListener", [], "the network seam of Core/Network", homes);
        yield return new("System.Net.Sockets.UdpClient", [], "the network seam of Core/Network", homes);
        yield return new("System.Console", [], "a return value or an exception with an ErrorCode; only the command line talks to a person", ["aevum"]);
        foreach (var type in (string[])["System.Runtime.InteropServices.NativeLibrary", NativeImport])
            yield return new(type, [], "managed code, or a call in Core/Files, Core/Network or Core/Scheduling with a managed fallback",
                ["Aevum.Core.Files", "Aevum.Core.Scheduling", .. homes]);
    }

    /// <summary>The name under which <see cref="CallScanner"/> reports a method that is declared here and lives in a native library.</summary>
    public const string NativeImport = "DllImport or LibraryImport";
}
