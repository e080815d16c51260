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
        try
        {
            // Each graph gives what its walk finds. Only where all together have too little, those that may have more are asked for it.
            joined.Add(_live, stored, query, wanted, asOf, isLax: true);
            // After the live rows: what has left them by now is here.
            history = AcquireHistory();
            foreach (var segment in history)
                if (segment.Spans(asOf)) joined.Add(segment.Graph, stored, query, wanted, asOf, isLax: true);
            if (!joined.IsWhole && joined.CountNamed(wanted) < wanted)
            {
                joined.Clear();
                joined.Add(_live, stored, query, wanted, asOf, isLax: false);
                // What has left the live rows since may be in a segment that did not span the moment before.
                foreach (var segment in history) segment.Release();
                history = [];
                history = AcquireHistory();
                foreach (var segment in history)
                    if (segment.Spans(asOf)) joined.Add(segment.Graph, stored, query, wanted, asOf, isLax: false);
            }
            // The floor may have passed the moment while segments were dropped.
            RequireAbove(asOf);
            return joined.Take(query.Offset, results[..(int)Math.Min(query.K, results.Length)]);
        }
        finally
        {
            foreach (var segment in history) segment.Release();
            joined.Return();
        }
    }

    void RequireAbove(ulong asOf)
    {
        if (asOf < Volatile.Read(ref _floor))
            throw new AevumException(ErrorCode.HistoryUnavailable, $"history as of {asOf} is gone; it is kept from {Volatile.Read(ref _floor)} on");
    }

    // Answers of several graphs, one behind the other in a rented array.
    struct JoinedMatches()
    {
        VectorMatch[] _matches = [];
        int _count;

        /// <summary>Whether every graph has given all it owes.</summary>
        public bool IsWhole { get; private set; } = true;

        public void Clear() => (_count, IsWhole) = (0, true);

        public void Add(HnswIndex graph, ReadOnlySpan<byte> stored, in HnswQuery query, long wanted, ulong asOf, bool isLax)
        {
            var room = (int)Math.Min(wanted, graph.Count);
            if (room == 0) return;
            if (_count + room > _matches.Length)
            {
                var larger = ArrayPool<VectorMatch>.Shared.Rent(Math.Max(2 * _matches.Length, _count + room));
                _matches.AsSpan(0, _count).CopyTo(larger);
                Return();
                _matches = larger;
            }
            var asked = query with { K = room, Offset = 0, AsOf = asOf };
            _count += graph.SearchPast(stored, asked, isLax, _matches.AsSpan(_count, room), out var isWhole);
            IsWhole &= isWhole;
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
