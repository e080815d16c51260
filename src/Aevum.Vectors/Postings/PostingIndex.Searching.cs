// Searching: the nearest centroids, their postings, every entry compared exactly; what counts is decided late, only for entries near enough to be results.
//
// While a search runs nothing changes (it holds the state's read lock, writers wait for its reads): it sees every id once, where it is. Where the postings
// read had fewer ids than asked for, more are read, in the end all: fewer than K come back only where fewer exist.

using System.Runtime.CompilerServices;
using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Postings;

public sealed unsafe partial class PostingIndex
{
    // Postings read at once: enough to keep a disk busy, few enough bytes to stay in a core's cache.
    const int Together = 16;

    readonly PostingScratches _scratches;

    /// <summary>The ids nearest to a vector among the postings read, nearest first.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <param name="results">Room for K, or for as many as there are.</param>
    /// <returns>How many were found.</returns>
    /// <exception cref="AevumException">InvalidArgument; LimitExceeded; Closed; Corruption, InputOutput: of the store.</exception>
    public int Search(ReadOnlySpan<float> vector, in PostingQuery query, Span<PostingMatch> results) => Search(vector, query, results, out _);

    /// <param name="cost">What was read.</param>
    /// <inheritdoc cref="Search(ReadOnlySpan{float}, in PostingQuery, Span{PostingMatch})"/>
    public int Search(ReadOnlySpan<float> vector, in PostingQuery query, Span<PostingMatch> results, out PostingCost cost)
    {
        query.Validate();
        cost = default;
        _state.EnterReadLock();
        try
        {
            ThrowIfClosed();
            var scratch = _scratches.Rent();
            try
            {
                return Search(scratch, vector, query, results, out cost);
            }
            finally
            {
                _scratches.Return(scratch);
            }
        }
        finally
        {
            _state.ExitReadLock();
        }
    }

    int Search(PostingScratch scratch, ReadOnlySpan<float> vector, in PostingQuery query, Span<PostingMatch> results, out PostingCost cost)
    {
        cost = default;
        var exactAt = Shape.Stride;
        var floatsAt = exactAt + NativeBlock.Room(PreparedQuery.Bytes(Shape));
        var keysAt = floatsAt + NativeBlock.Room(Shape.Dimension * sizeof(float));
        var wanted = (int)Math.Min(query.K, _versions.Count);
        var memory = scratch.Memory(keysAt + (wanted * (long)sizeof(ulong)));
        VectorEncoder.Encode(Shape, vector, new(memory, Shape.Bytes));
        if (results.Length < wanted) Throw.Invalid($"there is room for {results.Length} results where {wanted} are asked for");
        if (wanted == 0 || query.Filter is { IsEmpty: true }) return 0;
        PreparedQuery.Write(Shape, memory, memory + exactAt);
        VectorFloats.Read(Shape, memory, (float*)(memory + floatsAt));
        var all = (int)_centroids.Count;
        var probes = Math.Min(query.Probes == 0 ? Options.Probes : query.Probes, all);
        var visitor = new SearchVisitor { Index = this, Scratch = scratch, Query = query, Exact = memory + exactAt };
        while (true)
        {
            var matches = scratch.Matches(probes);
            var nearest = new HnswQuery(probes) { Ef = Math.Max(CentroidEf, Math.Min(HnswOptions.EfMax, probes + (probes / 2))) };
            var found = _centroids.Search(new((float*)(memory + floatsAt), Shape.Dimension), nearest, matches);
            scratch.Ids.Clear();
            visitor.Top = new((ulong*)(memory + keysAt), wanted, query.DistanceMax);
            visitor.Numbers = scratch.Numbers(found);
            for (var i = 0; i < found; i++) visitor.Numbers[i] = (uint)matches[i].Id;
            visitor.Count = found;
            DistanceDispatch.RunPrepared<SearchVisitor, bool>(Shape, ref visitor);
            // A greatest distance explains why there are few.
            if (visitor.Top.Count == wanted || probes >= all || (query.Filter is null && !float.IsPositiveInfinity(query.DistanceMax))) break;
            probes = (int)Math.Min(all, probes * 4L);
        }
        var keys = visitor.Top.Sort();
        for (var i = 0; i < visitor.Top.Count; i++) results[i] = new(scratch.Ids[DistanceKey.Row(keys[i])], DistanceKey.Distance(keys[i]));
        cost = new(visitor.Read, visitor.Compared);
        return visitor.Top.Count;
    }

    struct SearchVisitor : IDistanceVisitor<bool>
    {
        public PostingIndex Index;
        public PostingScratch Scratch;
        public PostingQuery Query;
        public byte* Exact;
        public TopK Top;
        public uint[] Numbers;
        public int Count, Read, Compared;

        public bool Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            var bytes = Scratch.Bytes;
            for (var first = 0; first < Count; first += Together)
            {
                var some = Numbers.AsSpan(first, Math.Min(Together, Count - first));
                Index._store.Read(some, bytes);
                for (var i = 0; i < some.Length; i++)
                {
                    var posting = bytes.Posting(i, out var length);
                    if (length < 0) Throw.Corruption($"posting {some[i]}", 0, "the posting of a centroid");
                    Scan(distance, posting + Index.CentroidBytes, Index.EntriesOf(length, some[i]));
                }
                Read += some.Length;
            }
            return true;
        }

        void Scan<TDistance>(TDistance distance, byte* entries, int count) where TDistance : struct, IDistance
        {
            var step = Index.EntryBytes;
            var distances = Scratch.Distances(count);
            ManyDistances.Consecutive(distance, Exact, entries + EntryHeader, step, count, distances);
            Compared += count;
            for (var i = 0; i < count; i++)
            {
                if (distances[i] > Top.Bound) continue;
                var entry = entries + ((nint)i * step);
                var id = Unsafe.ReadUnaligned<ulong>(entry + 8);
                if (!Index.IsLive(entry) || (Query.Filter is { } filter && (id > uint.MaxValue || !filter.Contains((uint)id)))) continue;
                if (Scratch.Ids.TryAdd(id, out var place)) Top.Offer(distances[i], place);
            }
        }
    }
}
