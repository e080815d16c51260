// ChannelHub: who of all loops listens to which channel, and how a message gets to them.
//
//   the hub (here)          for each channel, pattern and shard channel: how many listen, and on which loops. Under a lock; PUBLISH asks it, and has
//                           its number
//   a loop (ChannelTable)   which of its clients listen. No lock
//
// A message goes to the clients of the publisher's loop at once, and to each other loop that has somebody as one posted action: what one loop publishes
// arrives everywhere in its order. Each loop writes it once for each version of the protocol, however many listen.
//
// Always true: what SUBSCRIBE has answered is counted here; a client hears a channel's messages in the order in which one publisher sent them.

using Aevum.Core.Bytes;

namespace Aevum.Server.Resp.PubSub;

enum ChannelKind
{
    Channel = 0,
    Pattern = 1,
    Shard = 2,
}

sealed class ChannelHub
{
    sealed class Audience
    {
        public int Total;
        public readonly Dictionary<RespEngine, int> ByLoop = [];
    }

    readonly Lock _gate = new();
    readonly Dictionary<byte[], Audience>[] _byKind = [new(KeyComparer.Instance), new(KeyComparer.Instance), new(KeyComparer.Instance)];
    int _listened;

    /// <summary>Patterns that somebody listens to.</summary>
    public int PatternCount
    {
        get
        {
            lock (_gate) return _byKind[(int)ChannelKind.Pattern].Count;
        }
    }

    /// <summary>A client of a loop begins (+1) or ends (-1) to listen.</summary>
    public void Count(RespEngine engine, ChannelKind kind, byte[] name, int change)
    {
        lock (_gate)
        {
            var audiences = _byKind[(int)kind];
            if (!audiences.TryGetValue(name, out var audience)) audiences[name] = audience = new Audience();
            audience.Total += change;
            var ofLoop = audience.ByLoop.GetValueOrDefault(engine) + change;
            if (ofLoop == 0) audience.ByLoop.Remove(engine);
            else audience.ByLoop[engine] = ofLoop;
            if (audience.Total == 0) audiences.Remove(name);
            Volatile.Write(ref _listened, _byKind[0].Count + _byKind[1].Count + _byKind[2].Count);
        }
    }

    /// <summary>True if nobody listens to anything. Cheap.</summary>
    public bool IsSilent => Volatile.Read(ref _listened) == 0;

    /// <summary>How many listen to a name, patterns not counted.</summary>
    public int CountOf(ChannelKind kind, byte[] name)
    {
        lock (_gate) return _byKind[(int)kind].TryGetValue(name, out var audience) ? audience.Total : 0;
    }

    /// <summary>Names that somebody listens to.</summary>
    /// <param name="pattern">Empty: all.</param>
    public List<byte[]> Names(ChannelKind kind, byte[]? pattern)
    {
        lock (_gate) return [.. _byKind[(int)kind].Keys.Where(name => pattern is null || Protocol.GlobPattern.Matches(pattern, name))];
    }

    /// <summary>Sends a message to all who listen. On the publisher's loop.</summary>
    /// <param name="kind">Channel or Shard.</param>
    /// <returns>How many it goes to.</returns>
    public int Publish(RespEngine publisher, ChannelKind kind, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message)
    {
        if (IsSilent) return 0;
        var name = channel.ToArray();
        var total = 0;
        HashSet<RespEngine>? loops = null;
        lock (_gate)
        {
            if (_byKind[(int)kind].TryGetValue(name, out var direct)) Add(direct);
            if (kind == ChannelKind.Channel)
            {
                foreach (var (pattern, audience) in _byKind[(int)ChannelKind.Pattern])
                    if (Protocol.GlobPattern.Matches(pattern, name)) Add(audience);
            }
        }
        if (loops is null) return 0;
        var body = message.ToArray();
        foreach (var loop in loops)
        {
            if (loop == publisher) loop.Channels.Deliver(kind, name, body);
            else loop.Loop.Post(() => loop.Channels.Deliver(kind, name, body));
        }
        return total;

        void Add(Audience audience)
        {
            total += audience.Total;
            loops ??= [];
            foreach (var loop in audience.ByLoop.Keys) loops.Add(loop);
        }
    }
}
