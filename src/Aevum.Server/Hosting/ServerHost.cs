// ServerHost: one process that serves one database: opens it, opens its doors, and ends in the order that loses nothing.
//
//   Start    scheduler, database, network, doors
//   Stop     doors take nobody any more; every connection is sent what it was answered and ends; the database is written down and closed
//
// Always true: what a client was told is committed lies in the log before it is told; ending is therefore only a question of manners, and a process that
// is killed instead loses nothing that it acknowledged.
//
// Not here: where options come from (the command line), what a door speaks (Resp).

using System.Net;
using Aevum.Core.Network;
using Aevum.Core.Scheduling;
using Aevum.Server.Resp;

namespace Aevum.Server.Hosting;

/// <summary>A database with its doors open.</summary>
public sealed class ServerHost : IDisposable
{
    readonly ServerOptions _options;
    readonly ThreadScheduler _scheduler;
    readonly List<IListener> _listeners = [];
    readonly Database _database;
    readonly INetwork _network;
    readonly RespServer _resp;
    bool _stopped;

    ServerHost(ServerOptions options)
    {
        _options = options;
        _scheduler = new ThreadScheduler();
        try
        {
            var database = options.Database with { Scheduler = _scheduler };
            _database = options.Directory is { } directory ? Database.Open(directory, database) : Database.OpenInMemory(database);
            var network = new NetworkOptions();
            _network = Networks.Create(_scheduler, options.Loops > 0 ? network with { Loops = options.Loops } : network);
            _resp = new RespServer(_database, _scheduler);
            foreach (var endpoint in options.Resp) _listeners.Add(_resp.Listen(_network, endpoint));
        }
        catch
        {
            _resp?.Dispose();
            _network?.Dispose();
            _database?.Dispose();
            _scheduler.Dispose();
            throw;
        }
    }

    /// <summary>Opens the database and its doors.</summary>
    /// <exception cref="Core.Errors.AevumException">Locked, Corruption: of the database. InputOutput: an address is in use, or not of this
    /// machine.</exception>
    public static ServerHost Start(ServerOptions options) => new(options);

    /// <summary>Where Redis' protocol is spoken, ports known.</summary>
    public IReadOnlyList<IPEndPoint> RespEndpoints => [.. _listeners.Select(l => l.Endpoint)];

    /// <summary>Takes nobody any more, sends what was answered, closes the database. Returns when all is done.</summary>
    public void Stop()
    {
        if (_stopped) return;
        _stopped = true;
        foreach (var listener in _listeners) listener.Dispose();
        foreach (var engine in _resp.Engines)
            engine.Loop.Post(() =>
            {
                foreach (var client in engine.Clients.Values.ToArray()) client.Close();
            });
        new DrainWait(_scheduler, _options.DrainMax).Until(() => _listeners.All(l => l.Connections == 0));
        _network.Dispose();
        _resp.Dispose();
        if (_options.Directory is not null) _database.Flush();
        _database.Dispose();
        _scheduler.Dispose();
    }

    public void Dispose() => Stop();
}
