// DatabaseSwaps: SWAPDB, one at a time, while nobody is in the middle of anything: a request that has found its database and has not reached it yet would
// do what it does in the other one, when others were told already that they have changed places.
//
//   asked      -> emptying    [Run]       requests that work in a database wait unread (ClientPauses); every loop commits what it has taken in
//   emptying   -> swapping    [Arrive]    all loops have, and commits beside them are over: the catalog changes, on a worker
//   swapping   -> over        [End]       who waits for a key waits in his own database; requests go on, as they came
//
// So a write that was acknowledged before the swap was asked for moves with its database, and one beside it is before the swap or behind it, whole. Reads
// beside the loops take as long as they take and are not waited for: they find their database when their moment is held (RespEngine.ReadBeside).
//
// Not here: a transaction's requests find their databases at EXEC (RespEngine.Execute).

using Aevum.Core.Errors;

namespace Aevum.Server.Resp;

sealed class DatabaseSwaps(RespServer server)
{
    readonly Lock _gate = new();
    readonly Queue<(string Name, Action Swap)> _asked = new();
    readonly List<Action> _afterwards = [];
    bool _isUnderWay;
    bool _isEmpty;      // but for commits beside the loops
    int _loopsLeft;
    int _commits;

    /// <summary>Swaps when that may be. From any loop.</summary>
    /// <param name="swap">Runs on a worker.</param>
    public void Run(string name, Action swap)
    {
        lock (_gate)
        {
            _asked.Enqueue((name, swap));
            if (_isUnderWay) return;
            _isUnderWay = true;
        }
        Begin();
    }

    /// <summary>A commit beside a loop begins: databases stay where they are until it ends. From its loop, within a request.</summary>
    public void BeginCommit()
    {
        lock (_gate) _commits++;
    }

    public void EndCommit()
    {
        lock (_gate)
            if (--_commits > 0 || !_isEmpty) return;
        Start();
    }

    /// <summary>Does something when the swap that is under way is over.</summary>
    public void Afterwards(Action action)
    {
        lock (_gate)
        {
            if (_isUnderWay)
            {
                _afterwards.Add(action);
                return;
            }
        }
        action();
    }

    void Begin()
    {
        server.Pauses.BeginSwap();
        RespEngine[] engines = [.. server.Engines];   // who comes later sees the pause
        _loopsLeft = engines.Length;
        foreach (var engine in engines)
            engine.Loop.Post(() =>
            {
                engine.Flush();
                engine.IsParked = true;
                Arrive();
            });
    }

    void Arrive()
    {
        if (Interlocked.Decrement(ref _loopsLeft) > 0) return;
        lock (_gate)
        {
            _isEmpty = true;
            if (_commits > 0) return;
        }
        Start();
    }

    void Start()
    {
        (string Name, Action Swap) next;
        lock (_gate)
        {
            _isEmpty = false;
            next = _asked.Dequeue();
        }
        try
        {
            server.RunBeside(next.Name, () =>
            {
                try
                {
                    next.Swap();
                }
                finally
                {
                    End();
                }
            });
        }
        catch (AevumException)
        {
            End();   // the server is closing
        }
    }

    void End()
    {
        foreach (var engine in server.Engines) engine.IsParked = false;
        Action[] afterwards;
        bool isNext;
        lock (_gate)
        {
            afterwards = [.. _afterwards];
            _afterwards.Clear();
            _isUnderWay = isNext = _asked.Count > 0;
        }
        server.Pauses.EndSwap();
        foreach (var action in afterwards) action();
        if (isNext) Begin();
    }
}
