// ServiceCommand: aevum service install|status|uninstall|print: the server as a service of the machine or of one user.
//
// It writes one file and removes one file, after asking; what the manager is to do with it (enable, start) is printed and left to the person, for it may
// need rights that this process should not have.

using System.CommandLine;
using System.Diagnostics;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;

namespace Aevum.Cli.Services;

static class ServiceCommand
{
    public static Command Create(Terminal terminal)
    {
        return new Command("service", "Let the system start the server: systemd on Linux, launchd on macOS.")
        {
            Install(terminal), Status(terminal), Uninstall(terminal), Print(terminal),
        };
    }

    /// <summary>Options that say what the service runs.</summary>
    sealed class PlanOptions
    {
        readonly Option<string?> _data = new("--data") { Description = "The database's directory; else the system's place for it." };
        readonly Option<string> _resp = new("--resp")
        {
            Description = "Where Redis' protocol is spoken.", DefaultValueFactory = _ => "127.0.0.1:6379",
        };
        readonly Option<string?> _program = new("--program") { Description = "The program to run; else this one." };
        readonly Option<string> _root = new("--root")
        {
            Description = "Put the file below this directory: for those who make packages.", DefaultValueFactory = _ => "/",
        };
        readonly Option<string?> _runAs = new("--run-as")
        {
            Description = "The user in whose name a service of the machine runs; with --data else the one who asks, without it one of systemd's own making.",
        };
        readonly Option<bool> _user = new("--user") { Description = "A service of the user who runs this; else of the machine." };

        public Command AddTo(Command command)
        {
            foreach (var option in (Option[])[_data, _resp, _program, _user, _root, _runAs]) command.Add(option);
            return command;
        }

        public ServicePlan Read(ParseResult parsed) => new(
            Path.GetFullPath(parsed.GetValue(_program) ?? Environment.ProcessPath ?? "aevum"),
            parsed.GetValue(_data) is { } directory ? Path.GetFullPath(directory) : null,
            parsed.GetValue(_resp)!,
            parsed.GetValue(_user),
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
            parsed.GetValue(_root)!,
            parsed.GetValue(_runAs) ?? (parsed.GetValue(_data) is null ? null : Environment.UserName));
    }

    static Command Print(Terminal terminal)
    {
        var manager = new Argument<string>("MANAGER") { Description = "systemd or launchd." };
        manager.AcceptOnlyFromAmong("systemd", "launchd");
        var options = new PlanOptions();
        var command = options.AddTo(new Command("print", "Print the service's file, and change nothing.") { manager });
        command.SetAction(parsed =>
        {
            var plan = options.Read(parsed);
            terminal.Out.Write(parsed.GetValue(manager) == "systemd" ? SystemdUnit.Of(plan) : LaunchdPlist.Of(plan));
            return ExitCodes.Done;
        });
        return command;
    }

    static Command Install(Terminal terminal)
    {
        var options = new PlanOptions();
        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var dry = new Option<bool>("--dry-run") { Description = "Print what would be written where, and write nothing." };
        var command = options.AddTo(new Command("install", "Write the service's file, and tell how to start the service.") { yes, dry });
        command.SetAction(parsed =>
        {
            var plan = options.Read(parsed);
            var (path, text) = (PathOf(plan), TextOf(plan));
            if (parsed.GetValue(dry))
            {
                terminal.Out.WriteLine($"would write {path}:");
                terminal.Out.Write(text);
                return ExitCodes.Done;
            }
            if (File.Exists(path) && File.ReadAllText(path) == text)
            {
                terminal.Out.WriteLine($"{path} is there already, the same");
                return ExitCodes.Done;
            }
            if (!parsed.GetValue(yes)) terminal.Confirm($"{(File.Exists(path) ? "replace" : "write")} {path}", "'aevum service install --yes'");
            Try(path, () =>
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllText(path, text);
            });
            terminal.Out.WriteLine($"wrote {path}");
            foreach (var line in StartLines(plan)) terminal.Out.WriteLine($"  {line}");
            return ExitCodes.Done;
        });
        return command;
    }

    static Command Uninstall(Terminal terminal)
    {
        var options = new PlanOptions();
        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var dry = new Option<bool>("--dry-run") { Description = "Tell what would be removed, and remove nothing." };
        var command = options.AddTo(new Command("uninstall", "Remove the service's file; the database stays.") { yes, dry });
        command.SetAction(parsed =>
        {
            var plan = options.Read(parsed);
            var path = PathOf(plan);
            if (!File.Exists(path)) throw new AevumException(ErrorCode.NotFound, $"{path} is not there");
            if (parsed.GetValue(dry))
            {
                terminal.Out.WriteLine($"would remove {path}");
                return ExitCodes.Done;
            }
            if (!parsed.GetValue(yes)) terminal.Confirm($"remove {path}", "'aevum service uninstall --yes'");
            Try(path, () => File.Delete(path));
            terminal.Out.WriteLine($"removed {path}; a service that runs goes on until it is told to stop");
            foreach (var line in StopLines(plan)) terminal.Out.WriteLine($"  {line}");
            return ExitCodes.Done;
        });
        return command;
    }

    static Command Status(Terminal terminal)
    {
        var options = new PlanOptions();
        var command = options.AddTo(new Command("status", "Tell whether the service's file is there, and what the manager says of it."));
        command.SetAction(parsed =>
        {
            var plan = options.Read(parsed);
            var path = PathOf(plan);
            var isThere = File.Exists(path);
            terminal.Out.WriteLine(isThere ? $"{path} is there" : $"{path} is not there");
            if (isThere && File.ReadAllText(path) != TextOf(plan)) terminal.Out.WriteLine("it differs from what 'aevum service install' would write");
            if (!OperatingSystem.IsMacOS()) terminal.Out.WriteLine($"systemd says: {AskSystemd(plan)}");
            return isThere ? ExitCodes.Done : ExitCodes.Problems;
        });
        return command;
    }

    static string AskSystemd(ServicePlan plan)
    {
        try
        {
            string[] words = plan.IsForUser ? ["--user", "is-active", SystemdUnit.FileName] : ["is-active", SystemdUnit.FileName];
            using var asked = Process.Start(new ProcessStartInfo("systemctl", words) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var said = asked.StandardOutput.ReadToEnd().Trim();
            asked.WaitForExit();
            return said.Length > 0 ? said : "nothing";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "nothing: there is no systemctl";
        }
    }

    static string PathOf(ServicePlan plan) => OperatingSystem.IsMacOS() ? plan.PlistPath : plan.UnitPath;

    static string TextOf(ServicePlan plan) => OperatingSystem.IsMacOS() ? LaunchdPlist.Of(plan) : SystemdUnit.Of(plan);

    static string[] StartLines(ServicePlan plan) => OperatingSystem.IsMacOS()
        ? [$"launchctl bootstrap {(plan.IsForUser ? "gui/$(id -u)" : "system")} {PathOf(plan)}"]
        : [$"{Systemctl(plan)} daemon-reload", $"{Systemctl(plan)} enable --now {SystemdUnit.FileName}"];

    static string[] StopLines(ServicePlan plan) => OperatingSystem.IsMacOS()
        ? [$"launchctl bootout {(plan.IsForUser ? "gui/$(id -u)" : "system")}/{LaunchdPlist.Label}"]
        : [$"{Systemctl(plan)} disable --now {SystemdUnit.FileName}", $"{Systemctl(plan)} daemon-reload"];

    static string Systemctl(ServicePlan plan) => plan.IsForUser ? "systemctl --user" : "systemctl";

    static void Try(string path, Action change)
    {
        try
        {
            change();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new AevumException(ErrorCode.InputOutput, $"{path}: {failure.Message}", failure);
        }
    }
}
