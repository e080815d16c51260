using System.CommandLine;
using System.Net;
using Aevum.Cli.Terminals;
using Aevum.Server.Hosting;

namespace Aevum.Cli.Serving;

/// <summary><c>aevum serve</c>: a database with its doors open, until SIGTERM or ^C.</summary>
static class ServeCommand
{
    public static Command Create(Terminal terminal)
    {
        var data = new Option<string?>("--data") { Description = "The database's directory; made if it is not there." };
        var memory = new Option<bool>("--memory") { Description = "Keep the database in memory: it is gone when the server ends." };
        var resp = new Option<string>("--resp") { Description = "Where to speak Redis' protocol.", DefaultValueFactory = _ => "127.0.0.1:6379" };
        var command = new Command("serve", "Serve a database until told to end.") { data, memory, resp };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(memory) == (parsed.GetValue(data) is not null))
            {
                terminal.Fail("say what to serve: --data DIR or --memory");
                return ExitCodes.Usage;
            }
            if (!IPEndPoint.TryParse(parsed.GetValue(resp)!, out var endpoint))
            {
                terminal.Fail($"{parsed.GetValue(resp)} is no address of the form HOST:PORT");
                return ExitCodes.Usage;
            }
            using var interruption = new Interruption();
            using var host = ServerHost.Start(new ServerOptions { Directory = parsed.GetValue(data), Resp = [endpoint] });
            foreach (var at in host.RespEndpoints) terminal.Out.WriteLine($"redis protocol at {at}");
            terminal.Flush();
            interruption.Token.WaitHandle.WaitOne();
            host.Stop();
            return ExitCodes.Done;
        });
        return command;
    }
}
