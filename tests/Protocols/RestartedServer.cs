using System.Net;
using Aevum.Testing;

namespace Aevum.Protocols.Tests;

/// <summary>A server in memory that can be started again on the same port, so that clients meet what they meet when a server is restarted: connections
/// that end in order, a time of refusals, and the same address again.</summary>
sealed class RestartedServer : IDisposable
{
    readonly IPEndPoint _endpoint;
    ServerProcess _process;
    string _earlierLog = "";

    public RestartedServer()
    {
        _process = Start("127.0.0.1:0");
        _endpoint = _process.WaitUntilReady();
    }

    /// <summary>Of the loopback.</summary>
    public int Port => _endpoint.Port;

    /// <summary>What it has logged so far, before it was started again too.</summary>
    public string LogText => _earlierLog + _process.LogText;

    /// <summary>Ends it as a service manager would, and starts it again: what it held in memory is gone.</summary>
    public void Restart()
    {
        var code = _process.Terminate();
        _earlierLog = LogText;
        Assert.True(code == 0, $"the server ended with code {code}\n{_earlierLog}");
        _process.Dispose();
        _process = Start(_endpoint.ToString());
        _process.WaitUntilReady();
    }

    static ServerProcess Start(string address) => new(["--memory", "--cache", "16MiB", "--memtable", "4MiB", "--resp", address]);

    public void Dispose() => _process.Dispose();
}
