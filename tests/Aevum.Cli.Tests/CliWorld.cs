// CliWorld: a folder of its own and the commands run in it, in this process or in one of their own. Commands are short, so tests look at whole
// outputs; times are replaced by <time>, as they differ from run to run.

using System.Diagnostics;
using System.Text.RegularExpressions;
using Aevum.Cli.Terminals;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

sealed record CliResult(int ExitCode, string Out, string Error)
{
    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

sealed partial class CliWorld : IDisposable
{
    public CliWorld()
    {
        Folder = Path.Combine(Path.GetTempPath(), "aevum-cli-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Folder);
    }

    public string Folder { get; }

    public static string DemoFolder { get; } = Path.Combine(TestFolders.Repository, "demo");

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>A command in this process; the input is not a terminal.</summary>
    public static CliResult Run(string input, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = CommandLine.Run(arguments, new Terminal(new StringReader(input), output, error));
        return new CliResult(code, output.ToString(), error.ToString());
    }

    /// <summary>The shell in this process, one line a command.</summary>
    public CliResult Shell(string store, params string[] lines) => Run(string.Join('\n', lines), "shell", PathOf(store));

    /// <summary>A new database with a few versions of a few keys, in tables and in the log.</summary>
    public string MakeStore(string name)
    {
        var made = Run("put a 1\nput b 2\nflush\nput a 3\ndelete b\nflush\nput c 4\n", "shell", PathOf(name), "--create");
        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        return PathOf(name);
    }

    /// <summary>The directory of the tree of a database that has one shard.</summary>
    public static string TreeOf(string store) => Path.Combine(store, "shards", "00000001");

    /// <summary>The program as a process of its own.</summary>
    public CliResult Start(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "aevum.dll"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new CliResult(process.ExitCode, output, error.GetAwaiter().GetResult());
    }

    public static string WithoutTimes(string text) => Time().Replace(text, "<time>");

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\+\d+")]
    private static partial Regex Time();
}
