// ClientPauses: CLIENT PAUSE and UNPAUSE, the moment in which databases are swapped (DatabaseSwaps), and the time that a command of many commits needs if
// what it reads never stands still (RespEngine.Beside). Requests that a pause holds stay unread; their clients go on when it ends, in the order in which
// they came.

using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp;

sealed class ClientPauses(RespServer server)
{
    readonly Lock _gate = new();
    readonly List<RespClient> _held = [];
    volatile bool _isOn;
    bool _isPaused;
    bool _isSwapping;
    int _storing;
    bool _all;
    long _until;

    /// <summary>Cheap: asked for each request.</summary>
    public bool IsOn => _isOn;

    /// <summary>Clients whose requests are held.</summary>
    public int HeldCount
    {
        get
        {
            lock (_gate) return _held.Count;
        }
    }

    /// <summary>Begins a pause, or makes one longer or wider.</summary>
    /// <param name="all">False: only what may write.</param>
    /// <param name="engine">Whose loop ends it. On that loop.</param>
    public void Begin(TimeSpan time, bool all, RespEngine engine)
    {
        var until = server.Timestamp + (long)(time.TotalSeconds * server.Scheduler.Time.TimestampFrequency);
        lock (_gate)
        {
            _until = _isPaused ? Math.Max(_until, until) : until;
            _all = (_isPaused && _all) || all;
            _isPaused = _isOn = true;
        }
        engine.Loop.After(time, EndIfOver);
    }

    public void End()
    {
        lock (_gate) _isPaused = false;
        GoOn();
    }

    /// <summary>Holds every request that works in a database, until <see cref="EndSwap"/>.</summary>
    public void BeginSwap()
    {
        lock (_gate) _isSwapping = _isOn = true;
    }

    public void EndSwap()
    {
        lock (_gate) _isSwapping = false;
        GoOn();
    }

    /// <summary>Holds every request that may write, until as many <see cref="EndStore"/>. Any thread.</summary>
    public void BeginStore()
    {
        lock (_gate)
        {
            _storing++;
            _isOn = true;
        }
    }

    public void EndStore()
    {
        lock (_gate) _storing--;
        GoOn();
    }

    // Whom another pause holds it holds again.
    void GoOn()
    {
        RespClient[] held;
        lock (_gate)
        {
            _isOn = _isPaused || _isSwapping || _storing > 0;
            held = [.. _held];
            _held.Clear();
        }
        foreach (var client in held) client.Engine.Post(client.Resume);
    }

    void EndIfOver()
    {
        lock (_gate)
            if (!_isPaused || server.Timestamp < _until) return;
        End();
    }

    /// <summary>True if a request has to wait.</summary>
    public bool Holds(RespClient client, KnownCommand? command)
    {
        if (!_isOn) return false;
        EndIfOver();
        lock (_gate)
        {
            if (_isSwapping && command is not null && (command.Data is not null || command.Info.Name is "exec" or "watch")) return true;
            if (!_isPaused && _storing == 0) return false;
            if (_isPaused && _all) return true;
        }
        if (command is null) return false;
        return command.Info.Is(CommandFlags.Write) || command.Info.Name is "publish" or "spublish" or "pfcount"
            || (command.Info.Name == "exec" && client.Transaction is { } transaction && transaction.Requests.Exists(r =>
                r.Command.Info.Is(CommandFlags.Write)));
    }

    /// <summary>A client waits for the end.</summary>
    public void Add(RespClient client)
    {
        lock (_gate)
        {
            if (_isOn)
            {
                _held.Add(client);
                return;
            }
        }
        client.Engine.Loop.Post(client.Resume);   // it has just ended
    }
}
