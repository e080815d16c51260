// RespDoor: where clients of Redis' protocol come in, from before the database is open until the server ends.
//
//   Loading -> Open   [Open]   who came before is taken over by the server as soon as he speaks again, or at once
//
// Not here: what a client may say (RespServer, and while loading LoadingClient).

using System.Collections.Concurrent;
using System.Net;
using Aevum.Core.Network;
using Aevum.Server.Resp;

namespace Aevum.Server.Hosting;

/// <param name="began">When loading began.</param>
/// <param name="databases">Numbered databases that there will be.</param>
/// <param name="clientsMax">Clients that may wait for the database.</param>
/// <param name="asksPassword">The configuration does; users that the database knows may have to show one in any case.</param>
sealed class RespDoor(DateTimeOffset began, int databases, int clientsMax, bool asksPassword = false)
{
    readonly ConcurrentDictionary<LoadingClient, bool> _loading = new();
    readonly List<IListener> _listeners = [];
    volatile RespServer? _server;

    public DateTimeOffset Began => began;

    public int Databases => databases;

    public bool AsksPassword => asksPassword;

    /// <summary>The numbers of clients; the server goes on with them.</summary>
    public ClientNumbers Numbers { get; } = new();

    /// <summary>Null while loading.</summary>
    public RespServer? Server => _server;

    /// <summary>Connections open now.</summary>
    public int Connections => _listeners.Sum(l => l.Connections);

    /// <summary>Connections that have not been sent everything that they are to be sent.</summary>
    public int Unserved => _listeners.Sum(l => l.Connections - l.Lingering);

    public IEnumerable<IPEndPoint> Endpoints => _listeners.Select(l => l.Endpoint);

    /// <exception cref="Core.Errors.AevumException">InputOutput: the address is in use, or not of this machine.</exception>
    public void Listen(INetwork network, IPEndPoint endpoint, ListenOptions options) => _listeners.Add(network.Listen(endpoint, Accept, options));

    IChannelHandler? Accept(IChannel channel)
    {
        if (_server is { } server) return server.EngineOf(channel.Loop).Accept(channel);
        if (_loading.Count >= clientsMax) return null;
        var client = new LoadingClient(this, channel);
        _loading.TryAdd(client, true);
        // Opened in between: nobody else would tell him.
        if (_server is not null) channel.Loop.Post(client.TakeOver);
        return client;
    }

    /// <summary>The database is open.</summary>
    public void Open(RespServer server)
    {
        foreach (var listener in _listeners) server.Adopt(listener);
        server.Numbers = Numbers;
        _server = server;
        foreach (var client in _loading.Keys) client.Channel.Loop.Post(client.TakeOver);
    }

    public void Forget(LoadingClient client) => _loading.TryRemove(client, out _);

    /// <summary>Takes nobody any more.</summary>
    public void StopListening()
    {
        foreach (var listener in _listeners) listener.Dispose();
    }

    /// <summary>Ends every connection when it has been sent what it was answered.</summary>
    public void CloseClients()
    {
        foreach (var client in _loading.Keys) client.Channel.Loop.Post(client.Channel.Close);
        foreach (var engine in _server?.Engines ?? [])
            engine.Loop.Post(() =>
            {
                foreach (var client in engine.Clients.Values.ToArray()) client.Close();
            });
    }
}
