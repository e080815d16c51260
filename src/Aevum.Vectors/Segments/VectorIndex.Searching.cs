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
        var wanted = Math.Min((long)Math.Min(query.K, results.Length) + query.Offset, int.MaxValue);
        if (asOf == 0 || wanted <= query.Offset) return 0;
        var joined = new JoinedMatches((int)wanted);
        HistorySegment[] history = [];
        // What leaves the live rows from here on is still seen there; what has left them before is in one of the segments.
        var pin = _live.Pin(out var death);
        try
        {
            history = AcquireHistory();
            var asked = query with { Offset = 0, AsOf = asOf, IsLax = true, Ef = (int)Math.Max(query.Ef == 0 ? _live.Options.EfSearch : query.Ef, wanted) };
            Visit(stored, asked, death, history, ref joined);
            // Each has given what its walk found. Only where all together have too little, they are asked for all they have.
            if (!joined.IsWhole && joined.Count < wanted)
            {
                joined.Clear();
                Visit(stored, asked with { IsLax = false }, death, history, ref joined);
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

    // Searches all graphs in which rows held, those where most did first: their answers bound what is looked at in the others.
    void Visit(ReadOnlySpan<byte> stored, in HnswQuery query, uint death, HistorySegment[] history, ref JoinedMatches joined)
    {
        var counts = ArrayPool<PastCount>.Shared.Rent(history.Length + 1);
        try
        {
            var all = 0L;
            for (var i = 0; i <= history.Length; i++)
            {
                // The live rows come last.
                counts[i] = i == history.Length ? _live.CountHeld(query.AsOf)
                    : history[i].Spans(query.AsOf) ? history[i].Graph.CountHeld(query.AsOf) : default;
                all += counts[i].Held;
            }
            while (true)
            {
                var next = 0;
                for (var i = 1; i <= history.Length; i++)
                    if (counts[i].Held > counts[next].Held) next = i;
                var count = counts[next];
                if (count.Held == 0) return;
                counts[next] = default;
                var isLive = next == history.Length;
                var graph = isLive ? _live : history[next].Graph;
                var bound = graph.BoundOf(joined.Farthest);
                var ef = query.IsLax ? EfOf(query.Ef, count.Held / (double)all) : query.Ef;
                joined.Add(graph, stored, query with { Ef = ef, Bound = bound, Death = isLive ? death : null, Counted = count });
            }
        }
        finally
        {
            ArrayPool<PastCount>.Shared.Return(counts);
        }
    }

    // How many candidates a graph keeps, so that all together keep as many as one graph of what held then would: of the ef nearest a graph has about the
    // share that it has of all; and a margin, because the nearest do not lie as evenly as that.
    static int EfOf(int ef, double share)
    {
        const int EfMin = 6;
        const double Margin = 1.5;
        var expected = ef * Math.Min(1, share);
        return (int)Math.Min(ef, Math.Max(EfMin, Math.Ceiling(expected + (Margin * Math.Sqrt(expected)))));
    }

    // The nearest ids of several graphs in a rented array: in order, each once, at most as many as are wanted.
    struct JoinedMatches(int wanted)
    {
        VectorMatch[] _matches = [];

        public int Count { get; private set; }

        /// <summary>Whether every graph has given all it owes.</summary>
        public bool IsWhole { get; private set; } = true;

        /// <summary>What is at this distance or farther is not wanted.</summary>
        public readonly float Farthest => Count == wanted ? _matches[wanted - 1].Distance : float.PositiveInfinity;

        public void Clear() => (Count, IsWhole) = (0, true);

        /// <summary>Room for so many matches, which <see cref="Took"/> then joins with the others.</summary>
        public Span<VectorMatch> Room(int room)
        {
            if (Count + room > _matches.Length)
            {
                var larger = ArrayPool<VectorMatch>.Shared.Rent(Math.Max(2 * _matches.Length, Count + room));
                _matches.AsSpan(0, Count).CopyTo(larger);
                Return();
                _matches = larger;
            }
            return _matches.AsSpan(Count, room);
        }

        /// <param name="found">In order of their distances.</param>
        public void Took(int found)
        {
            if (Count + found <= PairsMax) Insert(found);
            else Sort(found);
        }

        public void Add(HnswIndex graph, ReadOnlySpan<byte> stored, in HnswQuery query)
        {
            var room = (int)Math.Min(wanted, graph.RowCount);
            if (room == 0) return;
            Took(graph.SearchPast(stored, query with { K = room }, Room(room), out var isWhole));
            IsWhole &= isWhole;
        }

        public readonly int Take(int offset, Span<VectorHit> results)
        {
            var found = 0;
            for (var i = offset; i < Count && found < results.Length; i++) results[found++] = new(_matches[i].Id, _matches[i].Distance);
            return found;
        }

        public readonly void Return()
        {
            if (_matches.Length > 0) ArrayPool<VectorMatch>.Shared.Return(_matches);
        }

        // New ones stand behind the others, the nearest first.
        void Insert(int found)
        {
            var all = _matches.AsSpan(0, Count + found);
            for (var next = Count; next < all.Length; next++)
            {
                var match = all[next];
                if (Count == wanted && match.Distance > all[wanted - 1].Distance) continue;
                // An id that left the live rows during the search may come from there and from history.
                var twin = 0;
                while (twin < Count && all[twin].Id != match.Id) twin++;
                if (twin < Count)
                {
                    if (default(ByDistance).Compare(all[twin], match) <= 0) continue;
                    all[(twin + 1)..Count].CopyTo(all[twin..]);
                    Count--;
                }
                var at = Count;
                while (at > 0 && default(ByDistance).Compare(all[at - 1], match) > 0) at--;
                if (at == wanted) continue;
                Count = Math.Min(Count + 1, wanted);
                all[at..(Count - 1)].CopyTo(all[(at + 1)..]);
                all[at] = match;
            }
        }

        void Sort(int found)
        {
            var all = _matches.AsSpan(0, Count + found);
            all.Sort(default(ByDistance));
            var named = new HashSet<ulong>(all.Length);
            Count = 0;
            for (var i = 0; i < all.Length && Count < wanted; i++)
                if (named.Add(all[i].Id)) all[Count++] = all[i];
        }
    }

    readonly struct ByDistance : IComparer<VectorMatch>
    {
        public int Compare(VectorMatch x, VectorMatch y) => x.Distance != y.Distance ? x.Distance.CompareTo(y.Distance) : x.Id.CompareTo(y.Id);
    }
}
