// StreamRows: a stream while a command works on it: its entries by id. What a stream is beside its entries (last id, nodes) lies in its head.
//
//   family 1     id -> number of fields, varint | field, value, ... as packed entries
//   family 2     first id of a node that is full -> the node
//
// Entries are only added behind all others, so a node once left does not grow. The one that grows is in the head: adding an entry writes the entry and
// the head, whatever the stream's length. Walks begin at the first entry that is there (State.First), never among the remains of those that are gone.
//
// Always true after Save: the count is the sum of the nodes' live entries; State.First is the first entry, or 0-0.
// Not here: trimming (StreamRows.Trim), consumer groups (GroupRows). Bytes: docs/formats/structures.md.

using Aevum.Core.Bytes;
using Aevum.Model.Structures;
using Aevum.Server.Resp.Protocol;

namespace Aevum.Server.Resp.Commands.Streams;

/// <summary>Sees one entry. It must not write rows.</summary>
/// <param name="fields">As <see cref="EntryFields"/> reads them. Valid during the call.</param>
/// <returns>False to stop.</returns>
delegate bool EntryVisitor(StreamId id, ReadOnlySpan<byte> fields);

sealed partial class StreamRows : StructureRows
{
    const byte EntryFamily = 1;
    const byte NodeFamily = 2;
    const long NodeBytesMax = 1 << 30;

    StreamState _state;

    protected override StructureKind Kind => StructureKind.Stream;

    protected override int RestBytes => StreamState.Bytes;

    protected override bool IsAlwaysLarge => true;

    /// <summary>True if there is a stream; one without entries is one.</summary>
    public bool IsThere => IsLarge;

    /// <summary>What its head says of it.</summary>
    public ref StreamState State => ref _state;

    /// <summary>Makes a stream where there is none.</summary>
    public void Create()
    {
        _state = default;
        BecomeLarge();
    }

    protected override void ReadRest(ReadOnlySpan<byte> rest) => _state = StreamState.Read(rest);

    protected override void WriteRest(Span<byte> rest) => _state.Write(rest);

    protected override void WriteRows(ReadOnlySpan<byte> packed) => throw Malformed("a stream is packed");

    // ------------------------------------------------------------------------------------------------ reading

    /// <param name="fields">As <see cref="EntryFields"/> reads them. Valid until rows are read.</param>
    /// <returns>False: there is no such entry.</returns>
    public bool TryRead(StreamId id, out ReadOnlySpan<byte> fields)
    {
        fields = default;
        if (Count == 0 || id < _state.First || id > _state.Last || !Call.Rows.TryRead(KeyOf(EntryFamily, id), out var row)) return false;
        fields = row.Bytes;
        return true;
    }

    public bool Contains(StreamId id) => TryRead(id, out _);

    /// <summary>Hands the entries of [first, last] to a visitor.</summary>
    public void Walk(StreamId first, StreamId last, bool descending, EntryVisitor visit)
    {
        if (Count == 0) return;
        if (first < _state.First) first = _state.First;
        if (last > _state.Last) last = _state.Last;
        if (first <= last) WalkRows(EntryFamily, first, last, descending, visit);
    }

    /// <summary>True if there are entries behind an id.</summary>
    public bool HasEntriesBehind(StreamId id)
    {
        if (Count == 0 || _state.Last <= id || !id.TryNext(out var next)) return false;
        var has = false;
        Walk(next, StreamId.Max, descending: false, (_, _) => !(has = true));
        return has;
    }

    /// <summary>True if a range may have more entries than a loop should walk over. Looks at nodes, not at entries.</summary>
    public bool IsSlowToWalk(StreamId first, StreamId last)
    {
        if (Count <= SlowElements || first > last) return false;
        var entries = _state.Tail.First <= last ? (long)_state.Tail.Live : 0;
        WalkRows(NodeFamily, StreamId.Zero, last, descending: true, (id, value) =>
        {
            entries += StreamNode.Read(id, value).Live;
            return entries <= SlowElements && id > first;
        });
        return entries > SlowElements;
    }

    // ------------------------------------------------------------------------------------------------ adding, deleting

    /// <summary>Adds an entry behind all others. The id is greater than all before.</summary>
    /// <param name="from">Fields and values, in turns, from this argument on.</param>
    public void Append(StreamId id, CommandArguments args, int from)
    {
        var fields = (args.Count - from) / 2;
        var size = Varint.Size((ulong)fields);
        for (var i = from; i < args.Count; i++) size += PackedEntries.SizeOf(args[i].Length);
        var row = Call.Scratch(size);
        var at = Varint.Write(row, (uint)fields);
        for (var i = from; i < args.Count; i++) at += PackedEntries.Write(row[at..], args[i]);
        Call.Writes.Put(KeyOf(EntryFamily, id), row);
        Account(id, args, from);
        Count++;
        _state.Added++;
        _state.Last = id;
        if (Count == 1) _state.First = id;
    }

    /// <returns>False: there is no such entry.</returns>
    public bool Delete(StreamId id)
    {
        if (!Contains(id)) return false;
        Call.Writes.Delete(KeyOf(EntryFamily, id));
        Count--;
        if (id > _state.MaxDeleted) _state.MaxDeleted = id;
        if (id >= _state.Tail.First)
        {
            var tail = _state.Tail;
            if (LosesOne(ref tail)) _state.Tail = tail;
            else DropTail();
            return true;
        }
        if (!TryFindNode(id, out var node)) throw Malformed("an entry of a stream lies in no node");
        if (LosesOne(ref node)) PutNode(node);
        else DropNode(node);
        return true;
    }

    /// <summary>To be called once entries were deleted: finds the first one again.</summary>
    public void FindFirst()
    {
        if (Count == 0)
        {
            _state.First = StreamId.Zero;
            return;
        }
        var first = StreamId.Zero;
        WalkRows(EntryFamily, _state.First, _state.Last, descending: false, (id, _) =>
        {
            first = id;
            return false;
        });
        _state.First = first != StreamId.Zero ? first : throw Malformed("a stream has fewer entries than its head says");
    }

    // ------------------------------------------------------------------------------------------------ nodes

    // Counts a new entry in the node that grows, or begins the next one.
    void Account(StreamId id, CommandArguments args, int from)
    {
        var tail = _state.Tail;
        var fields = FieldsOf(args, from);
        if (_state.Nodes > 0 && IsFull(tail, args, from))
        {
            PutNode(tail);
            tail = default;
        }
        if (tail.Size == 0)
        {
            tail = new StreamNode { First = id, Fields = fields, Live = 0, Size = (uint)NodeSize.OfNode(args, from) };
            _state.Nodes++;
        }
        else
        {
            tail.Size += (uint)(NodeSize.OfNumber(tail.Live + 1) - NodeSize.OfNumber(tail.Live));
        }
        tail.Size += (uint)NodeSize.OfEntry(args, from, fields == tail.Fields, id.Milliseconds - tail.First.Milliseconds,
            unchecked(id.Sequence - tail.First.Sequence));
        tail.Live++;
        tail.Last = id;
        _state.Tail = tail;
    }

    bool IsFull(in StreamNode node, CommandArguments args, int from)
    {
        var bytesMax = Call.Settings.StreamNodeBytes.Value;
        if (bytesMax is <= 0 or > NodeBytesMax) bytesMax = NodeBytesMax;
        long bytes = node.Size;
        for (var i = from; i < args.Count; i++) bytes += args[i].Length;
        if (bytes >= bytesMax) return true;
        var entriesMax = Call.Settings.StreamNodeEntries.Value;
        return entriesMax > 0 && (long)node.Live + node.Deleted >= entriesMax;
    }

    // Two entries have the same fields if these are equal; that others share it by chance makes a node a few bytes smaller than it would be.
    static ulong FieldsOf(CommandArguments args, int from)
    {
        if (from + 2 == args.Count) return XxHash3.Compute(args[from]);
        var hash = 0UL;
        for (var i = from; i < args.Count; i += 2) hash = (hash * 0x9E3779B97F4A7C15) ^ XxHash3.Compute(args[i]);
        return hash;
    }

    // False: it has none left, and goes.
    static bool LosesOne(ref StreamNode node)
    {
        if (node.Live <= 1) return false;
        Lose(ref node, 1);
        return true;
    }

    static void Lose(ref StreamNode node, uint entries)
    {
        node.Size += (uint)(NodeSize.OfNumber(node.Live - entries) - NodeSize.OfNumber(node.Live)
            + NodeSize.OfNumber(node.Deleted + entries) - NodeSize.OfNumber(node.Deleted));
        node.Live -= entries;
        node.Deleted += entries;
    }

    bool TryFindNode(StreamId id, out StreamNode node)
    {
        var found = default(StreamNode);
        WalkRows(NodeFamily, StreamId.Zero, id, descending: true, (first, value) =>
        {
            found = StreamNode.Read(first, value);
            return false;
        });
        node = found;
        return found.Size != 0;
    }

    void PutNode(in StreamNode node)
    {
        Span<byte> row = stackalloc byte[StreamNode.Bytes];
        node.Write(row);
        Call.Writes.Put(KeyOf(NodeFamily, node.First), row);
    }

    void DropNode(in StreamNode node)
    {
        Call.Writes.Delete(KeyOf(NodeFamily, node.First));
        _state.Nodes--;
    }

    // The node before it grows again, if it still can.
    void DropTail()
    {
        _state.Nodes--;
        _state.Tail = default;
        if (_state.Nodes == 0) return;
        if (!TryFindNode(StreamId.Max, out var node)) throw Malformed("a stream has fewer nodes than its head says");
        Call.Writes.Delete(KeyOf(NodeFamily, node.First));
        _state.Tail = node;
    }

    // ------------------------------------------------------------------------------------------------ rows

    ReadOnlySpan<byte> KeyOf(byte family, StreamId id)
    {
        id.Write(OwnKey(family, StreamId.Bytes));
        return RowKey(StreamId.Bytes);
    }

    // The rows of a family whose own keys are ids, in [first, last].
    void WalkRows(byte family, StreamId first, StreamId last, bool descending, EntryVisitor visit)
    {
        Span<byte> start = stackalloc byte[StreamId.Bytes], end = stackalloc byte[StreamId.Bytes];
        first.Write(start);
        var hasEnd = last.TryNext(out var next);
        next.Write(end);
        ScanRows(family, start, hasEnd ? end : default, (own, value) => visit(IdOf(own), value), descending);
    }

    static StreamId IdOf(ReadOnlySpan<byte> own) => own.Length == StreamId.Bytes ? StreamId.Read(own) : throw Malformed("an id of a stream");
}
