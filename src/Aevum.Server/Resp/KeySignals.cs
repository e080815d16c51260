// KeySignals: what happened to keys, told to whom it concerns once it is committed: those who wait for a key, keyspace notifications, clients that
// keep copies (tracking).

using Aevum.Server.Resp.Commands;

namespace Aevum.Server.Resp;

sealed class KeySignals(RespServer server)
{
    /// <summary>Heard on the loop of whoever committed, in the order of commits of that loop.</summary>
    public event Action<RespEngine, KeySignal>? Told;

    public void Publish(RespEngine engine, IReadOnlyList<KeySignal> signals)
    {
        foreach (var signal in signals)
        {
            Told?.Invoke(engine, signal);
            if (!signal.IsReady || server.Waiters.Count == 0) continue;
            foreach (var call in server.Waiters.Of(signal.Keyspace, signal.Key))
            {
                if (call.Client.Engine == engine) engine.TryAgain(call);
                else call.Client.Engine.Loop.Post(() => call.Client.Engine.TryAgain(call));
            }
        }
    }
}
