// ExpiryTeller: says "expired" when a key's time is over. Expiry is a property of the view: at its moment a key is gone for whoever looks, and nothing
// happens anywhere that could be told. So while somebody wants to hear of it (notify-keyspace-events with x, or clients that keep copies), the keys
// that have an expiry are remembered here, in memory, in the order of their times:
//
//   switched on      a walk over all databases remembers what expires
//   each commit      the keys it touched are looked at anew (Follow): what they hold now says whether and when they expire; of one that holds nothing any
//                    more the command that left it says whether it has expired since
//   at its time      a key that is gone, and whose expiry was the one remembered, is told as expired, once
//   switched off     everything is forgotten
//
// Cost while it is on: one read for each key written, and one entry for each key with an expiry. None while it is off.
// Keys that expired while nobody wanted to hear are never told. After a commit each looks at the present under the lock, so of two loops that wrote one
// key the later one sees what holds.

using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Server.Resp.Commands;
using Aevum.Server.Resp.Commands.Keys;

namespace Aevum.Server.Resp.PubSub;

sealed class ExpiryTeller : IDisposable
{
    // Times over at once are told in portions, so that the gate is not held for long.
    const int PortionMax = 256;
    static readonly TimeSpan NothingDue = TimeSpan.FromSeconds(60);

    readonly RespServer _server;
    readonly Signal _changed;
    readonly Lock _gate = new();
    readonly Dictionary<KeyspaceId, Dictionary<byte[], SystemTime>> _expiries = [];
    readonly PriorityQueue<(KeyspaceId Keyspace, byte[] Key), SystemTime> _queue = new();
    readonly ViewReader _reader;
    readonly KeyBuffer _headKey = new();
    BackgroundTask? _body;
    SystemTime _next = SystemTime.Max;
    volatile bool _isOn;

    public ExpiryTeller(RespServer server)
    {
        _server = server;
        _changed = server.Scheduler.CreateSignal("resp expiry");
        _reader = new ViewReader(server.Database.Router);
    }

    public bool IsOn => _isOn;

    /// <summary>Begins or ends to remember.</summary>
    public void Switch(bool on)
    {
        BackgroundTask? ended = null;
        lock (_gate)
        {
            if (_isOn == on) return;
            _isOn = on;
            if (on)
            {
                _body = _server.Scheduler.Start("resp expiry", WorkClass.Urgent, RunAsync);
            }
            else
            {
                (ended, _body) = (_body, null);
                _expiries.Clear();
                _queue.Clear();
                _next = SystemTime.Max;
            }
        }
        ended?.Cancel();
    }

    /// <summary>Looks at a key that was written.</summary>
    /// <param name="left">The expiry with which it was left, which may be over by now.</param>
    public void Follow(KeyspaceId keyspace, byte[] key, SystemTime left)
    {
        if (!_isOn) return;
        bool isSooner;
        lock (_gate) isSooner = Remember(keyspace, key, left);
        if (isSooner) _changed.Raise();
    }

    /// <summary>All keys of a database have gone.</summary>
    public void Forget(KeyspaceId keyspace)
    {
        lock (_gate) _expiries.Remove(keyspace);
    }

    // True: it expires before everything else.
    bool Remember(KeyspaceId keyspace, byte[] key, SystemTime left = default)
    {
        var expiry = SystemTime.None;
        if (_reader.TryRead(_headKey.HeadOf(keyspace, key), out var row)) expiry = row.Expiry;
        else if (left != SystemTime.None && left <= _server.Database.Clock.Now) expiry = left;
        _expiries.TryGetValue(keyspace, out var keys);
        if (expiry == SystemTime.None)
        {
            keys?.Remove(key);
            return false;
        }
        if (keys is null) _expiries[keyspace] = keys = new(KeyComparer.Instance);
        if (keys.TryGetValue(key, out var before) && before == expiry) return false;
        keys[key] = expiry;
        _queue.Enqueue((keyspace, key), expiry);
        // What was remembered before and no longer holds stays in the queue until its time; not so much that it would be most of it.
        if (_queue.Count > 1024 && _queue.Count > 4 * _expiries.Values.Sum(k => k.Count)) Rebuild();
        if (expiry >= _next) return false;
        _next = expiry;
        return true;
    }

    void Rebuild()
    {
        _queue.Clear();
        foreach (var (keyspace, keys) in _expiries)
            foreach (var (key, expiry) in keys) _queue.Enqueue((keyspace, key), expiry);
    }

    async Task RunAsync(CancellationToken cancellation)
    {
        await _server.Scheduler.Yield();
        Walk(cancellation);
        while (!cancellation.IsCancellationRequested)
        {
            SystemTime next;
            lock (_gate) next = _next = _queue.TryPeek(out _, out var first) ? first : SystemTime.Max;
            var now = _server.Database.Clock.Now;
            if (next <= now && _server.TellsExpiry)
            {
                Tell(now);
                await _server.Scheduler.Yield();
                continue;
            }
            var wait = next == SystemTime.Max || !_server.TellsExpiry ? NothingDue
                : TimeSpan.FromMicroseconds(Math.Min(next.Microseconds - now.Microseconds + 1, (ulong)NothingDue.TotalMicroseconds));
            await _changed.WaitUntilAsync(() => _next != next || cancellation.IsCancellationRequested, wait);
        }
    }

    // Looks at the switch again: DEBUG SET-ACTIVE-EXPIRE.
    public void Wake()
    {
        lock (_gate) _next = SystemTime.None;
        _changed.Raise();
    }

    void Walk(CancellationToken cancellation)
    {
        var reader = new ViewReader(_server.Database.Router) { Time = _server.Database.Clock.Now };
        for (var i = 0; i < _server.Databases.Count; i++)
        {
            if (!_server.Databases.TryIdOf(i, out var keyspace)) continue;
            HeadWalk.Run(reader, keyspace, default, (key, _, expiry) =>
            {
                if (expiry == SystemTime.None) return !cancellation.IsCancellationRequested;
                var own = key.ToArray();
                lock (_gate)
                    if (_isOn) Remember(keyspace, own);
                return !cancellation.IsCancellationRequested;
            });
        }
    }

    void Tell(SystemTime now)
    {
        var expired = new List<KeySignal>();
        lock (_gate)
        {
            while (expired.Count < PortionMax && _queue.TryPeek(out var item, out var at) && at <= now)
            {
                _queue.Dequeue();
                if (!_expiries.TryGetValue(item.Keyspace, out var keys) || !keys.TryGetValue(item.Key, out var expiry) || expiry != at) continue;
                keys.Remove(item.Key);
                if (_reader.TryRead(_headKey.HeadOf(item.Keyspace, item.Key), out _)) Remember(item.Keyspace, item.Key);   // written meanwhile
                else expired.Add(new KeySignal(item.Keyspace, item.Key, "expired", NotificationClass.Expired, false));
            }
        }
        if (expired.Count > 0 && _server.AnyEngine is { } engine) engine.Loop.Post(() => _server.Signals.Publish(engine, expired, null));
    }

    public void Dispose() => Switch(false);
}
