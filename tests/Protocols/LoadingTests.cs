using System.Diagnostics;
using System.Globalization;
using System.Net;
using Aevum.Core.Files;
using Aevum.Server.Hosting;
using Aevum.Testing;

namespace Aevum.Protocols.Tests;

/// <summary>Clients of Redis that come while the database is still being opened are served as soon as it is: with a password their first words wait, without
/// one they are told LOADING and try again.</summary>
public sealed class LoadingTests
{
    [FactForClient("redis-py")]
    public void Redis_py_is_served_when_the_database_is_open() => Serve("redis-py", "loading.py");

    [FactForClient("ioredis")]
    public void Ioredis_is_served_when_the_database_is_open() => Serve("ioredis", "loading.js");

    [FactForClient("node-redis")]
    public void Node_redis_is_served_when_the_database_is_open() => Serve("node-redis", "loading.js");

    static void Serve(string name, string script)
    {
        foreach (var password in (string?[])[null, "secret"])
        {
            using var gate = new ManualResetEventSlim();
            using var host = ServerHost.Start(new ServerOptions
            {
                Directory = "d",
                Database = new DatabaseOptions { Files = new SlowFiles(gate) },
                Resp = [new IPEndPoint(IPAddress.Loopback, 0)],
                Password = password,
            });
            var (lines, errors) = Run(name, script, host.RespEndpoints[0].Port, password, gate);
            Assert.True(lines.Count > 0 && lines[^1].StartsWith("served", StringComparison.Ordinal),
                $"{name}, {password}: {string.Join('\n', lines)}\n{errors}");
            Assert.True(host.WaitUntilOpen());
        }
    }

    static (List<string> Lines, string Errors) Run(string name, string script, int port, string? password, ManualResetEventSlim gate)
    {
        var client = Client.Of(name);
        List<string> arguments = [Path.Combine(client.Folder, script), "127.0.0.1", port.ToString(CultureInfo.InvariantCulture)];
        if (password is not null) arguments.Add(password);
        var start = new ProcessStartInfo(client.Program!, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = client.Folder,
        };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var ending = limit.Token.Register(() => process.Kill(entireProcessTree: true));
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        var lines = new List<string>();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            lines.Add(line);
            if (line != "asking") continue;
            // Long enough to be asked something before; nothing depends on it.
            Thread.Sleep(300);
            gate.Set();
        }
        process.WaitForExit();
        gate.Set();
        return (lines, errors.Result);
    }

    // Opens no file before it is told to.
    sealed class SlowFiles(ManualResetEventSlim gate) : ForwardingFiles(new MemoryFileSystem())
    {
        public override bool FileExists(string path)
        {
            gate.Wait();
            return base.FileExists(path);
        }

        public override bool DirectoryExists(string path)
        {
            gate.Wait();
            return base.DirectoryExists(path);
        }
    }
}
