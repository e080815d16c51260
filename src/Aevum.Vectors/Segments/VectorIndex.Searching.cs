// Searching: the live rows alone, or, as of a moment, the live rows put by then and every history segment whose span covers it. Each is asked for as many as
// are wanted in all; the answers are joined by distance, then id. Allocates nothing, except for more than a few hundred results as of a moment.

using System.Buffers;
using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

public sealed partial class VectorIndex
{
    // Up to here ids seen twice are found by looking at all pairs.
    const int PairsMax = 256;

    /// <summary>The ids nearest to a vector, nearest first.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <param name="results">At most so many are found, and at most K.</param>
    /// <returns>How many were found: K, unless fewer exist or there is less room.</returns>
    /// <exception cref="AevumException">InvalidArgument: not a vector of this index, or a query out of range. HistoryUnavailable: a moment before the
    /// history floor, or an index without history. LimitExceeded: no room for the search's scratch. Closed.</exception>
    public int Search(ReadOnlySpan<float> vector, in VectorQuery query, Span<VectorHit> results)
    {
        var stored = ArrayPool<byte>.Shared.Rent(Shape.Bytes);
        try
        {
            VectorEncoder.Encode(Shape, vector, stored.AsSpan(0, Shape.Bytes));
            return SearchEncoded(stored, query, results);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    /// <summary>The same for components in their own element type.</summary>
    /// <param name="elements"><see cref="VectorShape.ElementBytes"/> bytes.</param>
    public int SearchElements(ReadOnlySpan<byte> elements, in VectorQuery query, Span<VectorHit> results)
    {
        var stored = ArrayPool<byte>.Shared.Rent(Shape.Bytes);
        try
        {
            VectorEncoder.EncodeElements(Shape, elements, stored.AsSpan(0, Shape.Bytes));
            return SearchEncoded(stored, query, results);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    int SearchEncoded(ReadOnlySpan<byte> stored, in VectorQuery query, Span<VectorHit> results)
    {
        ThrowIfClosed();
        var asked = new HnswQuery(query.K)
        {
            Ef = query.Ef, Offset = query.Offset, DistanceMax = query.DistanceMax, Patience = query.Patience, Exact = query.Exact, Ids = query.Filter,
        };
        asked.Validate();
        if (_parts is not null) return SearchParts(stored, asked, query.AsOf?.Value, results);
        if (query.AsOf is { } asOf) return SearchAsOf(stored, asked, asOf.Value, results);
        var room = (int)Math.Min(Math.Min(query.K, results.Length), Count);
        var matches = ArrayPool<VectorMatch>.Shared.Rent(Math.Max(1, room));
        try
        {
            var found = _live.SearchEncoded(stored, asked with { K = room }, matches.AsSpan(0, room));
            for (var i = 0; i < found; i++) results[i] = new(matches[i].Id, matches[i].Distance);
            return found;
        }
        finally
        {
            ArrayPool<VectorMatch>.Shared.Return(matches);
        }
    }

    int SearchAsOf(ReadOnlySpan<byte> stored, in HnswQuery query, ulong asOf, Span<VectorHit> results)
    {
        if (!Options.KeepHistory) throw new AevumException(ErrorCode.HistoryUnavailable, "the index keeps no history");
        RequireAbove(asOf);
        if (asOf == 0) return 0;
        var wanted = Math.Min((long)Math.Min(query.K, results.Length) + query.Offset, int.MaxValue);
        var joined = new JoinedMatches();
        HistorySegment[] history = [];
        // What leaves the live rows from here on is still seen there; what has left them before is in one of the segments.
        var pin = _live.Pin(out var death);
        try
        {
            history = AcquireHistory();
            var all = _live.CountHeld(asOf);
            foreach (var segment in history)
                if (segment.Spans(asOf)) all += segment.Graph.CountHeld(asOf);
            var asked = query with { Offset = 0, AsOf = asOf, Ef = (int)Math.Max(query.Ef == 0 ? _live.Options.EfSearch : query.Ef, wanted) };
            // The graphs where most held first: their answers bound what is looked at in the others.
            Visit(stored, asked, death, history, new(all / 8, long.MaxValue, all), wanted, ref joined);
            Visit(stored, asked, death, history, new(1, all / 8, all), wanted, ref joined);
            // Each has given what its walk found. Only where all together have too little, they are asked for all they have.
            if (!joined.IsWhole && joined.CountNamed(wanted) < wanted)
            {
                joined.Clear();
                Visit(stored, asked, death, history, new(1, long.MaxValue, 0), wanted, ref joined);
            }
            // The floor may have passed the moment while segments were dropped.
            RequireAbove(asOf);
            return joined.Take(query.Offset, results[..(int)Math.Min(query.K, results.Length)]);
        }
        finally
        {
            _live.Unpin(pin);
            foreach (var segment in history) segment.Release();
            joined.Return();
        }
    }
    void RequireAbove(ulong asOf)
    {
        if (asOf < Volatile.Read(ref _floor))
            throw new AevumException(ErrorCode.HistoryUnavailable, $"history as of {asOf} is gone; it is kept from {Volatile.Read(ref _floor)} on");
    }

    // Searches the graphs in which between Least and Most (exclusive) rows held.
    void Visit(
        ReadOnlySpan<byte> stored, in HnswQuery query, uint death, HistorySegment[] history, PastVisit visit, long wanted, ref JoinedMatches joined)
    {
        var farthest = joined.FarthestOf(wanted);
        for (var i = -1; i < history.Length; i++)
        {
            if (i >= 0 && !history[i].Spans(query.AsOf)) continue;
            var graph = i < 0 ? _live : history[i].Graph;
            var held = graph.CountHeld(query.AsOf);
            if (held < visit.Least || held >= visit.Most) continue;
            var asked = query with { Ef = visit.EfOf(query.Ef, held), Bound = graph.BoundOf(farthest), Death = i < 0 ? death : null };
            joined.Add(graph, stored, asked, wanted, visit.IsLax);
        }
    }

    /// <param name="All">How many held in all graphs together; 0: each graph owes a whole answer.</param>
    readonly record struct PastVisit(long Least, long Most, long All)
    {
        const int EfMin = 6;
        const double Margin = 1.5;

        public bool IsLax => All > 0;

        // How many candidates a graph keeps, so that all together keep as many as one graph of what held then would: of the ef nearest a
        // graph has about the share
        // that it has of all; and a margin, because the nearest do not lie as evenly as that.
        public int EfOf(int ef, long held)
        {
            if (!IsLax) return ef;
            var expected = ef * Math.Min(1, held / (double)All);
            return (int)Math.Min(ef, Math.Max(EfMin, Math.Ceiling(expected + (Margin * Math.Sqrt(expected)))));
        }
    }

    // Answers of several graphs, one behind the other in a rented array.
    struct JoinedMatches()
    {
        VectorMatch[] _matches = [];
        int _count;

        /// <summary>Whether every graph has given all it owes.</summary>
        public bool IsWhole { get; private set; } = true;

        public void Clear() => (_count, IsWhole) = (0, true);

        /// <summary>Room for so many matches, which Took then counts.</summary>
        public Span<VectorMatch> Room(int room)
        {
            if (_count + room > _matches.Length)
            {
                var larger = ArrayPool<VectorMatch>.Shared.Rent(Math.Max(2 * _matches.Length, _count + room));
                _matches.AsSpan(0, _count).CopyTo(larger);
                Return();
                _matches = larger;
            }
            return _matches.AsSpan(_count, room);
        }

        public void Took(int count) => _count += count;

        public void Add(HnswIndex graph, ReadOnlySpan<byte> stored, in HnswQuery query, long wanted, bool isLax)
        {
            var room = (int)Math.Min(wanted, graph.RowCount);
            if (room == 0) return;
            Took(graph.SearchPast(stored, query with { K = room }, isLax, Room(room), out var isWhole));
            IsWhole &= isWhole;
        }

        /// <summary>The distance of the last of so many ids; infinity where there are fewer.</summary>
        public readonly float FarthestOf(long wanted)
        {
            if (_count < wanted || wanted > PairsMax) return float.PositiveInfinity;
            var all = _matches.AsSpan(0, _count);
            all.Sort(default(ByDistance));
            var count = 0L;
            for (var i = 0; i < all.Length; i++)
                if (!IsNamed(all[..i], all[i].Id) && ++count == wanted) return all[i].Distance;
            return float.PositiveInfinity;
        }

        /// <summary>How many ids there are, at least; no more are counted than <paramref name="most"/>.</summary>
        public readonly long CountNamed(long most)
        {
            if (_count < most) return _count;
            var all = _matches.AsSpan(0, _count);
            var named = _count > PairsMax ? new HashSet<ulong>() : null;
            var count = 0L;
            for (var i = 0; i < all.Length && count < most; i++)
                if (named is null ? !IsNamed(all[..i], all[i].Id) : named.Add(all[i].Id)) count++;
            return count;
        }

        public readonly int Take(int offset, Span<VectorHit> results)
        {
            var all = _matches.AsSpan(0, _count);
            all.Sort(default(ByDistance));
            var named = _count > PairsMax ? new HashSet<ulong>() : null;
            var (found, passed) = (0, 0);
            for (var i = 0; i < all.Length && found < results.Length; i++)
            {
                if (named is null ? IsNamed(all[..i], all[i].Id) : !named.Add(all[i].Id)) continue;
                if (passed++ >= offset) results[found++] = new(all[i].Id, all[i].Distance);
            }
            return found;
        }

        public readonly void Return()
        {
            if (_matches.Length > 0) ArrayPool<VectorMatch>.Shared.Return(_matches);
        }

        static bool IsNamed(ReadOnlySpan<VectorMatch> before, ulong id)
        {
            foreach (var match in before)
                if (match.Id == id) return true;
            return false;
        }
    }

    readonly struct ByDistance : IComparer<VectorMatch>
    {
        public int Compare(VectorMatch x, VectorMatch y) => x.Distance != y.Distance ? x.Distance.CompareTo(y.Distance) : x.Id.CompareTo(y.Id);
    }
}
