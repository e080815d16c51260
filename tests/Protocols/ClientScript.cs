// ClientScript: a script in a client's own language, run against a server, and what it said.
//
//   script -> "ok TOPIC: WHAT" | "failed TOPIC: WHAT: WHY"     one line a check
//   script -> "restart"      harness -> "restarted"            the server is another process now, at the same address
//   script -> "end COUNT"                                      how many checks it ran: a script that dies early is no success
//
// Anything else it prints is kept to be shown when something failed.

using System.Diagnostics;
using System.Globalization;

namespace Aevum.Protocols.Tests;

/// <param name="Passed">Checks that held, as "TOPIC: WHAT".</param>
/// <param name="Failed">Checks that did not, with the reason.</param>
/// <param name="Told">How many checks the script says it ran; null: it did not come to its end.</param>
/// <param name="ExitCode">Of the script's process.</param>
/// <param name="Rest">What else it printed, on either stream.</param>
sealed record ClientScript(IReadOnlyList<string> Passed, IReadOnlyList<string> Failed, int? Told, int ExitCode, string Rest)
{
    // Far beyond what any script needs: only so that one that hangs is told from one that fails.
    static readonly TimeSpan s_runMax = TimeSpan.FromMinutes(3);

    /// <summary>Runs a script to its end; its arguments are the host and the port.</summary>
    public static ClientScript Run(Client client, RestartedServer server)
    {
        var passed = new List<string>();
        var failed = new List<string>();
        var rest = new List<string>();
        int? told = null;

        string[] arguments = [client.ScriptPath, "127.0.0.1", server.Port.ToString(CultureInfo.InvariantCulture)];
        var start = new ProcessStartInfo(client.Program!, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = client.Folder,
        };
        using var process = new Process { StartInfo = start };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null) return;
            lock (rest) rest.Add(line.Data);
        };
        process.Start();
        process.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(s_runMax);
        using var ending = limit.Token.Register(() => process.Kill(entireProcessTree: true));

        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith("ok ", StringComparison.Ordinal)) passed.Add(line[3..]);
            else if (line.StartsWith("failed ", StringComparison.Ordinal)) failed.Add(line[7..]);
            else if (line.StartsWith("end ", StringComparison.Ordinal)) told = int.Parse(line.AsSpan(4), CultureInfo.InvariantCulture);
            else if (line == "restart")
            {
                server.Restart();
                process.StandardInput.WriteLine("restarted");
                process.StandardInput.Flush();
            }
            else
            {
                lock (rest) rest.Add(line);
            }
        }
        process.WaitForExit();
        lock (rest) return new ClientScript(passed, failed, told, process.ExitCode, string.Join('\n', rest));
    }

    /// <summary>What is wrong with the run; empty if nothing is.</summary>
    public IEnumerable<string> Complaints()
    {
        foreach (var failure in Failed) yield return failure;
        if (Told is null) yield return $"the script ended with code {ExitCode} before it came to its end";
        else if (Told != Passed.Count + Failed.Count) yield return $"the script tells of {Told} checks, and {Passed.Count + Failed.Count} were seen";
        else if (ExitCode != (Failed.Count == 0 ? 0 : 1)) yield return $"the script ended with code {ExitCode}";
        foreach (var twice in Passed.GroupBy(name => name).Where(g => g.Count() > 1)) yield return $"{twice.Key}: stands there twice";
        var topics = Passed.Concat(Failed).Select(line => line.Split(": ")[0]).ToHashSet();
        foreach (var topic in Topics.Except(topics)) yield return $"{topic}: no check of it ran";
        foreach (var topic in topics.Except(Topics)) yield return $"{topic}: no topic of that name (ClientScript.Topics)";
    }

    /// <summary>What each script has at least one check of.</summary>
    public static IReadOnlyList<string> Topics { get; } =
    [
        "connect", "protocol", "access", "strings", "hashes", "lists", "blocking", "sets", "sorted sets", "streams", "transactions", "pipelines", "pubsub",
        "scan", "expiry", "caching", "errors", "cluster", "history", "vectors", "restart",
    ];
}
