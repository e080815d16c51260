using System.Diagnostics;
using System.Net;
using Aevum.Testing;

namespace Aevum.Crash;

/// <summary>The server that is killed, and what it must not do: end by itself, or answer anything but that it is loading, or here.</summary>
sealed class RedisProcess : IDisposable
{
    const int KilledCode = 128 + 9;
    static readonly TimeSpan s_startMax = TimeSpan.FromMinutes(2);

    readonly ServerProcess _process;
    readonly string _logPath;

    /// <param name="store">The database's directory.</param>
    /// <param name="log">What the process says is added to this file.</param>
    /// <param name="options">More of what the server is told.</param>
    public RedisProcess(string store, string log, params string[] options)
    {
        _logPath = log;
        _process = new ServerProcess(["--data", store, .. options], said: line => File.AppendAllText(log, line + "\n"));
    }

    /// <summary>Once it has answered.</summary>
    public IPEndPoint Endpoint { get; private set; } = new(IPAddress.None, 0);

    /// <summary>Connects as soon as the server listens, which is before its database is open, and waits until it answers.</summary>
    /// <exception cref="BrokenPromiseException">It ended instead, or never answers.</exception>
    public RedisConnection WaitUntilReady()
    {
        try
        {
            Endpoint = _process.WaitUntilListening();
        }
        catch (InvalidOperationException failure)
        {
            throw new BrokenPromiseException(failure.Message);
        }
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < s_startMax)
        {
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
                // Not yet; or never.
                if (_process.HasEnded) throw EndedByItself(_process.Kill());
            }
            connection?.Dispose();
            Thread.Sleep(10);
        }
        throw new BrokenPromiseException($"the server does not answer: {_logPath}");
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        var code = _process.Kill();
        if (code != KilledCode) throw EndedByItself(code);
    }

    /// <summary>SIGTERM, and waits.</summary>
    public void End()
    {
        var code = _process.Terminate();
        if (code != 0) throw new BrokenPromiseException($"the server ended with code {code}: {_logPath}");
    }

    BrokenPromiseException EndedByItself(int code) => new($"the server ended by itself, with code {code}: {_logPath}");

    public void Dispose() => _process.Dispose();
}
