using System.Diagnostics;
using Aevum.Testing;

namespace Aevum.Protocols.Tests;

/// <summary>A client of Redis as people use it: its program or language, its script, and whether this machine has it.</summary>
sealed class Client
{
    Client(string name, string script, string? program, string? missing) =>
        (Folder, ScriptPath, Program, Missing) = (FolderOf(name), Path.Combine(FolderOf(name), script), program, program is null ? missing : null);

    public string Folder { get; }

    public string ScriptPath { get; }

    /// <summary>What runs the script; null where something is missing.</summary>
    public string? Program { get; }

    /// <summary>What this machine lacks; null if nothing.</summary>
    public string? Missing { get; }

    /// <exception cref="ArgumentException">There is no client of that name.</exception>
    public static Client Of(string name) => name switch
    {
        "redis-cli" => new(name, "checks.sh", Find("redis-cli") is null ? null : Find("bash"), "redis-cli is not installed"),
        "redis-py" => new(name, "checks.py", Pythons().FirstOrDefault(HasRedisModule), "no python3 with the module redis (Debian: python3-redis)"),
        "ioredis" => new(name, "checks.js", NodeWith(name, "ioredis"), "node is not installed, or ioredis not fetched (./dev setup tests)"),
        "node-redis" => new(name, "checks.js", NodeWith(name, "redis"), "node is not installed, or node-redis not fetched (./dev setup tests)"),
        _ => throw new ArgumentException($"no client is called {name}", nameof(name)),
    };

    static string FolderOf(string name) => Path.Combine(TestFolders.Repository, "tests", "Protocols", "Clients", name);

    static string? NodeWith(string name, string package) =>
        File.Exists(Path.Combine(FolderOf(name), "node_modules", package, "package.json")) ? Find("node") : null;

    // The first on the path may be another than the system's, which is the one that a Debian package serves.
    static IEnumerable<string> Pythons() => new[] { Find("python3"), "/usr/bin/python3" }.OfType<string>().Where(File.Exists).Distinct();

    static bool HasRedisModule(string python)
    {
        var start = new ProcessStartInfo(python, ["-c", "import redis"]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

/// <summary>A fact that is skipped, with the reason, where the client is missing.</summary>
sealed class FactForClientAttribute : FactAttribute
{
    public FactForClientAttribute(string name) => Skip = Client.Of(Name = name).Missing;

    public string Name { get; }
}
