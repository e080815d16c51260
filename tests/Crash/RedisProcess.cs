using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Aevum.Crash;

/// <summary>The server, as a process of its own: what <c>aevum serve</c> starts.</summary>
sealed class RedisProcess : IDisposable
{
    static readonly TimeSpan s_startMax = TimeSpan.FromMinutes(2);

    readonly Process _process;
    readonly string _logPath;

    /// <param name="store">The database's directory.</param>
    /// <param name="log">What the process says is added to this file.</param>
    public RedisProcess(string store, string log)
    {
        _logPath = log;
        Endpoint = FreeEndpoint();
        var host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        string[] arguments = ["exec", Path.Combine(AppContext.BaseDirectory, "aevum.dll"), "serve", "--data", store, "--resp", Endpoint.ToString()];
        var start = new ProcessStartInfo(host, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["AEVUM_HTTP__LISTEN"] = "off";
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Log(line.Data);
        _process.ErrorDataReceived += (_, line) => Log(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public IPEndPoint Endpoint { get; }

    /// <summary>Connects as soon as the server answers.</summary>
    /// <exception cref="BrokenPromiseException">It ended instead, or never answers.</exception>
    public RedisConnection WaitUntilReady()
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < s_startMax)
        {
            if (_process.HasExited) throw new BrokenPromiseException($"the server ended by itself, with code {_process.ExitCode}: {_logPath}");
            RedisConnection? connection = null;
            try
            {
                connection = new RedisConnection(Endpoint);
                var said = connection.Ask("PING");
                if (said is "PONG") return connection;
                if (said is not RedisError { Text: var text } || !text.StartsWith("LOADING", StringComparison.Ordinal))
                    throw new BrokenPromiseException($"the server answers PING with {said}");
            }
            catch (IOException)
            {
                // Not yet.
            }
            connection?.Dispose();
            Thread.Sleep(10);
        }
        throw new BrokenPromiseException($"the server does not answer: {_logPath}");
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        if (_process.HasExited) throw new BrokenPromiseException($"the server ended by itself, with code {_process.ExitCode}: {_logPath}");
        _process.Kill();
        _process.WaitForExit();
        if (_process.ExitCode != 128 + 9) throw new BrokenPromiseException($"the server ended by itself, with code {_process.ExitCode}: {_logPath}");
    }

    /// <summary>SIGTERM, and waits.</summary>
    public void End()
    {
        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) kill.WaitForExit();
        if (!_process.WaitForExit(s_startMax)) throw new BrokenPromiseException("the server does not end when it is asked to");
        if (_process.ExitCode != 0) throw new BrokenPromiseException($"the server ended with code {_process.ExitCode}: {_logPath}");
    }

    void Log(string? line)
    {
        if (line is null) return;
        lock (this) File.AppendAllText(_logPath, line + "\n");
    }

    // Another process may take it first; then the server says so, and the round fails with that. It has not been seen.
    static IPEndPoint FreeEndpoint()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
