// AclLog: what was refused to whom, the newest first; the same again within a minute is counted, not listed again.


namespace Aevum.Server.Resp.Access;

sealed class AclLog(RespServer server)
{
    static readonly TimeSpan SameWithin = TimeSpan.FromSeconds(60);

    sealed class Entry
    {
        public required AclDenial? Denial { get; init; }

        public required string Context { get; init; }

        public required string Object { get; init; }

        public required string User { get; init; }

        public required string Client { get; set; }

        public long Count { get; set; } = 1;

        public long At { get; set; }
    }

    readonly Lock _gate = new();
    readonly LinkedList<Entry> _entries = [];

    /// <param name="denial">Null: who it is could not be shown.</param>
    public void Add(RespClient client, AclDenial? denial, string what, string user, bool inTransaction)
    {
        var now = server.Timestamp;
        var context = inTransaction ? "multi" : "toplevel";
        lock (_gate)
        {
            for (var node = _entries.First; node is not null; node = node.Next)
            {
                var entry = node.Value;
                if (entry.Denial != denial || entry.Object != what || entry.User != user || entry.Context != context
                    || server.Scheduler.Time.GetElapsedTime(entry.At, now) > SameWithin) continue;
                entry.Count++;
                entry.At = now;
                entry.Client = client.Describe();
                _entries.Remove(node);
                _entries.AddFirst(node);
                return;
            }
            _entries.AddFirst(new Entry { Denial = denial, Context = context, Object = what, User = user, Client = client.Describe(), At = now });
            while (_entries.Count > server.Settings.AclLogLength.Value) _entries.RemoveLast();
        }
    }

    public void Clear()
    {
        lock (_gate) _entries.Clear();
    }

    public void Write(Protocol.ReplyWriter reply, long count)
    {
        lock (_gate)
        {
            var shown = _entries.Take((int)Math.Min(count, int.MaxValue)).ToArray();
            reply.Array(shown.Length);
            foreach (var entry in shown)
            {
                reply.Map(7);
                reply.Bulk("count"u8);
                reply.Integer(entry.Count);
                reply.Bulk("reason"u8);
                reply.Bulk(entry.Denial switch { null => "auth"u8, AclDenial.Key => "key"u8, AclDenial.Channel => "channel"u8, _ => "command"u8 });
                reply.Bulk("context"u8);
                reply.Bulk(entry.Context);
                reply.Bulk("object"u8);
                reply.Bulk(entry.Object);
                reply.Bulk("username"u8);
                reply.Bulk(entry.User);
                reply.Bulk("age-seconds"u8);
                reply.Double(Math.Round(server.Scheduler.Time.GetElapsedTime(entry.At, server.Timestamp).TotalSeconds, 3));
                reply.Bulk("client-info"u8);
                reply.Bulk(entry.Client);
            }
        }
    }
}
