// ExpiryTeller: says "expired" when a key's time is over. Expiry is a property of the view: at its moment a key is gone for whoever looks, and nothing
// happens anywhere that could be told. So while somebody wants to hear of it (notify-keyspace-events with x, or clients that keep copies), the keys
// that have an expiry are remembered here, in memory, in the order of their times:
//
//   switched on      a walk over all databases remembers what expires
//   each commit      the keys it touched are looked at anew (Follow): what they hold now says whether and when they expire; of what is over already the
//                    command that left it so says when. A key that had expired when it was written, and was not told yet, is told then: whoever writes
//                    one that is gone for him hears of that first
//   at its time      what was left to expire then, and was neither deleted nor overwritten nor kept before, is told as expired, once
//   switched off     everything is forgotten
//
// Loops tell of their commits each in its own time, and the disk takes some, so a deletion may be heard of long after the time that it forestalled. Whether a
// key lasted until its time is therefore asked of the versions themselves, decided ones that nobody sees yet included: the last write before that time says
// it (Lasted). Where that is not known any more (a compaction took it) what was heard is believed.
//
// What was told stays known for a while, so that none of the several signals of a commit has it told again (ToldMax).
//
// Cost while it is on: one read for each signal of a key, and one entry for each key with an expiry. None while it is off.
// Keys that expired while nobody wanted to hear are never told.

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
    readonly PriorityQueue<(KeyspaceId Keyspace, byte[] Key, bool WasOver), SystemTime> _queue = new();
    readonly HashSet<(KeyspaceId Keyspace, byte[] Key, SystemTime Expiry)> _told = new(ToldComparer.Instance);
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
        if (before != SystemTime.None && before != expiry && before <= at && Lasted(keyspace, key, before) != false)
            hadExpired = NoteTold(keyspace, key, before);
        // Its time was over before anybody heard of it. Told behind the command that left it so.
        var isDue = left != SystemTime.None && left != expiry && left != before && left <= _server.Database.Clock.Now
            && !_told.Contains((keyspace, key, left));
        if (isDue) _queue.Enqueue((keyspace, key, true), left);
        if (expiry == SystemTime.None)
        {
            keys?.Remove(key);
        }
        else if (before != expiry)
        {
            if (keys is null) _expiries[keyspace] = keys = new(KeyComparer.Instance);
            keys[key] = expiry;
            _queue.Enqueue((keyspace, key, false), expiry);
        }
        // What was remembered before and no longer holds stays in the queue until its time; not so much that it would be most of it.
        if (_queue.Count > 1024 && _queue.Count > 4 * _expiries.Values.Sum(k => k.Count)) Rebuild();
        var next = isDue ? left : expiry;
        if (next == SystemTime.None || next >= _next) return false;
        _next = next;
        return true;
    }

    // True if the key held something until a time at which it was to expire: nobody wrote it between being left so and then. Null: that is not known any more.
    bool? Lasted(KeyspaceId keyspace, byte[] key, SystemTime expiry)
    {
        var head = _headKey.HeadOf(keyspace, key);
        return _server.Database.Router.ShardOf(head).TryFindLeft(head, expiry, out var left) ? left == expiry : null;
    }

    // False: it was told already.
    bool NoteTold(KeyspaceId keyspace, byte[] key, SystemTime expiry)
    {
        if (!_told.Add((keyspace, key, expiry))) return false;
        _toldOrder.Enqueue((keyspace, key, expiry));
        if (_toldOrder.Count > ToldMax) _told.Remove(_toldOrder.Dequeue());
        return true;
    }

    // Those that are over stay: the commands that left them so tell of them once.
    void Rebuild()
    {
        var now = _server.Database.Clock.Now;
        var due = new List<((KeyspaceId Keyspace, byte[] Key, bool WasOver) Item, SystemTime At)>();
        while (_queue.TryPeek(out var item, out var at) && at <= now)
        {
            due.Add((item, at));
            _queue.Dequeue();
        }
        _queue.Clear();
        _queue.EnqueueRange(due);
        foreach (var (keyspace, keys) in _expiries)
            foreach (var (key, expiry) in keys)
                if (expiry > now) _queue.Enqueue((keyspace, key, false), expiry);
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
                while (expired.Count < PortionMax && _queue.TryPeek(out var item, out var at) && at <= now)
                    LookAtDue(item.Keyspace, item.Key, item.WasOver, at, expired);
        }
        finally
        {
            if (expired.Count > 0 && _server.AnyEngine is { } engine) engine.Loop.Post(() => _server.Signals.Publish(engine, expired, null));
        }
    }

    // The first of the queue. It goes from there when all that is to be read was read.
    void LookAtDue(KeyspaceId keyspace, byte[] key, bool wasOver, SystemTime at, List<KeySignal> expired)
    {
        var isRemembered = _expiries.TryGetValue(keyspace, out var keys) && keys.TryGetValue(key, out var expiry) && expiry == at;
        var hasLasted = Lasted(keyspace, key, at) ?? (isRemembered || wasOver);
        _queue.Dequeue();
        if (isRemembered) keys!.Remove(key);
        if (hasLasted && NoteTold(keyspace, key, at)) expired.Add(KeySignal.OfExpired(keyspace, key));
    }

    public void Dispose() => Switch(false);
}

sealed class ToldComparer : IEqualityComparer<(KeyspaceId Keyspace, byte[] Key, SystemTime Expiry)>
{
    public static ToldComparer Instance { get; } = new();

    public bool Equals((KeyspaceId Keyspace, byte[] Key, SystemTime Expiry) x, (KeyspaceId Keyspace, byte[] Key, SystemTime Expiry) y) =>
        x.Keyspace == y.Keyspace && x.Expiry == y.Expiry && KeyComparer.Instance.Equals(x.Key, y.Key);

    public int GetHashCode((KeyspaceId Keyspace, byte[] Key, SystemTime Expiry) one) =>
        HashCode.Combine(one.Keyspace, KeyComparer.Instance.GetHashCode(one.Key), one.Expiry);
}
