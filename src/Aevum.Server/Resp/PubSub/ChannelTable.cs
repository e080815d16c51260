// ChannelTable: which clients of one loop listen to what, and what they are sent. On the loop only.

using Aevum.Core.Bytes;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.PubSub;

sealed class ChannelTable(RespEngine engine)
{
    readonly Dictionary<byte[], HashSet<RespClient>>[] _byKind = [new(KeyComparer.Instance), new(KeyComparer.Instance), new(KeyComparer.Instance)];
    readonly ReplyWriter[] _written = [new() { Version = 2 }, new() { Version = 3 }];

    /// <returns>False: the client listens to it already.</returns>
    public bool Add(RespClient client, ChannelKind kind, byte[] name)
    {
        var subscriptions = client.Subscriptions ??= new ClientSubscriptions();
        if (!subscriptions.Of(kind).Add(name)) return false;
        var clients = _byKind[(int)kind];
        if (!clients.TryGetValue(name, out var listeners)) clients[name] = listeners = [];
        listeners.Add(client);
        engine.Server.Channels.Count(engine, kind, name, +1);
        return true;
    }

    /// <returns>False: the client did not listen to it.</returns>
    public bool Remove(RespClient client, ChannelKind kind, byte[] name)
    {
        if (client.Subscriptions is not { } subscriptions || !subscriptions.Of(kind).Remove(name)) return false;
        var clients = _byKind[(int)kind];
        var listeners = clients[name];
        listeners.Remove(client);
        if (listeners.Count == 0) clients.Remove(name);
        engine.Server.Channels.Count(engine, kind, name, -1);
        return true;
    }

    /// <summary>A client listens to nothing any more.</summary>
    public void RemoveAll(RespClient client)
    {
        if (client.Subscriptions is not { } subscriptions) return;
        foreach (var kind in (ReadOnlySpan<ChannelKind>)[ChannelKind.Channel, ChannelKind.Pattern, ChannelKind.Shard])
            foreach (var name in subscriptions.Of(kind).ToArray()) Remove(client, kind, name);
        client.Subscriptions = null;
    }

    /// <summary>Hands a message to the clients of this loop that listen: those of the channel first, then those of patterns.</summary>
    public void Deliver(ChannelKind kind, byte[] channel, byte[] message)
    {
        if (_byKind[(int)kind].TryGetValue(channel, out var listeners)) Send(listeners, kind, [], channel, message);
        if (kind != ChannelKind.Channel) return;
        foreach (var (pattern, those) in _byKind[(int)ChannelKind.Pattern])
            if (GlobPattern.Matches(pattern, channel)) Send(those, ChannelKind.Pattern, pattern, channel, message);
    }

    void Send(HashSet<RespClient> listeners, ChannelKind kind, byte[] pattern, byte[] channel, byte[] message)
    {
        _written[0].Clear();
        _written[1].Clear();
        foreach (var client in listeners)
        {
            var writer = _written[client.Version >= 3 ? 1 : 0];
            if (writer.Length == 0) Write(writer, kind, pattern, channel, message);
            client.Push(writer.Written);
        }
    }

    static void Write(ReplyWriter writer, ChannelKind kind, byte[] pattern, byte[] channel, byte[] message)
    {
        writer.Push(kind == ChannelKind.Pattern ? 4 : 3);
        writer.Bulk(kind switch { ChannelKind.Pattern => "pmessage"u8, ChannelKind.Shard => "smessage"u8, _ => "message"u8 });
        if (kind == ChannelKind.Pattern) writer.Bulk(pattern);
        writer.Bulk(channel);
        writer.Bulk(message);
    }
}

/// <summary>What a client listens to.</summary>
sealed class ClientSubscriptions
{
    readonly HashSet<byte[]>[] _byKind = [new(KeyComparer.Instance), new(KeyComparer.Instance), new(KeyComparer.Instance)];

    public HashSet<byte[]> Of(ChannelKind kind) => _byKind[(int)kind];

    /// <summary>Channels and patterns; shard channels are counted apart.</summary>
    public int Count => _byKind[0].Count + _byKind[1].Count;

    public int ShardCount => _byKind[2].Count;
}
