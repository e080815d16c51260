// CodedWalk: the search on one layer, over codes. The same walk as over vectors (Hnsw/Walk): collect the links not visited and prefetch their codes, prefetch
// the links of the row that will probably be next, then estimate in groups of four. Here rows lie at fixed places, nothing changes beside it, and a
// code is a cache line or a few.

using System.Runtime.CompilerServices;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Coded;

static unsafe class CodedWalk
{
    /// <summary>Lets <paramref name="pool"/> collect the rows that seem nearest among those reachable from what it holds.</summary>
    /// <param name="patience">Stop after so many expansions in a row without an improvement; 0: only when nothing nearer can come.</param>
    public static void Run<TDistance, TLinks, TPool>(
        TDistance distance, TLinks layer, int codeBytes, byte* query, ref TPool pool, SearchScratch scratch, int linksMax, int patience)
        where TDistance : struct, IDistance
        where TLinks : struct, ICodedLinks
        where TPool : struct, IPool
    {
        scratch.EnsureNeighbours(linksMax);
        var visited = scratch.Visited;
        var mark = scratch.Mark;
        var ids = scratch.Ids;
        var codes = scratch.Fronts;
        var distances = scratch.Distances;
        var (idle, improvements) = (0, 0);
        while (pool.TryTake(out var row, out var following))
        {
            var count = 0;
            var most = layer.Links(row, out var links);
            for (var i = 0; i < most; i++)
            {
                var link = links[i];
                if (link == VectorStore.End) break;
                if (visited[link] == mark) continue;
                visited[link] = mark;
                var code = layer.Code(link);
                ids[count] = link;
                codes[count++] = code;
                Walk.Prefetch(code, codeBytes);
            }
            most = layer.More(row, out links);
            for (var i = 0; i < most; i++)
            {
                var link = links[i];
                if (visited[link] == mark) continue;
                visited[link] = mark;
                var code = layer.Code(link);
                ids[count] = link;
                codes[count++] = code;
                Walk.Prefetch(code, codeBytes);
            }
            layer.Prefetch(following);
            if (count > 0) Compute(distance, query, ref pool, ids, codes, distances, count);
            if (patience == 0) continue;
            idle = pool.Improvements == improvements ? idle + 1 : 0;
            improvements = pool.Improvements;
            if (idle >= patience) break;
        }
    }

    /// <summary>Estimates the distances of collected rows and offers them. The buffers have room for four more than <paramref name="count"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Compute<TDistance, TPool>(
        TDistance distance, byte* query, ref TPool pool, uint* ids, byte** codes, float* distances, int count)
        where TDistance : struct, IDistance
        where TPool : struct, IPool
    {
        for (var i = count; (i & 3) != 0; i++) codes[i] = codes[count - 1];
        for (var i = 0; i < count; i += 4)
        {
            distance.Four(query, codes[i], codes[i + 1], codes[i + 2], codes[i + 3], distances);
            var end = Math.Min(4, count - i);
            for (var j = 0; j < end; j++)
                if (distances[j] < pool.Bound) pool.Offer(distances[j], ids[i + j]);
        }
    }
}
