// CollectionIndex, searching: pull, pin the tail, scan it, ask the graph, drop what the tail knows better, and join the two.
//
// The graph may give fewer than wanted once what the tail overrides is dropped; then it is asked for more. Nothing is locked meanwhile but the end of the
// index (_life), so searches run beside each other and beside the indexer.

using System.Buffers;
using System.Collections.Concurrent;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Model.Vectors;
using Aevum.Vectors;

namespace Aevum.Engine.Indexes;

public sealed unsafe partial class CollectionIndex
{
    readonly record struct Found(uint Number, float Distance);

    readonly ConcurrentBag<ExactSearch> _scans = [];

    /// <summary>The nearest rows.</summary>
    /// <exception cref="AevumException">InvalidArgument, LimitExceeded: a question without meaning. HistoryUnavailable: a moment below the history
    /// floor. Closed.</exception>
    public List<VectorAnswer> Search(in VectorQuestion question)
    {
        question.Validate();
        if (question.K == 0) return [];
        if (question.AsOf is { } moment) RequireReadable(moment);
        if (!question.Exact && CanAnswer(question.AsOf))
        {
            _life.EnterReadLock();
            try
            {
                if (!_disposed && TryPull() && CanAnswer(question.AsOf)) return SearchIndex(question);
            }
            finally
            {
                _life.ExitReadLock();
            }
        }
        var view = question.AsOf is { } past ? ReadView.AsOf(past) : ReadView.Present;
        return ExactRows.Search(_shards, _keyspace, _options, view, question);
    }

    /// <summary>The same where there is no index: a database that is open to be read only.</summary>
    public static List<VectorAnswer> SearchRows(
        IShardRouter router, KeyspaceId keyspace, CollectionOptions options, ReadView view, in VectorQuestion question) =>
        ExactRows.Search(router, keyspace, options, view, question);

    /// <summary>How many rows there are now; null: the index cannot tell at present.</summary>
    public long? CountRows()
    {
        if (!TryPull()) return null;
        lock (_pullGate) return Volatile.Read(ref _malformed) == 0 ? _keys.Live : null;
    }

    bool CanAnswer(SystemTime? moment) =>
        _state == IndexState.Following && _refusal is null
            && (moment is not { } at || (_keepsHistory && at.Value >= Volatile.Read(ref _completeFrom)));

    // Refuses what lies below the floor or in the future, and waits until nothing can come to light at the moment any more.
    void RequireReadable(SystemTime moment)
    {
        var (start, end) = KeyLayout.RangeOf(_keyspace);
        foreach (var (shard, partStart, _) in _shards.ShardsOf(start, end)) _ = shard.Read(partStart, ReadView.AsOf(moment), []);
    }

    List<VectorAnswer> SearchIndex(in VectorQuestion question)
    {
        var pin = _tail.Pin();
        try
        {
            var wanted = question.K + question.Offset;
            if (question.AsOf is null) wanted = (int)Math.Min(wanted, _graph!.Count + pin.Count);
            if (wanted <= question.Offset) return [];
            var distanceMax = question.DistanceMax is { } shown ? _shape.FromShown(shown) : float.PositiveInfinity;
            var found = new List<Found>(Math.Min(wanted, 1024));
            if (pin.Count > 0) SearchTail(question, pin, wanted, distanceMax, found);
            var ofTail = found.Count;
            SearchGraph(question, pin, wanted, distanceMax, found);
            if (ofTail > 0) found.Sort(static (x, y) => x.Distance != y.Distance ? x.Distance.CompareTo(y.Distance) : x.Number.CompareTo(y.Number));
            var answers = new List<VectorAnswer>(Math.Min(question.K, found.Count));
            for (var i = question.Offset; i < found.Count && answers.Count < question.K; i++)
                answers.Add(new VectorAnswer(_keys.KeyOf(found[i].Number).ToArray(), _shape.ToShown(found[i].Distance)));
            return answers;
        }
        finally
        {
            _tail.Unpin(pin);
        }
    }

    void SearchTail(in VectorQuestion question, IndexTail.Pinned pin, int wanted, float distanceMax, List<Found> found)
    {
        var query = ArrayPool<byte>.Shared.Rent(_shape.Bytes);
        var bits = ArrayPool<ulong>.Shared.Rent((pin.Count + 63) / 64);
        var most = Math.Min(wanted, pin.Count);
        var nearest = ArrayPool<Neighbour>.Shared.Rent(most);
        if (!_scans.TryTake(out var scan)) scan = new ExactSearch(_shape, _budget);
        try
        {
            VectorEncoder.EncodeElements(_shape, question.Elements.Span, query);
            scan.Begin(query.AsSpan(0, _shape.Bytes), new SearchLimits(most, 0, distanceMax));
            fixed (ulong* words = bits) _tail.Scan(pin, question.AsOf, scan, words);
            var count = scan.Take(0, nearest);
            for (var i = 0; i < count; i++) found.Add(new Found(_tail[pin.From + nearest[i].Row].Number, nearest[i].Distance));
        }
        finally
        {
            _scans.Add(scan);
            ArrayPool<Neighbour>.Shared.Return(nearest);
            ArrayPool<ulong>.Shared.Return(bits);
            ArrayPool<byte>.Shared.Return(query);
        }
    }

    void SearchGraph(in VectorQuestion question, IndexTail.Pinned pin, int wanted, float distanceMax, List<Found> found)
    {
        var ofTail = found.Count;
        for (long asked = wanted; ; asked *= 2)
        {
            var most = question.AsOf is null ? _graph!.Count : _graph!.Statistics() is var all ? all.Count + all.HistoryEntries : 0;
            if (most == 0) return;
            asked = Math.Min(asked, most);
            var matches = ArrayPool<VectorHit>.Shared.Rent((int)asked);
            try
            {
                var query = new VectorQuery((int)asked) { Ef = question.Ef, DistanceMax = distanceMax, AsOf = question.AsOf };
                var count = _graph!.SearchElements(question.Elements.Span, query, matches.AsSpan(0, (int)asked));
                for (var i = 0; i < count && found.Count - ofTail < wanted; i++)
                {
                    var number = (uint)matches[i].Id;
                    if (!_tail.IsOverridden(number, pin, question.AsOf)) found.Add(new Found(number, matches[i].Distance));
                }
                if (count < asked || found.Count - ofTail >= wanted || asked >= most) return;
            }
            finally
            {
                ArrayPool<VectorHit>.Shared.Return(matches);
            }
            found.RemoveRange(ofTail, found.Count - ofTail);
        }
    }
}
