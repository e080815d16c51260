// ServerProcess: aevum serve as a process of its own, as people start it: for what only a process shows, such as its exit code, or what is left when
// it is killed. The test project refers to Aevum.Cli, so that the program lies beside the tests.
//
//   started    -> listening  [WaitUntilListening]   it said where; clients are told that it is loading
//   listening  -> ready      [WaitUntilReady]       the database is open
//   any        -> ended      [Terminate, Kill]      in order; at once; or by itself, and then whoever waits is told what it logged
//
// The port is the system's choice, told by the server itself: nobody else can take it in between. To start a server where one was before, pass its
// endpoint as --resp.
//
// Not here: a client (each user of this class has the one that its questions need).

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;

namespace Aevum.Testing;

/// <summary>The server, as a process of its own.</summary>
public sealed class ServerProcess : IDisposable
{
    const string EndpointLine = "redis protocol at ";
    static readonly TimeSpan s_endMax = TimeSpan.FromMinutes(2);

    readonly Process _process;
    readonly ManualResetEventSlim _listensOrGone = new(), _readyOrGone = new();
    readonly StringBuilder _log = new();
    readonly Action<string>? _said;
    volatile IPEndPoint? _endpoint;
    volatile bool _isReady;

    /// <summary>Starts it, and does not wait: it listens to the Redis protocol at a free port of this machine, and to nothing else.</summary>
    /// <param name="folder">Where it runs; null: where the test does.</param>
    /// <param name="said">Called with each line that it prints or logs, one at a time, from another thread.</param>
    /// <param name="arguments">What comes behind <c>aevum serve</c>: whether --memory or --data, and whatever else.</param>
    /// <param name="environment">Variables that it gets beside those of the test.</param>
    public ServerProcess(
        IEnumerable<string> arguments, string? folder = null, Action<string>? said = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        _said = said;
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "aevum.dll"), "serve", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        // Through the environment, so that arguments can say otherwise.
        start.Environment["AEVUM_RESP__LISTEN"] = "127.0.0.1:0";
        start.Environment["AEVUM_HTTP__LISTEN"] = "off";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Say(line.Data);
        _process.ErrorDataReceived += (_, line) => Log(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it logged so far: all of it, once it has ended.</summary>
    public string LogText
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>Waits until it listens; it may still be opening its database.</summary>
    /// <returns>Where it speaks the Redis protocol.</returns>
    /// <exception cref="InvalidOperationException">It ended instead.</exception>
    public IPEndPoint WaitUntilListening()
    {
        Wait(_listensOrGone);
        return _endpoint ?? throw Ended();
    }

    /// <summary>Waits until it serves.</summary>
    /// <returns>Where it speaks the Redis protocol.</returns>
    /// <exception cref="InvalidOperationException">It ended instead.</exception>
    public IPEndPoint WaitUntilReady()
    {
        Wait(_readyOrGone);
        return _isReady && _endpoint is { } endpoint ? endpoint : throw Ended();
    }

    void Wait(ManualResetEventSlim what)
    {
        if (!what.Wait(s_endMax)) throw new InvalidOperationException("the server does not get ready:\n" + LogText);
    }

    InvalidOperationException Ended()
    {
        _process.WaitForExit();
        return new InvalidOperationException($"the server ended before it was ready, with code {_process.ExitCode}:\n{LogText}");
    }

    /// <summary>Asks it to end, as a service manager would (SIGTERM), and waits.</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="InvalidOperationException">It does not end.</exception>
    public int Terminate()
    {
        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) kill.WaitForExit();
        if (!_process.WaitForExit(s_endMax)) throw new InvalidOperationException("the server does not end when it is asked to:\n" + LogText);
        _process.WaitForExit();   // the end of its output too
        return _process.ExitCode;
    }

    /// <summary>Ends it at once (SIGKILL).</summary>
    /// <returns>Its exit code: 128 + 9, unless it had ended by itself.</returns>
    public int Kill()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        return _process.ExitCode;
    }

    // What it prints for people; null at the end of it.
    void Say(string? line)
    {
        if (line is not null)
        {
            lock (_log) _said?.Invoke(line);
            if (line.StartsWith(EndpointLine, StringComparison.Ordinal)) _endpoint ??= IPEndPoint.Parse(line[EndpointLine.Length..]);
            if (line.StartsWith("ready", StringComparison.Ordinal)) _isReady = true;
        }
        if (line is null || _endpoint is not null) _listensOrGone.Set();
        if (line is null || _isReady) _readyOrGone.Set();
    }

    void Log(string? line)
    {
        if (line is null) return;
        lock (_log)
        {
            _log.Append(line).Append('\n');
            _said?.Invoke(line);
        }
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
        _listensOrGone.Dispose();
        _readyOrGone.Dispose();
    }
}
