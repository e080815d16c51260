// LinkChoice: which of the rows near a row become its links: the heuristic of Malkov and Yashunin 2018, algorithm 4. Candidates come nearest first;
// one is taken unless a row already taken is nearer to it than the row itself is, so that links point in different directions.
//
// Where we differ: (1) rows at distance 0 (copies) take at most a quarter of the places, or many copies of one vector would link to each other
// only and be an island; (2) nothing is filled up with what the heuristic refused (keepPrunedConnections is off, as in the authors' own code).
//
// Distances from a candidate to what is taken come four at a time, and the first that is too near ends the question. In a space with a rest the front's
// distance answers most of it: a lower bound that is not below the limit needs no rest.

namespace Aevum.Vectors.Hnsw;

static unsafe class LinkChoice
{
    /// <summary>Takes up to <paramref name="most"/> of the candidates.</summary>
    /// <param name="keys">Candidates, nearest first (PoolKey).</param>
    /// <param name="refused">Tells rows that must not be taken: the row itself, and those that are being removed.</param>
    /// <param name="taken">Gets the rows, nearest first.</param>
    /// <param name="lengths">Gets their distances.</param>
    /// <param name="fronts">Room for <paramref name="most"/> + 4 pointers.</param>
    /// <param name="already">How many of <paramref name="taken"/> stand there already and stay; they occlude, too.</param>
    public static int Choose<TSpace>(
        in TSpace space, VectorStore store, RowTable rows, ulong* keys, int count, uint self, int most, uint* taken, float* lengths, byte** fronts,
        int already = 0)
        where TSpace : struct, ISpace
    {
        var chosen = already;
        var copies = 0;
        for (var i = 0; i < chosen; i++) fronts[i] = store.Front(taken[i]);
        for (var i = 0; i < count && chosen < most; i++)
        {
            var row = PoolKey.Row(keys[i]);
            if (row == self || rows.State(row) is not (RowTable.Live or RowTable.Pending)) continue;
            var length = PoolKey.Distance(keys[i]);
            if (length == 0 && ++copies > Math.Max(1, most / 4)) continue;
            if (IsOccluded(space, store, row, length, taken, fronts, chosen)) continue;
            taken[chosen] = row;
            lengths[chosen] = length;
            fronts[chosen++] = store.Front(row);
        }
        return chosen;
    }

    static bool IsOccluded<TSpace>(in TSpace space, VectorStore store, uint row, float length, uint* taken, byte** fronts, int count)
        where TSpace : struct, ISpace
    {
        if (count == 0) return false;
        var front = store.Front(row);
        var four = stackalloc float[4];
        for (var i = count; (i & 3) != 0; i++) fronts[i] = fronts[count - 1];
        for (var i = 0; i < count; i += 4)
        {
            space.Four(front, fronts[i], fronts[i + 1], fronts[i + 2], fronts[i + 3], four);
            var end = Math.Min(4, count - i);
            for (var j = 0; j < end; j++)
            {
                if (four[j] >= length) continue;
                if (!TSpace.HasRest || four[j] + space.Rest(store.Rest(row), store.Rest(taken[i + j])) < length) return true;
            }
        }
        return false;
    }
}
