// StreamRows, rows of consumer groups, one by one. What they count of each other is kept right by StreamGroup.
//
//   family 3     name -> the group
//   family 4     group's number | consumer's name -> the consumer
//   family 5     group's number | id -> a pending entry: when delivered, how often, to whom
//   family 6     group's number | length of the consumer's name | its name | id -> nothing: the pending entries of one consumer, in order

using System.Buffers.Binary;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>A pending entry on its own.</summary>
readonly record struct PendingEntry(StreamId Id, long Delivered, long Deliveries, byte[] Consumer);

sealed partial class StreamRows
{
    const byte GroupFamily = 3;
    const byte ConsumerFamily = 4;
    const byte PendingFamily = 5;
    const byte OwnedFamily = 6;
    const int NumberBytes = sizeof(uint);

    /// <summary>The rows of groups and consumers: from the first key to before the last. Every change of a group writes one of them.</summary>
    public static (byte[] Start, byte[] End) GroupRange(ReadOnlySpan<byte> home, ulong incarnation)
    {
        var (start, end) = (new byte[home.Length + StructureKey.ElementPrefixBytes], new byte[home.Length + StructureKey.ElementPrefixBytes]);
        home.CopyTo(start);
        home.CopyTo(end);
        StructureKey.WriteElementPrefix(start.AsSpan(home.Length), incarnation, GroupFamily);
        StructureKey.WriteElementPrefix(end.AsSpan(home.Length), incarnation, ConsumerFamily + 1);
        return (start, end);
    }

    // ------------------------------------------------------------------------------------------------ groups

    public bool TryReadGroup(ReadOnlySpan<byte> name, out StreamGroupState group)
    {
        group = default;
        if (_state.Groups == 0 || !Call.Rows.TryRead(GroupKey(name), out var row)) return false;
        group = StreamGroupState.Parse(row.Bytes);
        return true;
    }

    public void PutGroup(ReadOnlySpan<byte> name, in StreamGroupState group)
    {
        Span<byte> row = stackalloc byte[StreamGroupState.Bytes];
        group.Write(row);
        Call.Writes.Put(GroupKey(name), row);
    }

    /// <summary>Makes a group of a name that none has.</summary>
    public void AddGroup(ReadOnlySpan<byte> name, StreamId last, long read) => PutGroup(name, NextGroup(last, read));

    /// <summary>Counts one group more, whose row is still to be put.</summary>
    public StreamGroupState NextGroup(StreamId last, long read)
    {
        _state.Groups++;
        return new StreamGroupState { Number = ++_state.GroupNumber, Last = last, Read = read };
    }

    /// <summary>Takes a group away with its consumers and all they have pending.</summary>
    public void DropGroup(ReadOnlySpan<byte> name, in StreamGroupState group)
    {
        _state.Groups--;
        Call.Writes.Delete(GroupKey(name));
        if (group.Consumers == 0) return;
        Span<byte> start = stackalloc byte[NumberBytes], end = stackalloc byte[NumberBytes];
        BinaryPrimitives.WriteUInt32BigEndian(start, group.Number);
        BinaryPrimitives.WriteUInt32BigEndian(end, group.Number + 1);
        DeleteRows(ConsumerFamily, start, end);
        if (group.Pending == 0) return;
        DeleteRows(PendingFamily, start, end);
        DeleteRows(OwnedFamily, start, end);
    }

    /// <summary>All groups, in the order of their names.</summary>
    public List<(byte[] Name, StreamGroupState Group)> ReadGroups()
    {
        var groups = new List<(byte[], StreamGroupState)>();
        if (_state.Groups == 0) return groups;
        ScanRows(GroupFamily, default, default, (name, row) =>
        {
            groups.Add((name.ToArray(), StreamGroupState.Parse(row)));
            return true;
        });
        return groups;
    }

    // ------------------------------------------------------------------------------------------------ consumers

    public bool TryReadConsumer(uint group, ReadOnlySpan<byte> name, out StreamConsumerState consumer)
    {
        consumer = default;
        if (!Call.Rows.TryRead(ConsumerKey(group, name), out var row)) return false;
        consumer = StreamConsumerState.Parse(row.Bytes);
        return true;
    }

    public void PutConsumer(uint group, ReadOnlySpan<byte> name, in StreamConsumerState consumer)
    {
        Span<byte> row = stackalloc byte[StreamConsumerState.Bytes];
        consumer.Write(row);
        Call.Writes.Put(ConsumerKey(group, name), row);
    }

    public void DeleteConsumer(uint group, ReadOnlySpan<byte> name) => Call.Writes.Delete(ConsumerKey(group, name));

    /// <summary>All consumers of a group, in the order of their names.</summary>
    public List<(byte[] Name, StreamConsumerState Consumer)> ReadConsumers(in StreamGroupState group)
    {
        var consumers = new List<(byte[], StreamConsumerState)>();
        if (group.Consumers == 0) return consumers;
        Span<byte> start = stackalloc byte[NumberBytes], end = stackalloc byte[NumberBytes];
        BinaryPrimitives.WriteUInt32BigEndian(start, group.Number);
        BinaryPrimitives.WriteUInt32BigEndian(end, group.Number + 1);
        ScanRows(ConsumerFamily, start, end, (own, row) =>
        {
            consumers.Add((own[NumberBytes..].ToArray(), StreamConsumerState.Parse(row)));
            return true;
        });
        return consumers;
    }

    // ------------------------------------------------------------------------------------------------ pending entries

    /// <param name="pending">Valid until rows are read.</param>
    public bool TryReadPending(uint group, StreamId id, out StreamPendingState pending)
    {
        pending = default;
        if (!Call.Rows.TryRead(PendingKey(group, id), out var row)) return false;
        pending = StreamPendingState.Parse(row.Bytes);
        return true;
    }

    public void PutPending(uint group, StreamId id, in StreamPendingState pending)
    {
        var size = StreamPendingState.Bytes + pending.Consumer.Length;
        Span<byte> row = size <= 256 ? stackalloc byte[size] : new byte[size];
        pending.Write(row);
        Call.Writes.Put(PendingKey(group, id), row);
    }

    public void DeletePending(uint group, StreamId id) => Call.Writes.Delete(PendingKey(group, id));

    public void PutOwned(uint group, ReadOnlySpan<byte> consumer, StreamId id) => Call.Writes.Put(OwnedKey(group, consumer, id), default);

    public void DeleteOwned(uint group, ReadOnlySpan<byte> consumer, StreamId id) => Call.Writes.Delete(OwnedKey(group, consumer, id));

    /// <summary>Pending entries of a group with ids in [first, last].</summary>
    /// <param name="max">At most so many.</param>
    public List<PendingEntry> ReadPending(uint group, StreamId first, StreamId last, int max, bool descending = false)
    {
        var some = new List<PendingEntry>();
        if (first > last || max <= 0) return some;
        Span<byte> start = stackalloc byte[NumberBytes + StreamId.Bytes], end = stackalloc byte[NumberBytes + StreamId.Bytes + 1];
        BinaryPrimitives.WriteUInt32BigEndian(start, group);
        first.Write(start[NumberBytes..]);
        BinaryPrimitives.WriteUInt32BigEndian(end, group);
        last.Write(end[NumberBytes..]);
        end[^1] = 0;   // the first key behind the last one
        ScanRows(PendingFamily, start, end, (own, row) =>
        {
            var pending = StreamPendingState.Parse(row);
            some.Add(new PendingEntry(IdOf(own[NumberBytes..]), pending.Delivered, pending.Deliveries, pending.Consumer.ToArray()));
            return some.Count < max;
        }, descending);
        return some;
    }

    /// <summary>Ids of a consumer's pending entries in [first, last].</summary>
    /// <param name="max">At most so many.</param>
    public List<StreamId> ReadOwned(uint group, ReadOnlySpan<byte> consumer, StreamId first, StreamId last, int max)
    {
        var some = new List<StreamId>();
        if (first > last || max <= 0) return some;
        var prefix = NumberBytes + NumberBytes + consumer.Length;
        var start = new byte[prefix + StreamId.Bytes];
        var end = new byte[prefix + StreamId.Bytes + 1];   // the zero at its end: the first key behind the last one
        WriteOwned(start, group, consumer, first);
        WriteOwned(end, group, consumer, last);
        ScanRows(OwnedFamily, start, end, (own, _) =>
        {
            some.Add(IdOf(own[prefix..]));
            return some.Count < max;
        });
        return some;
    }

    // ------------------------------------------------------------------------------------------------ keys

    ReadOnlySpan<byte> GroupKey(ReadOnlySpan<byte> name)
    {
        name.CopyTo(OwnKey(GroupFamily, name.Length));
        return RowKey(name.Length);
    }

    ReadOnlySpan<byte> ConsumerKey(uint group, ReadOnlySpan<byte> name)
    {
        var own = OwnKey(ConsumerFamily, NumberBytes + name.Length);
        BinaryPrimitives.WriteUInt32BigEndian(own, group);
        name.CopyTo(own[NumberBytes..]);
        return RowKey(own.Length);
    }

    ReadOnlySpan<byte> PendingKey(uint group, StreamId id)
    {
        var own = OwnKey(PendingFamily, NumberBytes + StreamId.Bytes);
        BinaryPrimitives.WriteUInt32BigEndian(own, group);
        id.Write(own[NumberBytes..]);
        return RowKey(own.Length);
    }

    ReadOnlySpan<byte> OwnedKey(uint group, ReadOnlySpan<byte> consumer, StreamId id)
    {
        var own = OwnKey(OwnedFamily, NumberBytes + NumberBytes + consumer.Length + StreamId.Bytes);
        WriteOwned(own, group, consumer, id);
        return RowKey(own.Length);
    }

    static void WriteOwned(Span<byte> own, uint group, ReadOnlySpan<byte> consumer, StreamId id)
    {
        BinaryPrimitives.WriteUInt32BigEndian(own, group);
        BinaryPrimitives.WriteUInt32BigEndian(own[NumberBytes..], (uint)consumer.Length);
        consumer.CopyTo(own[(2 * NumberBytes)..]);
        id.Write(own[((2 * NumberBytes) + consumer.Length)..]);
    }
}
