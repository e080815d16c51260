// Walk: the search on one layer (Malkov and Yashunin 2018, algorithm 2), written so that memory is asked for early and waited for late.
//
// To expand a row: walk its links once, keep those not visited in a small buffer and prefetch the front of each as it is found; prefetch the links
// of the row that will probably be next; then compute the distances of the buffer in groups of four. Where a space has a rest, the front's distance is
// a lower bound: only rows below the pool's bound get their rest prefetched, and are completed after all fronts of the expansion are done.
//
// Readers take no lock. A list of links may change under the walk: each link read is still some row (VectorStore), at worst one walked in vain.
// Not here: who may be a result (HnswIndex), filters (FilteredWalk), the choice of links (LinkChoice).

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors.Hnsw;

/// <summary>Where links are read from.</summary>
unsafe interface ILayer
{
    int LinksMax { get; }

    /// <summary>The links of a row, or null if it does not reach this layer.</summary>
    uint* Links(in StoreView view, uint row);
}

readonly unsafe struct LowestLayer(int linksMax) : ILayer
{
    public int LinksMax => linksMax;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint* Links(in StoreView view, uint row) => view.Links(row);
}

/// <param name="layer">From 1.</param>
readonly unsafe struct UpperLayer(UpperLinks links, RowTable rows, int layer) : ILayer
{
    public int LinksMax => links.LinksMax;

    public uint* Links(in StoreView view, uint row) => rows.Level(row) < layer ? null : links.Links(rows.Upper(row), layer);
}

/// <param name="Expansions">Rows whose links were walked.</param>
/// <param name="Distances">Fronts computed.</param>
readonly record struct WalkCost(int Expansions, int Distances);

static unsafe class Walk
{
    const int PrefetchBytesMax = 512;

    /// <summary>Lets <paramref name="pool"/> collect the nearest rows that are reachable from what it holds already.</summary>
    /// <param name="patience">Stop after so many expansions in a row without an improvement; 0: only when nothing nearer can come.</param>
    public static WalkCost Run<TSpace, TLayer, TPool>(
        in TSpace space, in TLayer layer, in StoreView view, ref TPool pool, SearchScratch scratch, Point query, int patience)
        where TSpace : struct, ISpace
        where TLayer : struct, ILayer
        where TPool : struct, IPool
    {
        scratch.EnsureNeighbours(layer.LinksMax);
        var visited = scratch.Visited;
        var mark = scratch.Mark;
        var rows = scratch.Rows;
        var ids = scratch.Ids;
        var fronts = scratch.Fronts;
        var distances = scratch.Distances;
        var linksMax = layer.LinksMax;
        var prefetchBytes = Math.Min(view.FrontBytes, PrefetchBytesMax);
        var (expansions, computed, idle, improvements) = (0, 0, 0, 0);
        while (pool.TryTake(out var row, out var following))
        {
            expansions++;
            var links = layer.Links(view, row);
            if (links == null) continue;
            var count = 0;
            for (var i = 0; i < linksMax; i++)
            {
                var link = links[i];
                if (link >= rows)
                {
                    if (link == VectorStore.End) break;
                    continue;
                }
                if (visited[link] == mark) continue;
                visited[link] = mark;
                var front = view.Front(link);
                ids[count] = link;
                fronts[count++] = front;
                Prefetch(front, prefetchBytes);
            }
            Prefetch((byte*)layer.Links(view, following), linksMax * sizeof(uint));
            if (count == 0) continue;
            computed += count;
            Compute(space, view, ref pool, query, ids, fronts, distances, count);
            if (patience == 0) continue;
            idle = pool.Improvements == improvements ? idle + 1 : 0;
            improvements = pool.Improvements;
            if (idle >= patience) break;
        }
        return new(expansions, computed);
    }

    /// <summary>Computes the distances of collected rows and offers them. The buffers have room for four more than <paramref name="count"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Compute<TSpace, TPool>(
        in TSpace space, in StoreView view, ref TPool pool, Point query, uint* ids, byte** fronts, float* distances, int count)
        where TSpace : struct, ISpace
        where TPool : struct, IPool
    {
        for (var i = count; (i & 3) != 0; i++) fronts[i] = fronts[count - 1];
        if (!TSpace.HasRest)
        {
            for (var i = 0; i < count; i += 4)
            {
                space.Four(query.Front, fronts[i], fronts[i + 1], fronts[i + 2], fronts[i + 3], distances);
                var end = Math.Min(4, count - i);
                for (var j = 0; j < end; j++)
                    if (distances[j] < pool.Bound) pool.Offer(distances[j], ids[i + j]);
            }
            return;
        }

        // Survivors take the places of rows already looked at.
        var bound = pool.Bound;
        var survivors = 0;
        var four = distances + count;
        for (var i = 0; i < count; i += 4)
        {
            space.Four(query.Front, fronts[i], fronts[i + 1], fronts[i + 2], fronts[i + 3], four);
            var end = Math.Min(4, count - i);
            for (var j = 0; j < end; j++)
            {
                if (four[j] >= bound) continue;
                var rest = view.Rest(ids[i + j]);
                Prefetch(rest, Math.Min(view.RestBytes, PrefetchBytesMax));
                ids[survivors] = ids[i + j];
                fronts[survivors] = rest;
                distances[survivors++] = four[j];
            }
        }
        for (var i = 0; i < survivors; i++)
        {
            if (distances[i] >= pool.Bound) continue;
            var distance = distances[i] + space.Rest(query.Rest, fronts[i]);
            if (distance < pool.Bound) pool.Offer(distance, ids[i]);
        }
    }

    /// <summary>Goes to the nearest row by single steps, on the layers from the top down to <paramref name="lowest"/>.</summary>
    public static (uint Row, float Distance) Descend<TSpace>(
        in TSpace space, in StoreView view, RowTable rowTable, UpperLinks upper, SearchScratch scratch, Point query, uint row, int top, int lowest)
        where TSpace : struct, ISpace
    {
        scratch.EnsureNeighbours(upper.LinksMax);
        var rows = scratch.Rows;
        var ids = scratch.Ids;
        var fronts = scratch.Fronts;
        var distances = scratch.Distances;
        var pool = new NearestPool(row, Distance(space, view, query, row));
        for (var level = top; level >= lowest; level--)
        {
            var layer = new UpperLayer(upper, rowTable, level);
            uint from;
            do
            {
                from = pool.Row;
                var links = layer.Links(view, from);
                if (links == null) break;
                var count = 0;
                for (var i = 0; i < upper.LinksMax; i++)
                {
                    var link = links[i];
                    if (link >= rows)
                    {
                        if (link == VectorStore.End) break;
                        continue;
                    }
                    var front = view.Front(link);
                    ids[count] = link;
                    fronts[count++] = front;
                    Prefetch(front, Math.Min(view.FrontBytes, PrefetchBytesMax));
                }
                if (count > 0) Compute(space, view, ref pool, query, ids, fronts, distances, count);
            }
            while (pool.Row != from);
        }
        return (pool.Row, pool.Bound);
    }

    /// <summary>The whole distance to one row.</summary>
    public static float Distance<TSpace>(in TSpace space, in StoreView view, Point query, uint row)
        where TSpace : struct, ISpace
    {
        var distance = space.One(query.Front, view.Front(row));
        return TSpace.HasRest ? distance + space.Rest(query.Rest, view.Rest(row)) : distance;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* from, int bytes)
    {
        if (!Sse.IsSupported) return;
        for (var i = 0; i < bytes; i += 64) Sse.Prefetch0(from + i);
    }

    // A pool of one.
    struct NearestPool(uint row, float distance) : IPool
    {
        public uint Row = row;

        public float Bound { get; private set; } = distance;

        public readonly int Improvements => 0;

        public readonly bool TryTake(out uint row, out uint following) => throw new UnreachableException();

        public void Offer(float distance, uint row)
        {
            Bound = distance;
            Row = row;
        }
    }
}
