// ServerProcess: one server that is measured: started, looked at from outside (/proc), ended.

using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Net;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Servers;

sealed class ServerProcess : IDisposable
{
    static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);

    readonly Process _process;

    ServerProcess(ServerKind kind, Process process, ServerPlace place)
    {
        Kind = kind;
        _process = process;
        Place = place;
    }

    public ServerKind Kind { get; }

    public ServerPlace Place { get; }

    public int Port => Place.Port;

    /// <summary>Starts a server on a free port of the loopback, and returns when it answers.</summary>
    /// <param name="directory">Its own; made if it is not there, used again if it is.</param>
    public static ServerProcess Start(ServerKind kind, string directory, bool isDurable = false)
    {
        Directory.CreateDirectory(directory);
        var place = new ServerPlace(FreePort(), FreePort(), directory, isDurable);
        var (program, arguments) = kind.Command(place);
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new BenchException($"{program} cannot be started: {missing.Message}");
        }
        // Nobody reads what it says, but it must not stand before a full pipe.
        process.OutputDataReceived += (_, _) => { };
        var said = new List<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { } text && said.Count < 20) said.Add(text);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new ServerProcess(kind, process, place);
        var limit = Stopwatch.StartNew();
        while (!server.Answers())
        {
            if (process.HasExited || limit.Elapsed > StartTime)
            {
                server.Dispose();
                throw new BenchException($"{kind.Name} does not answer: {string.Join(" / ", said)}");
            }
            Thread.Sleep(50);
        }
        return server;
    }

    // LOADING is no answer yet.
    bool Answers()
    {
        try
        {
            using var connection = new RespConnection(Port);
            return connection.Ask("PING") is "PONG";
        }
        catch (Exception failure) when (failure is SocketException or IOException or BenchException)
        {
            return false;
        }
    }

    static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    /// <summary>User and system time of all its threads so far, in seconds; ticks of 10 ms.</summary>
    public double CpuSeconds
    {
        get
        {
            var fields = File.ReadAllText($"/proc/{_process.Id}/stat");
            var words = fields[(fields.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(words[11], CultureInfo.InvariantCulture) + long.Parse(words[12], CultureInfo.InvariantCulture)) / 100.0;
        }
    }

    public double ResidentMib
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024.0;
        }
    }

    /// <summary>Returns when it has used almost no CPU for a second: compactions are done.</summary>
    public void WaitIdle()
    {
        for (var last = CpuSeconds; ; )
        {
            Thread.Sleep(1000);
            var now = CpuSeconds;
            if (now - last < 0.03) return;
            last = now;
        }
    }

    /// <summary>A counter of /metrics, without labels.</summary>
    public double Metric(string name)
    {
        using var client = new HttpClient();
        var text = client.GetStringAsync(new Uri($"http://127.0.0.1:{Place.HttpPort}/metrics")).GetAwaiter().GetResult();
        var line = text.Split('\n').FirstOrDefault(l => l.StartsWith(name + " ", StringComparison.Ordinal)) ?? throw new BenchException($"no metric {name}");
        return double.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture);
    }

    public RespConnection Connect() => new(Port);

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }
}
