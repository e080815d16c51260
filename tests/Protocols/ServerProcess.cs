// ServerProcess: aevum serve --memory, as a process of its own on a port of its own. It can be started again on the same port, so that clients meet what
// they meet when a server is restarted: connections that end in order, a time of refusals, and the same address again.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Aevum.Protocols.Tests;

sealed class ServerProcess : IDisposable
{
    static readonly TimeSpan s_endMax = TimeSpan.FromMinutes(1);

    readonly StringBuilder _log = new();
    Process _process;

    public ServerProcess()
    {
        Port = FreePort();
        _process = Start();
    }

    /// <summary>Of the loopback.</summary>
    public int Port { get; }

    /// <summary>What it has logged so far.</summary>
    public string LogText
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    /// <summary>Ends it as a service manager would, and starts it again: what it held in memory is gone.</summary>
    public void Restart()
    {
        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) kill.WaitForExit();
        Assert.True(_process.WaitForExit(s_endMax), "the server does not end when it is asked to\n" + LogText);
        Assert.True(_process.ExitCode == 0, $"the server ended with code {_process.ExitCode}\n{LogText}");
        _process.Dispose();
        _process = Start();
    }

    // Returns once it has said that it is ready.
    Process Start()
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "aevum.dll"), "serve", "--memory", "--cache", "16MiB", "--memtable", "4MiB",
            "--resp", $"127.0.0.1:{Port}", "--http", "off",
        ];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = new Process { StartInfo = start };
        process.ErrorDataReceived += (_, line) => Log(line.Data);
        process.Start();
        process.BeginErrorReadLine();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            Log(line);
            if (line.StartsWith("ready", StringComparison.Ordinal)) return process;
        }
        process.WaitForExit();
        process.Dispose();
        throw new InvalidOperationException("the server does not start:\n" + LogText);
    }

    void Log(string? line)
    {
        if (line is null) return;
        lock (_log) _log.Append(line).Append('\n');
    }

    // Another process may take it first; then the server says so, and the test fails with that.
    static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
