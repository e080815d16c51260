// TrackingTable: clients that keep copies of what they have read, and are told when it changes (CLIENT TRACKING).
//
//   default mode     the table knows for each key who has read it; a change tells them and forgets them, so each is told once for each read
//   BCAST            a client names prefixes, and is told of every change of keys that begin so, whether it has read them or not
//
// Keys are told without their database, as Redis has it: a client that uses several is told too much, never too little.
//
// Remembered before the read itself, so that a change that the read did not see is told. Broadcasts of one commit are gathered and sent as one message.
// Above tracking-table-max-keys the keys that were remembered first are forgotten, and those who read them are told as if they had changed.
//
// Messages: to the client itself in the third version of the protocol, as a push; else to the client that REDIRECT names, on the channel
// __redis__:invalidate. Under a lock; messages are posted to the loops of those they are for.

using Aevum.Core.Bytes;
using Aevum.Server.Resp.PubSub;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Tracking;

sealed class TrackingTable(RespServer server)
{
    static readonly byte[] Channel = "__redis__:invalidate"u8.ToArray();

    readonly Lock _gate = new();
    readonly Dictionary<byte[], Readers> _readers = new(KeyComparer.Instance);
    readonly Queue<Readers> _order = new();   // as they came; those that have been forgotten meanwhile stand there until they are met
    readonly Dictionary<byte[], HashSet<RespClient>> _prefixes = new(KeyComparer.Instance);
    readonly HashSet<RespClient> _clients = [];
    readonly List<(byte[] Key, RespClient? Writer)> _changed = [];
    long _items;
    int _count;

    // Who has read a key.
    sealed class Readers(byte[] key)
    {
        public byte[] Key => key;

        public HashSet<RespClient> Clients { get; } = [];

        public bool IsForgotten { get; set; }
    }

    /// <summary>Clients that are told of changes.</summary>
    public int Clients => Volatile.Read(ref _count);

    public bool HasClients => Clients > 0;

    /// <summary>Keys somebody has read, pairs of key and reader, and prefixes, for INFO.</summary>
    public (int Keys, long Items, int Prefixes) Counts
    {
        get
        {
            lock (_gate) return (_readers.Count, _items, _prefixes.Count);
        }
    }

    /// <summary>A client begins to be told.</summary>
    public void Add(RespClient client)
    {
        bool isNew;
        lock (_gate)
        {
            isNew = _clients.Add(client);
            Volatile.Write(ref _count, _clients.Count);
            foreach (var prefix in client.Tracking!.Prefixes)
            {
                if (!_prefixes.TryGetValue(prefix, out var those)) _prefixes[prefix] = those = [];
                those.Add(client);
            }
        }
        if (isNew) server.TrackersChanged(+1);
    }

    /// <summary>A client is told no more. What it has read is forgotten as those keys change.</summary>
    public void Remove(RespClient client)
    {
        lock (_gate)
        {
            if (!_clients.Remove(client)) return;
            Volatile.Write(ref _count, _clients.Count);
            foreach (var prefix in client.Tracking!.Prefixes)
            {
                if (!_prefixes.TryGetValue(prefix, out var those) || !those.Remove(client)) continue;
                if (those.Count == 0) _prefixes.Remove(prefix);
            }
            if (_clients.Count == 0)
            {
                ForgetAll();
            }
        }
        server.TrackersChanged(-1);
    }

    /// <summary>A client reads a key.</summary>
    public void Remember(RespClient client, ReadOnlySpan<byte> key)
    {
        List<Readers>? evicted = null;
        lock (_gate)
        {
            if (!_clients.Contains(client)) return;
            if (!_readers.TryGetValue(key.ToArray(), out var readers))
            {
                readers = new Readers(key.ToArray());
                _readers[readers.Key] = readers;
                _order.Enqueue(readers);
            }
            if (readers.Clients.Add(client)) _items++;
            EvictLocked(ref evicted);
        }
        Tell(evicted);
    }

    /// <summary>Fewer keys may be remembered from now on.</summary>
    public void Shrink()
    {
        List<Readers>? evicted = null;
        lock (_gate) EvictLocked(ref evicted);
        Tell(evicted);
    }

    void EvictLocked(ref List<Readers>? evicted)
    {
        var max = server.Settings.TrackedKeysMax.Value;
        while (max > 0 && _readers.Count > max && _order.TryDequeue(out var first))
        {
            if (first.IsForgotten) continue;
            Forget(first.Key);
            (evicted ??= []).Add(first);
        }
        // Keys that come and go again and again would make the queue grow for ever.
        if (_order.Count <= 2 * (_readers.Count + 1024)) return;
        Readers[] left = [.. _order.Where(r => !r.IsForgotten)];
        _order.Clear();
        foreach (var one in left) _order.Enqueue(one);
    }

    void Tell(List<Readers>? evicted)
    {
        foreach (var one in evicted ?? [])
            foreach (var reader in one.Clients) Send(reader, [one.Key]);
    }

    IEnumerable<RespClient> Forget(byte[] key)
    {
        if (!_readers.Remove(key, out var readers)) return [];
        readers.IsForgotten = true;
        _items -= readers.Clients.Count;
        return readers.Clients;
    }

    void ForgetAll()
    {
        _readers.Clear();
        _order.Clear();
        _items = 0;
    }

    /// <summary>A key has changed.</summary>
    /// <param name="writer">Who did it; null: nobody.</param>
    public void Changed(byte[] key, RespClient? writer)
    {
        if (Clients == 0) return;
        List<RespClient>? told = null;
        lock (_gate)
        {
            if (_prefixes.Count > 0) _changed.Add((key, writer));
            foreach (var reader in Forget(key))
            {
                // One that goes by prefixes now has read it before.
                if (reader.Tracking is not { IsBroadcast: false } tracking || (tracking.NoLoop && reader == writer)) continue;
                (told ??= []).Add(reader);
            }
        }
        foreach (var reader in told ?? []) Send(reader, [key]);
    }

    /// <summary>Sends what <see cref="Changed"/> has gathered for prefixes.</summary>
    public void SendBroadcasts(RespEngine engine)
    {
        if (Clients == 0) return;
        var messages = new List<(RespClient, List<byte[]>)>();
        lock (_gate)
        {
            if (_changed.Count == 0) return;
            foreach (var (prefix, those) in _prefixes)
            {
                foreach (var client in those)
                {
                    var keys = _changed.Where(c => c.Key.AsSpan().StartsWith(prefix) && !(client.Tracking is { NoLoop: true } && c.Writer == client))
                        .Select(c => c.Key).Distinct(KeyComparer.Instance).ToList();
                    if (keys.Count > 0) messages.Add((client, keys));
                }
            }
            _changed.Clear();
        }
        foreach (var (client, keys) in messages) Send(client, keys);
    }

    /// <summary>A whole database has gone: nobody's copies hold.</summary>
    public void Flushed(RespEngine engine)
    {
        if (Clients == 0) return;
        RespClient[] all;
        lock (_gate)
        {
            all = [.. _clients];
            ForgetAll();
        }
        foreach (var client in all) Send(client, null);
    }

    // Keys null: all of them.
    void Send(RespClient client, List<byte[]>? keys)
    {
        if (client.Tracking is not { } tracking) return;
        var target = client;
        if (tracking.Redirect != 0)
        {
            target = server.Clients.GetValueOrDefault(tracking.Redirect);
            if (target is null or { IsClosed: true } or { IsClosing: true })
            {
                tracking.IsBroken = true;
                if (client.Version >= 3) client.Engine.Post(() => client.Push(Broken(tracking.Redirect)));
                return;
            }
        }
        var to = target;
        to.Engine.Post(() => Write(to, isRedirected: to != client, keys));
    }

    static void Write(RespClient target, bool isRedirected, List<byte[]>? keys)
    {
        var writer = new ReplyWriter { Version = target.Version };
        if (target.Version >= 3)
        {
            writer.Push(2);
            writer.Bulk("invalidate"u8);
        }
        else
        {
            // The second version has no pushes: only who listens to the channel can be told.
            if (!isRedirected || target.Subscriptions?.Of(ChannelKind.Channel).Contains(Channel) != true) return;
            writer.Push(3);
            writer.Bulk("message"u8);
            writer.Bulk(Channel);
        }
        if (keys is null)
        {
            writer.NullArray();
        }
        else
        {
            writer.Array(keys.Count);
            foreach (var key in keys) writer.Bulk(key);
        }
        target.Push(writer.Written);
    }

    static byte[] Broken(long redirect)
    {
        var writer = new ReplyWriter { Version = 3 };
        writer.Push(2);
        writer.Bulk("tracking-redir-broken"u8);
        writer.Integer(redirect);
        return writer.Written.ToArray();
    }
}

/// <summary>How a client is told of changes.</summary>
sealed class ClientTracking
{
    public bool IsBroadcast { get; init; }

    /// <summary>Of a broadcast: what keys begin with; one empty prefix: all.</summary>
    public List<byte[]> Prefixes { get; init; } = [];

    /// <summary>Only reads behind CLIENT CACHING YES are remembered.</summary>
    public bool OptIn { get; init; }

    /// <summary>Reads behind CLIENT CACHING NO are not remembered.</summary>
    public bool OptOut { get; init; }

    /// <summary>The client's own changes are not told to it.</summary>
    public bool NoLoop { get; init; }

    /// <summary>Whom messages go to; 0: the client itself.</summary>
    public long Redirect { get; init; }

    /// <summary>The client that messages go to has gone.</summary>
    public bool IsBroken { get; set; }

    /// <summary>What CLIENT CACHING said about the next request; null: nothing.</summary>
    public bool? NextCached { get; set; }

    /// <summary>True if what the present request reads is remembered.</summary>
    public bool Remembers => !IsBroadcast && (OptIn ? NextCached == true : OptOut ? NextCached != false : true);
}
