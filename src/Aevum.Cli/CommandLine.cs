// CommandLine: the tree of commands, and what happens to what goes wrong. Each command lives in a file of its own and brings its own
// description, arguments and action; here they are only listed.
//
// Always true: a failure of the world ends as one line on the error output that names what went wrong, and an exit code (ExitCodes); a stack
// trace is shown only where this program itself is at fault.

using System.CommandLine;
using Aevum.Cli.Backup;
using Aevum.Cli.Benching;
using Aevum.Cli.Checking;
using Aevum.Cli.Databases;
using Aevum.Cli.Demo;
using Aevum.Cli.Inspection;
using Aevum.Cli.Serving;
using Aevum.Cli.Services;
using Aevum.Cli.Shell;
using Aevum.Cli.Terminals;
using Aevum.Cli.Transfer;
using Aevum.Core.Errors;
using Aevum.Server.Hosting.Configuration;

namespace Aevum.Cli;

static class CommandLine
{
    public static int Run(string[] arguments, Terminal terminal)
    {
        var root = new RootCommand("Aevum: one database for the memory of AI agents and for real-time state.")
        {
            DemoCommand.Create(terminal),
            ServeCommand.Create(terminal),
            ConfigCommand.Create(terminal),
            ServiceCommand.Create(terminal),
            ShellCommand.Create(terminal),
            ImportCommand.Create(terminal),
            ExportCommand.Create(terminal),
            StatsCommand.Create(terminal),
            CheckCommand.Create(terminal),
            BackupCommand.Create(terminal),
            InspectCommand.Create(terminal),
            BenchCommand.Create(terminal),
        };
        try
        {
            var parsed = root.Parse(arguments);
            if (parsed.Errors.Count > 0)
            {
                var known = parsed.CommandResult.Command.Options.Select(o => o.Name).ToArray();
                foreach (var error in parsed.Errors)
                {
                    var word = Array.Find(
                        arguments, a => a.StartsWith("--", StringComparison.Ordinal) && error.Message.Contains($"'{a}'", StringComparison.Ordinal));
                    terminal.Fail(word is null ? error.Message : error.Message.TrimEnd('.') + ConfigValues.Nearest(word, known));
                }
                terminal.Error.WriteLine("'aevum --help' lists the commands, 'aevum COMMAND --help' what one of them takes.");
                return ExitCodes.Usage;
            }
            return parsed.Invoke(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false });
        }
        catch (AevumException failure)
        {
            terminal.Fail(failure.Message);
            return ExitCodes.CouldNotRun;
        }
        catch (Exception mistake)
        {
            terminal.Fail($"a mistake of this program: {mistake}");
            return ExitCodes.InternalError;
        }
    }
}
