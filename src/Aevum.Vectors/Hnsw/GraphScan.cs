// Scanning: looks at every row, or at every row of a filter, instead of walking. The answer is exact, and where few rows match it is also the fastest
// way: rows come in ascending order, their fronts are prefetched a batch ahead, and in a space with a rest most rows end with their front.
//
// Whether a row is seen is asked last, of the few that are near enough: the state of a row is a cache line of its own.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Hnsw;

sealed unsafe partial class Graph<TSpace, TQuery>
{
    const int BatchRows = 32;

    public override int Scan(SearchScratch scratch, Point query, int count, uint end, PreparedFilter? filter, RowView view, uint death, float bound) =>
        filter is null || filter.Rows == null
            ? Scan(_querySpace, scratch, query, count, new(end, filter, null, 0, count), view, death, bound)
            : Scan(_querySpace, scratch, query, count, new(end, null, filter.Rows, filter.Count, BatchRows), view, death, bound);

    public override int Scan(SearchScratch scratch, Point query, int count, uint* rows, long rowCount, RowView view, uint death, float bound) =>
        Scan(_querySpace, scratch, query, count, new(uint.MaxValue, null, rows, rowCount, count), view, death, bound);

    int Scan<TAny>(in TAny space, SearchScratch scratch, Point query, int count, in Scanned rows, RowView view, uint death, float bound)
        where TAny : struct, ISpace
    {
        scratch.EnsureKeys(count);
        scratch.EnsureNeighbours(2 * BatchRows);
        if (count <= SortedPoolMax)
        {
            var sorted = new SeenPool<SortedPool>(new(scratch.Keys, count, 0, bound), view, death);
            ScanInto(space, ref sorted, scratch, query, rows);
            return sorted.Inner.Count;
        }
        var heap = new SeenPool<NearestHeap>(new(scratch.Keys, count, bound), view, death);
        ScanInto(space, ref heap, scratch, query, rows);
        heap.Inner.Sort();
        return heap.Inner.Count;
    }

    void ScanInto<TAny, TPool>(in TAny space, ref TPool pool, SearchScratch scratch, Point query, in Scanned rows)
        where TAny : struct, ISpace
        where TPool : struct, IPool
    {
        var view = Store.View;
        var batch = new Batch(scratch.Ids, scratch.Fronts);
        var end = rows.End;
        if (rows.List != null)
        {
            for (var i = 0L; i < rows.Count && rows.List[i] < end; i++)
                if (batch.Add(view, rows.List[i])) Finish(space, ref pool, view, query, ref batch, scratch);
        }
        else if (rows.Filter is not { } filter)
        {
            for (var row = 0u; row < end; row++)
                if (batch.Add(view, row)) Finish(space, ref pool, view, query, ref batch, scratch);
        }
        else
        {
            var words = Math.Min(filter.WordCount, (int)((end + 63) >> 6));
            for (var i = 0; i < words; i++)
                for (var word = filter.Words[i]; word != 0; word &= word - 1)
                {
                    var row = (uint)((i * 64) + BitOperations.TrailingZeroCount(word));
                    if (row >= end) break;
                    if (batch.Add(view, row)) Finish(space, ref pool, view, query, ref batch, scratch);
                }
        }
        // Of a short list in order of estimates the first rows give a bound that spares most others their rests.
        // Whole fours: behind others the padding of a group would stand where the next rows do.
        var slice = rows.List == null ? BatchRows : (Math.Clamp(rows.Wanted, BatchRows / 4, BatchRows) + 3) & -4;
        while (batch.Count > 0) Finish(space, ref pool, view, query, ref batch, scratch, slice);
    }

    // Computes the older half of the batch, so that the younger half has time to arrive.
    static void Finish<TAny, TPool>(
        in TAny space, ref TPool pool, in StoreView view, Point query, ref Batch batch, SearchScratch scratch, int slice = BatchRows)
        where TAny : struct, ISpace
        where TPool : struct, IPool
    {
        var count = Math.Min(batch.Count, slice);
        var ids = scratch.Ids;
        var fronts = scratch.Fronts;
        Walk.Compute(space, view, ref pool, query, ids, fronts, scratch.Distances, count);
        var kept = batch.Count - count;
        // They may overlap.
        new Span<uint>(ids + count, kept).CopyTo(new(ids, kept));
        new Span<nint>(fronts + count, kept).CopyTo(new(fronts, kept));
        batch.Count = kept;
    }

    // All rows below End; or those of them that are in a filter; or in a list, ascending up to End.
    readonly struct Scanned(uint end, PreparedFilter? filter, uint* list, long count, int wanted)
    {
        public readonly int Wanted = wanted;
        public readonly uint End = end;
        public readonly PreparedFilter? Filter = filter;
        public readonly uint* List = list;
        public readonly long Count = count;
    }

    struct Batch(uint* ids, byte** fronts)
    {
        public int Count;

        /// <returns>Whether the batch is full.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Add(in StoreView view, uint row)
        {
            var front = view.Front(row);
            Walk.Prefetch(front, Math.Min(view.FrontBytes, 512));
            ids[Count] = row;
            fronts[Count++] = front;
            return Count == 2 * BatchRows;
        }
    }
}

/// <summary>Lets in only rows that the search sees.</summary>
struct SeenPool<TPool>(TPool inner, RowView view, uint death) : IPool
    where TPool : struct, IPool
{
    public TPool Inner = inner;

    public readonly float Bound => Inner.Bound;

    public readonly int Improvements => Inner.Improvements;

    public bool TryTake(out uint row, out uint following) => Inner.TryTake(out row, out following);

    public void Offer(float distance, uint row)
    {
        if (view.IsSeen(row, death)) Inner.Offer(distance, row);
    }
}

/// <summary>The nearest rows of a scan when many are asked for: nothing is expanded, so one heap is enough.</summary>
unsafe struct NearestHeap(ulong* keys, int most, float bound) : IPool
{
    int _count;
    float _bound = bound;

    public readonly float Bound => _bound;

    public readonly int Improvements => 0;

    public readonly int Count => _count;

    public readonly bool TryTake(out uint row, out uint following) => throw new System.Diagnostics.UnreachableException();

    public void Offer(float distance, uint row)
    {
        KeyHeap.Offer(keys, ref _count, most, PoolKey.Of(distance, row));
        if (_count == most) _bound = PoolKey.Distance(keys[0]);
    }

    public readonly void Sort() => KeyHeap.Sort(keys, _count);
}
