// ServeCommand: aevum serve: a database with its doors open, until SIGTERM or ^C.
//
//   configuration -> what it is served from and where, on the standard output -> ready -> ... -> a signal -> the end, in order
//
// Standard output is for whoever started it: where it listens, and one line when it is ready. The log goes to the standard error.

using System.CommandLine;
using System.Reflection;
using Aevum.Cli.Terminals;
using Aevum.Core.Diagnostics;
using Aevum.Core.Network;
using Aevum.Server.Hosting;
using Aevum.Server.Hosting.Configuration;

namespace Aevum.Cli.Serving;

static class ServeCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("serve", "Serve a database to clients of Redis until told to end.");
        var flags = new ConfigFlags(command);
        command.SetAction(parsed => Run(terminal, flags.SourcesOf(parsed)));
        return command;
    }

    static int Run(Terminal terminal, ConfigSources sources)
    {
        var values = ConfigValues.Read(sources);
        if (values.Problems.Count > 0)
        {
            foreach (var problem in values.Problems) terminal.Fail(problem);
            return ExitCodes.Configuration;
        }
        if (values.Get(ConfigKeys.DataDirectory) == "" && !values.Get(ConfigKeys.DataMemory))
        {
            terminal.Fail("say what to serve: --data DIR or --memory; 'aevum serve --help' lists what else can be told");
            return ExitCodes.Usage;
        }

        var log = new LineLog(terminal.Error, TimeProvider.System, LevelOf(values.Get(ConfigKeys.LogLevel)), values.Get(ConfigKeys.LogFormat) == "json");
        var options = ServerOptions.From(values, log);
        using var interruption = new Interruption();
        using var manager = ServiceNotifier.Find(Environment.GetEnvironmentVariable, Environment.ProcessId);
        manager?.TellStatus("opening the database");
        using var host = ServerHost.Start(options);
        terminal.Out.WriteLine($"aevum {Version()} on {sources.Machine}");
        terminal.Out.WriteLine($"database {options.Directory ?? "in memory"}: sync {options.Database.Sync}, cache {Shown(values, ConfigKeys.DataCache)}, "
            + $"memtable {Shown(values, ConfigKeys.DataMemtable)}; {options.Loops} {(options.Loops == 1 ? "loop" : "loops")}");
        foreach (var at in host.RespEndpoints) terminal.Out.WriteLine($"redis protocol at {at}");
        foreach (var at in host.RespTlsEndpoints) terminal.Out.WriteLine($"redis protocol through TLS at {at}");
        foreach (var at in host.HttpEndpoints) terminal.Out.WriteLine($"metrics at http://{at}/metrics");
        terminal.Flush();
        if (host.WaitUntilOpen(interruption.Token))
        {
            terminal.Out.WriteLine("ready" + HowToConnect(host));
            terminal.Flush();
            manager?.TellReady("serving clients");
            while (!interruption.Token.WaitHandle.WaitOne(manager?.WatchdogInterval ?? Timeout.InfiniteTimeSpan)) manager!.TellAlive();
        }
        manager?.TellStopping("clients are sent what they were answered");
        host.Stop();
        return ExitCodes.Done;
    }

    static string HowToConnect(ServerHost host)
    {
        if (host.RespEndpoints.Count > 0)
            return $": redis-cli{(System.Net.IPAddress.IsLoopback(host.RespEndpoints[0].Address) ? "" : " -h HOST")} -p {host.RespEndpoints[0].Port}";
        return host.RespTlsEndpoints.Count > 0 ? $": redis-cli --tls -p {host.RespTlsEndpoints[0].Port}" : "";
    }

    static string Shown(ConfigValues values, ConfigKey key) => key.Write(values.All.First(v => v.Key == key).Value);

    static string Version() =>
        typeof(ServeCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    static LogLevel LevelOf(string name) => name switch
    {
        "debug" => LogLevel.Debug,
        "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "off" => LogLevel.Off,
        _ => LogLevel.Info,
    };
}
