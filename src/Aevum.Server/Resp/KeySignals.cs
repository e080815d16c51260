// KeySignals: what happened to keys, told to whom it concerns once it is committed: those who wait for a key, keyspace notifications, clients that
// keep copies (tracking).

using System.Globalization;
using System.Text;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.PubSub;

namespace Aevum.Server.Resp;

sealed class KeySignals(RespServer server)
{
    /// <summary>Tells. On the loop of whoever committed, in the order of commits of that loop.</summary>
    /// <param name="writers">Whose steps the signals come from, by their number; null: nobody's.</param>
    public void Publish(RespEngine engine, IReadOnlyList<KeySignal> signals, IReadOnlyList<RespClient>? writers)
    {
        foreach (var signal in signals)
        {
            if (signal.IsFlush)
            {
                server.Expiries.Forget(signal.Keyspace);
                server.Tracking.Flushed(engine);
                WakeAll(engine, signal);
                continue;
            }
            var isChange = signal.Class != NotificationClass.KeyMiss;
            if (isChange && signal.Class != NotificationClass.Expired && server.Expiries.Follow(signal.Keyspace, signal.Key, signal.At, signal.Expiry))
                Notify(engine, KeySignal.OfExpired(signal.Keyspace, signal.Key));
            Notify(engine, signal);
            if (isChange)
            {
                server.Tracking.Changed(signal.Key, writers is not null && signal.Step < writers.Count ? writers[signal.Step] : null);
            }
            WakeWaiters(engine, signal);
        }
        server.Tracking.SendBroadcasts(engine);
    }

    void WakeWaiters(RespEngine engine, KeySignal signal)
    {
        if (server.Waiters.Count == 0 || (!signal.IsReady && !server.Waiters.AnyWaitsForLoss)) return;
        foreach (var call in server.Waiters.Of(signal.Keyspace, signal.Key))
        {
            if (!signal.IsReady && !call.WaitsForLoss) continue;
            if (call.Client.Engine == engine) engine.TryAgain(call, signal.Key);
            else call.Client.Engine.Loop.Post(() => call.Client.Engine.TryAgain(call, signal.Key));
        }
    }

    // All keys of a database have gone: of those who wait it concerns who wants to know of that.
    void WakeAll(RespEngine engine, KeySignal signal)
    {
        if (!server.Waiters.AnyWaitsForLoss) return;
        foreach (var call in server.Waiters.OfDatabase(signal.Keyspace))
        {
            if (!call.WaitsForLoss) continue;
            if (call.Client.Engine == engine) engine.TryAgain(call);
            else call.Client.Engine.Loop.Post(() => call.Client.Engine.TryAgain(call));
        }
    }

    void Notify(RespEngine engine, KeySignal signal)
    {
        var wanted = server.Settings.Notified;
        if ((wanted & signal.Class) == 0 || server.Channels.IsSilent) return;
        var number = server.Databases.NumberOf(signal.Keyspace);
        var database = (number < 0 ? 0 : number).ToString(CultureInfo.InvariantCulture);
        if ((wanted & NotificationClass.Keyspace) != 0)
            server.Channels.Publish(engine, ChannelKind.Channel, [.. "__keyspace@"u8, .. Encoding.ASCII.GetBytes(database), .. "__:"u8,
                .. signal.Key], Encoding.ASCII.GetBytes(signal.Event));
        if ((wanted & NotificationClass.Keyevent) != 0)
            server.Channels.Publish(engine, ChannelKind.Channel, Encoding.ASCII.GetBytes($"__keyevent@{database}__:{signal.Event}"), signal.Key);
    }
}
