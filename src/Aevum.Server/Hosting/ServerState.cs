using Aevum.Server.Resp;

namespace Aevum.Server.Hosting;

/// <summary>Where in its life a server is.</summary>
public enum ServerPhase
{
    /// <summary>The database is being opened.</summary>
    Opening = 0,

    /// <summary>Clients are served.</summary>
    Ready = 1,

    /// <summary>Nobody is taken any more; those who are there are sent what they were answered.</summary>
    Draining = 2,
}

/// <summary>What a server tells of itself to those who watch it. Any thread.</summary>
public sealed class ServerState
{
    volatile Serving? _serving;
    volatile ServerPhase _phase;

    // What there is to count, both or neither.
    sealed record Serving(Database Database, RespServer Resp);

    public ServerPhase Phase => _phase;

    internal Database? Database => _serving?.Database;

    internal RespServer? Resp => _serving?.Resp;

    /// <summary>The doors are open.</summary>
    internal void BeReady(Database database, RespServer resp)
    {
        _serving = new Serving(database, resp);
        _phase = ServerPhase.Ready;
    }

    /// <summary>The doors are closed; counters are told on.</summary>
    internal void Drain() => _phase = ServerPhase.Draining;

    /// <summary>The database is about to be closed: nothing of it is asked from here on.</summary>
    internal void Forget() => _serving = null;
}
