// StreamDump: a stream into a dump and out of one (docs of the bytes: DumpReader.Streams). The nodes of a dump are made anew, as large as the settings say;
// entries that are gone are in none.

using Aevum.Core.Time;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Commands.Keys.Dumps;

namespace Aevum.Server.Resp.Commands.Streams;

static class StreamDump
{
    /// <summary>Writes a stream, from its type on.</summary>
    public static void Write(DataCall call, StreamRows stream, DumpWriter dump)
    {
        var nodes = NodesOf(call, stream);
        ref var state = ref stream.State;
        dump.Begin(StructureKind.Stream, nodes.Count);
        Span<byte> id = stackalloc byte[StreamId.Bytes];
        foreach (var node in nodes)
        {
            node.First.Write(id);
            dump.String(id);
            dump.String(node.Bytes());
        }
        dump.Number((ulong)stream.Count);
        Id(dump, state.Last);
        Id(dump, state.First);
        Id(dump, state.MaxDeleted);
        dump.Number(state.Added);
        var groups = stream.ReadGroups();
        dump.Number((ulong)groups.Count);
        foreach (var (name, group) in groups) WriteGroup(stream, dump, name, group);
    }

    static void WriteGroup(StreamRows stream, DumpWriter dump, byte[] name, in StreamGroupState group)
    {
        Span<byte> id = stackalloc byte[StreamId.Bytes];
        dump.String(name);
        Id(dump, group.Last);
        dump.Number((ulong)group.Read);
        var all = stream.ReadPending(group.Number, StreamId.Zero, StreamId.Max, group.Pending == 0 ? 0 : int.MaxValue);
        dump.Number((ulong)all.Count);
        foreach (var pending in all)
        {
            pending.Id.Write(id);
            dump.Raw(id);
            dump.Time(pending.Delivered);
            dump.Number((ulong)pending.Deliveries);
        }
        var consumers = stream.ReadConsumers(group);
        dump.Number((ulong)consumers.Count);
        foreach (var (consumer, state) in consumers)
        {
            dump.String(consumer);
            dump.Time(state.Seen);
            var owned = stream.ReadOwned(group.Number, consumer, StreamId.Zero, StreamId.Max, state.Pending == 0 ? 0 : int.MaxValue);
            dump.Number((ulong)owned.Count);
            foreach (var one in owned)
            {
                one.Write(id);
                dump.Raw(id);
            }
        }
    }

    static void Id(DumpWriter dump, StreamId id)
    {
        dump.Number(id.Milliseconds);
        dump.Number(id.Sequence);
    }

    static List<ListpackNode> NodesOf(DataCall call, StreamRows stream)
    {
        var (entriesMax, bytesMax) = (call.Settings.StreamNodeEntries.Value, call.Settings.StreamNodeBytes.Value);
        var nodes = new List<ListpackNode>();
        stream.Walk(StreamId.Zero, StreamId.Max, descending: false, (id, fields) =>
        {
            if (nodes.Count == 0 || (entriesMax > 0 && nodes[^1].Entries >= entriesMax) || (bytesMax > 0 && nodes[^1].Length + fields.Length >= bytesMax))
                nodes.Add(new ListpackNode(id, fields));
            nodes[^1].Add(id, fields);
            return true;
        });
        return nodes;
    }

    /// <summary>Gives a key the stream of a dump, in the place of whatever it holds.</summary>
    public static void Restore(DataCall call, ReadOnlySpan<byte> key, DumpedStream dumped, SystemTime expiry)
    {
        var stream = call.Streams.Replace(key);
        stream.Expiry = expiry;
        stream.Create();
        foreach (var entry in dumped.Entries) stream.Append(entry.Id, new OwnRequest(entry.Fields).Arguments, 0);
        ref var state = ref stream.State;
        state.Last = dumped.Last;
        state.MaxDeleted = dumped.MaxDeleted;
        state.Added = dumped.Added ?? (ulong)dumped.Entries.Count;
        foreach (var group in dumped.Groups)
        {
            var row = stream.NextGroup(group.Last, group.Read ?? state.EntriesUpTo(stream.Count, group.Last));
            foreach (var (name, seen, pending) in group.Consumers)
            {
                stream.PutConsumer(row.Number, name, new StreamConsumerState { Seen = seen, Pending = pending.Count });
                row.Consumers++;
                row.Pending += pending.Count;
                foreach (var one in pending)
                {
                    stream.PutPending(row.Number, one.Id, new StreamPendingState { Delivered = one.Delivered, Deliveries = one.Deliveries, Consumer = name });
                    stream.PutOwned(row.Number, name, one.Id);
                }
            }
            stream.PutGroup(group.Name, row);
        }
        stream.Save();
    }
}
