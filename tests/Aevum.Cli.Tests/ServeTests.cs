using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Aevum.Cli.Tests;

/// <summary>The real server, as a process, spoken to with a socket.</summary>
public sealed class ServeTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void What_was_acknowledged_is_there_after_a_clean_end_and_after_a_kill()
    {
        using (var server = ServerProcess.Start(_world, "--data", "store"))
        {
            Assert.Equal("+OK\r\n", server.Ask("SET a 1"));
            Assert.Equal(0, server.Terminate());
        }
        using (var server = ServerProcess.Start(_world, "--data", "store"))
        {
            Assert.Equal("$1\r\n1\r\n", server.Ask("GET a"));
            Assert.Equal("+OK\r\n", server.Ask("SET a 2"));
            server.Kill();
        }
        using (var server = ServerProcess.Start(_world, "--data", "store"))
            Assert.Equal("$1\r\n2\r\n", server.Ask("GET a"));
    }

    [Fact]
    public void Whoever_waits_for_a_key_does_not_hold_the_end_up()
    {
        using var server = ServerProcess.Start(_world, "--memory");
        server.Send("BLPOP queue 0");
        Assert.Equal(0, server.Terminate());
        Assert.Equal("", server.ReadToEnd());
    }

    [Theory]
    [InlineData("say what to serve")]
    [InlineData("say what to serve", "--memory", "--data", "x")]
    [InlineData("no address", "--memory", "--resp", "localhost")]
    public void Arguments_that_make_no_server_are_refused(string why, params string[] arguments)
    {
        var result = CliWorld.Run("", ["serve", .. arguments]);
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains(why, result.Error);
    }
}

/// <summary>A server in a process of its own, and one client of it.</summary>
sealed class ServerProcess : IDisposable
{
    const int AnswerMillisecondsMax = 30_000;

    readonly Process _process;
    readonly Socket _client = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = AnswerMillisecondsMax };

    ServerProcess(Process process, IPEndPoint endpoint)
    {
        _process = process;
        Endpoint = endpoint;
        _client.Connect(endpoint);
    }

    public IPEndPoint Endpoint { get; }

    /// <summary>Starts one at a free port and waits until it says where it listens.</summary>
    public static ServerProcess Start(CliWorld world, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, WorkingDirectory = world.Folder };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "aevum.dll"), "serve", "--resp", "127.0.0.1:0", .. arguments])
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        var line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the server ended before it listened");
        return new ServerProcess(process, IPEndPoint.Parse(line.Split(' ')[^1]));
    }

    public void Send(string request) => _client.Send(Encoding.ASCII.GetBytes(request + "\r\n"));

    /// <summary>Sends an inline request and returns what comes back at once.</summary>
    public string Ask(string request)
    {
        Send(request);
        var buffer = new byte[64 << 10];
        return Encoding.ASCII.GetString(buffer, 0, _client.Receive(buffer));
    }

    public string ReadToEnd()
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (_client.Receive(buffer) is var count and > 0) text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        return text.ToString();
    }

    /// <summary>Asks it to end, and waits.</summary>
    public int Terminate()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"])) kill.WaitForExit();
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
        _client.Dispose();
    }
}
