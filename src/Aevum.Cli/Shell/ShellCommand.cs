// ShellCommand: aevum shell DIR: reads commands, one a line, and runs them on a database; with --connect on a server.
//
// From a terminal it prompts and ends well whatever was typed. From a pipe it says nothing of its own, goes on after a command that failed, and ends
// with exit code 1 if one did.

using System.CommandLine;
using Aevum.Cli.Connecting;
using Aevum.Cli.Databases;
using Aevum.Cli.Editing;
using Aevum.Cli.Terminals;

namespace Aevum.Cli.Shell;

static class ShellCommand
{
    public static Command Create(Terminal terminal)
    {
        var directory = new Argument<string?>("DIR") { Description = "The database's directory.", Arity = ArgumentArity.ZeroOrOne };
        var connect = new ConnectFlags();
        var create = new Option<bool>("--create") { Description = "Make a new database if there is none." };
        var tenant = new Option<string?>("--namespace") { Description = "The namespace to work in." };
        var json = new Option<bool>("--json") { Description = "Answer in JSON, one object a line." };
        var yes = new Option<bool>("--yes") { Description = "Do not ask before keys or keyspaces are deleted." };
        var command = new Command("shell", "Read and write keys of a database; type 'help' in it. Reads commands from a pipe too.")
        {
            directory, create, tenant, json, yes,
        };
        connect.AddTo(command);
        command.SetAction(parsed =>
        {
            if (connect.Read(parsed) is { } server)
            {
                if (parsed.GetValue(directory) is not null) return Misused(terminal, "say DIR or --connect, not both");
                var bytes = terminal.IsInputInteractive ? null : terminal.OpenBytesOut?.Invoke();
                using var connected = new ConnectedShell(terminal, server, parsed.GetValue(json), bytes);
                connected.Connect();
                return RunConnected(terminal, connected);
            }
            if (parsed.GetValue(directory) is null) return Misused(terminal, "say what to work on: DIR, or --connect HOST:PORT");
            using var opened = OpenedDatabase.Open(parsed.GetValue(directory)!, parsed.GetValue(create), parsed.GetValue(tenant));
            if (terminal.IsInputInteractive) terminal.Out.WriteLine($"{parsed.GetValue(directory)} is open; 'help' lists the commands.");
            using var session = new ShellSession(opened, terminal, parsed.GetValue(json), parsed.GetValue(yes));
            return Run(terminal, session);
        });
        return command;
    }

    static int Misused(Terminal terminal, string why)
    {
        terminal.Fail(why);
        return ExitCodes.Usage;
    }

    static int RunConnected(Terminal terminal, ConnectedShell shell)
    {
        var failed = false;
        var reader = terminal.ReadKey is null ? null
            : new LineReader(terminal, new LineHistory(LineHistory.PathFor(Environment.GetEnvironmentVariable)), shell.Complete);
        while (!shell.IsOver)
        {
            if (ReadLine(terminal, reader, shell.Prompt) is not { } line) break;
            failed |= !shell.Run(line);
        }
        if (terminal.IsInputInteractive && !shell.IsOver) terminal.Out.WriteLine();
        return failed && !terminal.IsInputInteractive ? ExitCodes.Problems : ExitCodes.Done;
    }

    static string? ReadLine(Terminal terminal, LineReader? reader, string prompt)
    {
        terminal.Out.Flush();
        if (reader is not null) return reader.ReadLine(prompt);
        if (terminal.IsInputInteractive) terminal.Out.Write(prompt);
        terminal.Out.Flush();
        return terminal.In.ReadLine();
    }

    static int Run(Terminal terminal, ShellSession session)
    {
        var failed = false;
        var reader = terminal.ReadKey is null ? null : new LineReader(
            terminal, new LineHistory(LineHistory.PathFor(Environment.GetEnvironmentVariable)),
            (line, cursor) => ShellCompleter.Complete(session, line, cursor));
        while (!session.IsOver)
        {
            if (ReadLine(terminal, reader, session.Prompt) is not { } line) break;
            failed |= !session.Run(line);
        }
        // The end of input typed at a prompt leaves the cursor behind it.
        if (terminal.IsInputInteractive && !session.IsOver) terminal.Out.WriteLine();
        if (session.Transaction is not null)
            terminal.Error.WriteLine(terminal.Paint(Tone.Bad, "the transaction that was open is given up: nothing of it was written"));
        return (failed || session.Transaction is not null) && !terminal.IsInputInteractive ? ExitCodes.Problems : ExitCodes.Done;
    }
}
