// StreamRows, trimming: entries go from the beginning, whole nodes first, and the range of them is deleted at once. An exact trim goes on inside the
// node in which it must end; an approximate one stops before it.

using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Streams;

sealed partial class StreamRows
{
    // Rows that go together from which on one range is deleted, not each. Until it is compacted away every scan in the keyspace looks at a range once, so
    // trims of every day must not leave one each: with 1,000 of them an XRANGE took 630 us of CPU, without 6.
    const int RangeDeleteMin = 4096;
    const int NodesAtOnce = 64;

    /// <summary>Takes entries away from the beginning.</summary>
    /// <returns>How many went.</returns>
    public long Trim(in StreamTrim trim)
    {
        var before = Count;
        if (!trim.IsWanted || before == 0 || (trim.ByLength ? before <= trim.LengthMax : _state.First >= trim.FirstKept)) return 0;
        var isWithin = DropNodes(trim, trim.LimitOr(Call.Settings.StreamNodeEntries.Value), before, out var stays);
        var wholeNodes = before - Count;
        // Everything up to this goes; what stays begins behind it, perhaps it is known where.
        StreamId? kept = null;
        var last = stays is { } next ? Before(next.First) : _state.Last;
        var isDeleted = false;
        if (isWithin)
        {
            var node = stays!.Value;
            var some = FindWithin(trim, node, ref last, out kept);
            Count -= some.Count;
            Lose(ref node, (uint)some.Count);
            if (node.First == _state.Tail.First) _state.Tail = node;
            else PutNode(node);
            if (wholeNodes == 0 && some.Count < RangeDeleteMin)
            {
                foreach (var id in some) Call.Writes.Delete(KeyOf(EntryFamily, id));
                isDeleted = true;
            }
        }
        if (Count == before) return 0;
        if (!isDeleted) DeleteEntries(_state.First, last);
        _state.First = kept ?? last;
        if (kept is null) FindFirst();
        return before - Count;
    }

    // Drops the nodes that go whole. True: the one that stays has to lose entries too.
    bool DropNodes(in StreamTrim trim, long limit, long before, out StreamNode? stays)
    {
        var dropped = new List<StreamId>();
        var from = StreamId.Zero;
        stays = null;
        var isWithin = false;
        var atOnce = 2;   // where every XADD trims there are one or two
        while (stays is null && _state.Nodes - dropped.Count > 1)
        {
            var nodes = SomeNodes(from, atOnce);
            foreach (var node in nodes)
            {
                if (!GoesWhole(trim, limit, before, node, out isWithin))
                {
                    stays = node;
                    break;
                }
                Count -= node.Live;
                dropped.Add(node.First);
            }
            if (!nodes[^1].First.TryNext(out from)) break;
            atOnce = NodesAtOnce;
        }
        if (dropped.Count >= RangeDeleteMin) DeleteRange(NodeFamily, dropped[0], dropped[^1]);
        else
            foreach (var node in dropped) Call.Writes.Delete(KeyOf(NodeFamily, node));
        _state.Nodes -= (uint)dropped.Count;
        if (stays is not null) return isWithin;
        if (!GoesWhole(trim, limit, before, _state.Tail, out isWithin))
        {
            stays = _state.Tail;
            return isWithin;
        }
        Count -= _state.Tail.Live;
        _state.Tail = default;
        _state.Nodes = 0;
        return false;
    }

    // False: the node stays; it may have to lose entries.
    bool GoesWhole(in StreamTrim trim, long limit, long before, in StreamNode node, out bool isWithin)
    {
        isWithin = false;
        if (trim.ByLength && Count <= trim.LengthMax) return false;
        if (limit > 0 && before - Count + node.Live > limit) return false;
        if (trim.ByLength ? Count - node.Live >= trim.LengthMax : node.Last < trim.FirstKept) return true;
        isWithin = !trim.IsApproximate;
        return false;
    }

    // The entries of a node that go. Everything up to last goes; the first to stay, if it is of the node.
    List<StreamId> FindWithin(StreamTrim trim, in StreamNode node, ref StreamId last, out StreamId? kept)
    {
        var some = new List<StreamId>();
        var count = Count;
        StreamId? stays = null;
        WalkRows(EntryFamily, node.First > _state.First ? node.First : _state.First, node.Last, descending: false, (id, _) =>
        {
            if (trim.ByLength ? count - some.Count <= trim.LengthMax : id >= trim.FirstKept)
            {
                stays = id;
                return false;
            }
            some.Add(id);
            return true;
        });
        kept = stays;
        if (some.Count > 0) last = stays is { } first ? Before(first) : node.Last;
        return some;
    }

    List<StreamNode> SomeNodes(StreamId from, int count)
    {
        var nodes = new List<StreamNode>(count);
        WalkRows(NodeFamily, from, StreamId.Max, descending: false, (id, value) =>
        {
            nodes.Add(StreamNode.Read(id, value));
            return nodes.Count < count;
        });
        return nodes.Count > 0 ? nodes : throw Malformed("a stream has fewer nodes than its head says");
    }

    // Both ends belong to the range.
    void DeleteEntries(StreamId first, StreamId last)
    {
        var few = new List<StreamId>();
        WalkRows(EntryFamily, first, last, descending: false, (id, _) =>
        {
            few.Add(id);
            return few.Count < RangeDeleteMin;
        });
        if (few.Count == RangeDeleteMin) DeleteRange(EntryFamily, first, last);
        else
            foreach (var id in few) Call.Writes.Delete(KeyOf(EntryFamily, id));
    }

    void DeleteRange(byte family, StreamId first, StreamId last)
    {
        Span<byte> start = stackalloc byte[StreamId.Bytes], end = stackalloc byte[StreamId.Bytes + 1];
        first.Write(start);
        last.Write(end);
        end[StreamId.Bytes] = 0;   // the first key behind the last one
        DeleteRows(family, start, end);
    }

    // The id before; there is one, for it is an entry's that is not the first.
    static StreamId Before(StreamId id) => id.TryPrevious(out var previous) ? previous : StreamId.Zero;
}
