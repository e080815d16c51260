using System.CommandLine;
using Aevum.Cli.Stores;
using Aevum.Cli.Terminals;
using Aevum.Core.Time;

namespace Aevum.Cli.Shell;

/// <summary><c>aevum shell DIR</c>: reads commands, one a line, and runs them on a store.</summary>
/// <remarks>From a terminal it prompts and ends well whatever was typed. From a pipe it says nothing of its own, goes on after a command that
/// failed, and ends with exit code 1 if one did.</remarks>
static class ShellCommand
{
    public static Command Create(Terminal terminal)
    {
        var directory = new Argument<string>("DIR") { Description = "The store's directory." };
        var create = new Option<bool>("--create") { Description = "Make a new store if there is none." };
        var command = new Command("shell", "Read and write keys of a store; type 'help' in it. Reads commands from a pipe too.") { directory, create };
        command.SetAction(parsed => Run(terminal, parsed.GetValue(directory)!, parsed.GetValue(create)));
        return command;
    }

    static int Run(Terminal terminal, string directory, bool create)
    {
        using var store = Store.Open(directory, create);
        var session = new ShellSession(store, terminal);
        if (terminal.IsInputInteractive) Greet(store, terminal);
        var failed = false;
        while (!session.IsOver)
        {
            if (terminal.IsInputInteractive) terminal.Out.Write(session.Prompt);
            terminal.Out.Flush();
            var line = terminal.In.ReadLine();
            if (line is null) break;
            failed |= !session.Run(line);
        }
        // The end of input typed at a prompt leaves the cursor behind it.
        if (terminal.IsInputInteractive && !session.IsOver) terminal.Out.WriteLine();
        return failed && !terminal.IsInputInteractive ? ExitCodes.Problems : ExitCodes.Done;
    }

    static void Greet(Store store, Terminal terminal)
    {
        var recovery = store.Tree.Recovery;
        terminal.Out.WriteLine($"{store.Tree.Directory}, last written {SystemTimeText.ToRfc3339(store.Tree.AppliedTime)}; 'help' lists the commands.");
        if (recovery.LogBytesCut + recovery.ManifestBytesCut > 0)
            terminal.Out.WriteLine($"A process ended within a write: {recovery.LogBytesCut + recovery.ManifestBytesCut} unfinished bytes were cut.");
    }
}
