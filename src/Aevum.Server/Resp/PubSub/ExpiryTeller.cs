// ExpiryTeller: says "expired" when a key's time is over. Expiry is a property of the view: at its moment a key is gone for whoever looks, and nothing
// happens anywhere that could be told. So while somebody wants to hear of it (notify-keyspace-events with x, or clients that keep copies), the keys
// that have an expiry are remembered here, in memory, in the order of their times:
//
//   switched on      a walk over all databases remembers what expires
//   each commit      the keys it touched are looked at anew (Follow): what they hold now says whether and when they expire; of one that holds nothing any
//                    more the command that left it says whether it has expired since. A key that had expired when it was written, and was not told yet, is
//                    told then: whoever writes one that is gone for him hears of that first
//   at its time      a key that is gone, or was written when it was, and whose expiry was the one remembered, is told as expired, once
//   switched off     everything is forgotten
//
// A commit has several signals of one key, and they come as late as the disk takes: an expiry that was told stays known for a while, so that none of them
// has it told again (ToldMax).
//
// Cost while it is on: one read for each signal of a key, and one entry for each key with an expiry. None while it is off.
// Keys that expired while nobody wanted to hear are never told. After a commit each looks at the present under the lock, so of two loops that wrote one
// key the later one sees what holds.

using Aevum.Core.Bytes;
using Aevum.Core.Errors;
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
    const int ToldMax = 4096;
    static readonly TimeSpan NothingDue = TimeSpan.FromSeconds(60);
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    readonly RespServer _server;
    readonly Signal _changed;
    readonly Lock _gate = new();
    readonly Dictionary<KeyspaceId, Dictionary<byte[], SystemTime>> _expiries = [];
    readonly PriorityQueue<(KeyspaceId Keyspace, byte[] Key), SystemTime> _queue = new();
    readonly Dictionary<(KeyspaceId Keyspace, byte[] Key), SystemTime> _told = new(RememberedKeyComparer.Instance);
    readonly Queue<(KeyspaceId Keyspace, byte[] Key, SystemTime Expiry)> _toldOrder = new();
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
                _told.Clear();
                _toldOrder.Clear();
                _next = SystemTime.Max;
            }
        }
        ended?.Cancel();
    }

    /// <summary>Looks at a key that was written.</summary>
    /// <param name="at">When.</param>
    /// <param name="left">The expiry with which it was left, which may be over by now.</param>
    /// <returns>True: it had expired before that, and nobody was told: the caller does it.</returns>
    public bool Follow(KeyspaceId keyspace, byte[] key, SystemTime at, SystemTime left)
    {
        if (!_isOn) return false;
        bool isSooner, hadExpired;
        try
        {
            lock (_gate) isSooner = Remember(keyspace, key, at, left, out hadExpired);
        }
        catch (AevumException)
        {
            return false;   // the disk fails: what was remembered stays, and is looked at in its time
        }
        if (isSooner) _changed.Raise();
        return hadExpired;
    }

    /// <summary>All keys of a database have gone.</summary>
    public void Forget(KeyspaceId keyspace)
    {
        lock (_gate) _expiries.Remove(keyspace);
    }

    // True: it expires before everything else.
    bool Remember(KeyspaceId keyspace, byte[] key, SystemTime at, SystemTime left, out bool hadExpired)
    {
        hadExpired = false;
        var exists = _reader.TryRead(_headKey.HeadOf(keyspace, key), out var row);
        var expiry = exists ? row.Expiry : SystemTime.None;
        _expiries.TryGetValue(keyspace, out var keys);
        var before = keys?.GetValueOrDefault(key) ?? SystemTime.None;
        if (!exists && left != SystemTime.None && left <= _server.Database.Clock.Now)
        {
            if (_told.GetValueOrDefault((keyspace, key)) == left) return false;
            expiry = left;
        }
        if (before != SystemTime.None && before != expiry && before <= at)
        {
            hadExpired = true;
            NoteTold(keyspace, key, before);
        }
        if (expiry == SystemTime.None)
        {
            keys?.Remove(key);
            return false;
        }
        if (before == expiry) return false;
        if (keys is null) _expiries[keyspace] = keys = new(KeyComparer.Instance);
        keys[key] = expiry;
        _queue.Enqueue((keyspace, key), expiry);
        // What was remembered before and no longer holds stays in the queue until its time; not so much that it would be most of it.
        if (_queue.Count > 1024 && _queue.Count > 4 * _expiries.Values.Sum(k => k.Count)) Rebuild();
        if (expiry >= _next) return false;
        _next = expiry;
        return true;
    }

    void NoteTold(KeyspaceId keyspace, byte[] key, SystemTime expiry)
    {
        _told[(keyspace, key)] = expiry;
        _toldOrder.Enqueue((keyspace, key, expiry));
        if (_toldOrder.Count <= ToldMax) return;
        var oldest = _toldOrder.Dequeue();
        if (_told.GetValueOrDefault((oldest.Keyspace, oldest.Key)) == oldest.Expiry) _told.Remove((oldest.Keyspace, oldest.Key));
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
        while (!TryLook(() => Walk(cancellation))) await _server.Scheduler.Delay(Pause, cancellation);
        while (!cancellation.IsCancellationRequested)
        {
            SystemTime next;
            lock (_gate) next = _next = _queue.TryPeek(out _, out var first) ? first : SystemTime.Max;
            var now = _server.Database.Clock.Now;
            if (next <= now && _server.TellsExpiry)
            {
                if (TryLook(() => Tell(now))) await _server.Scheduler.Yield();
                else await _server.Scheduler.Delay(Pause, cancellation);
                continue;
            }
            var wait = next == SystemTime.Max || !_server.TellsExpiry ? NothingDue
                : TimeSpan.FromMicroseconds(Math.Min(next.Microseconds - now.Microseconds + 1, (ulong)NothingDue.TotalMicroseconds));
            await _changed.WaitUntilAsync(() => _next != next || cancellation.IsCancellationRequested, wait);
        }
    }

    // A disk that fails now may work again.
    static bool TryLook(Action look)
    {
        try
        {
            look();
            return true;
        }
        catch (AevumException)
        {
            return false;
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
        try
        {
            _server.Database.Router.HoldNow().Dispose();   // what was decided before anybody wanted to hear may have to come to light yet
        }
        catch (AevumException)
        {
            // The log has stopped: nothing comes to light any more.
        }
        var reader = new ViewReader(_server.Database.Router) { Time = _server.Database.Clock.Now };
        for (var i = 0; i < _server.Databases.Count; i++)
        {
            if (!_server.Databases.TryIdOf(i, out var keyspace)) continue;
            HeadWalk.Run(reader, keyspace, default, (key, head, expiry) =>
            {
                if (expiry == SystemTime.None) return !cancellation.IsCancellationRequested;
                var own = key.ToArray();
                lock (_gate)
                    if (_isOn) Remember(keyspace, own, default, expiry, out _);
                return !cancellation.IsCancellationRequested;
            });
        }
    }

    void Tell(SystemTime now)
    {
        var expired = new List<KeySignal>();
        try
        {
            lock (_gate)
                while (expired.Count < PortionMax && _queue.TryPeek(out var item, out var at) && at <= now) LookAtDue(item.Keyspace, item.Key, at, expired);
        }
        finally
        {
            if (expired.Count > 0 && _server.AnyEngine is { } engine) engine.Loop.Post(() => _server.Signals.Publish(engine, expired, null));
        }
    }

    // The first of the queue. It goes from there when all that is to be read was read.
    void LookAtDue(KeyspaceId keyspace, byte[] key, SystemTime at, List<KeySignal> expired)
    {
        if (!_expiries.TryGetValue(keyspace, out var keys) || !keys.TryGetValue(key, out var expiry) || expiry != at)
        {
            _queue.Dequeue();
            return;
        }
        var exists = _reader.TryRead(_headKey.HeadOf(keyspace, key), out var row);   // written meanwhile
        _queue.Dequeue();
        keys.Remove(key);
        if (!exists || at <= row.Version)
        {
            expired.Add(KeySignal.OfExpired(keyspace, key));
            NoteTold(keyspace, key, at);
        }
        if (exists) Remember(keyspace, key, default, default, out _);
    }

    public void Dispose() => Switch(false);
}

sealed class RememberedKeyComparer : IEqualityComparer<(KeyspaceId Keyspace, byte[] Key)>
{
    public static RememberedKeyComparer Instance { get; } = new();

    public bool Equals((KeyspaceId Keyspace, byte[] Key) x, (KeyspaceId Keyspace, byte[] Key) y) =>
        x.Keyspace == y.Keyspace && KeyComparer.Instance.Equals(x.Key, y.Key);

    public int GetHashCode((KeyspaceId Keyspace, byte[] Key) one) => HashCode.Combine(one.Keyspace, KeyComparer.Instance.GetHashCode(one.Key));
}
