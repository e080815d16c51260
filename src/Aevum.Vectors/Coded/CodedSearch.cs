// CodedSearch: what a search over codes does wherever these, their links and the whole vectors lie: on the lowest layer a walk with ef candidates, which a
// filter makes wider, or a look at all rows where that costs less. What is found are ascending keys of estimates in the scratch; comparing them exactly is the
// caller's.

using System.Numerics;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Coded;

/// <summary>What is walked, and with what.</summary>
/// <param name="scratch">Gets what is found.</param>
/// <param name="prepared">The query for the codes' distance.</param>
/// <param name="rows">How many there are.</param>
/// <param name="linksMax">Of a row on the lowest layer.</param>
/// <param name="wanted">How many rows, those to be passed over included; at most as many as there are.</param>
readonly unsafe struct CodedAsk(SearchScratch scratch, byte* prepared, int rows, int codeBytes, int linksMax, int wanted, int patience)
{
    public readonly SearchScratch Scratch = scratch;
    public readonly byte* Prepared = prepared;
    public readonly int Rows = rows;
    public readonly int CodeBytes = codeBytes;
    public readonly int LinksMax = linksMax;
    public readonly int Wanted = wanted;
    public readonly int Patience = patience;
}

static unsafe class CodedSearch
{
    public const int DefaultEf = 64;

    /// <summary>How much wider a walk becomes that brought too little.</summary>
    public const int Widening = 4;

    // A scan of codes meets its rows in order: a row costs about a fifth of what a step of a walk to it does, of which there are some 17 a candidate.
    const double ScannedRow = 0.2;
    const double StepsPerCandidate = 17;

    /// <summary>Whether a walk costs less than estimating all rows that match.</summary>
    public static bool PaysToWalk(double width, long matching) => width <= HnswOptions.EfMax && width * StepsPerCandidate <= matching * ScannedRow;

    /// <summary>Collects the rows that seem nearest among those reachable from one.</summary>
    /// <returns>How many there are, as keys of the pool in the scratch.</returns>
    public static int Walk<TDistance, TLinks>(TDistance distance, TLinks links, in CodedAsk ask, uint entry, float estimate, int ef)
        where TDistance : struct, IDistance
        where TLinks : struct, ICodedLinks
    {
        var scratch = ask.Scratch;
        scratch.EnsureKeys(ef);
        scratch.Visited[entry] = scratch.Mark;
        if (ef <= Graph.SortedPoolMax)
        {
            var sorted = new SortedPool(scratch.Keys, ef, ask.Wanted);
            sorted.Offer(estimate, entry);
            CodedWalk.Run(distance, links, ask.CodeBytes, ask.Prepared, ref sorted, scratch, ask.LinksMax, ask.Patience);
            return sorted.Count;
        }
        var heaps = new HeapPool(scratch.Keys, scratch, ef);
        heaps.Offer(estimate, entry);
        CodedWalk.Run(distance, links, ask.CodeBytes, ask.Prepared, ref heaps, scratch, ask.LinksMax, ask.Patience);
        heaps.Sort();
        return heaps.Count;
    }

    /// <summary>Turns a walk's keys into keys of rows that are seen, in place.</summary>
    public static int Collect(ulong* keys, int count, in CodedSight sight, int most)
    {
        var kept = 0;
        for (var i = 0; i < count && kept < most; i++)
        {
            var row = PoolKey.Row(keys[i]);
            if (!sight.Sees(row)) continue;
            keys[kept++] = (keys[i] & 0xFFFFFFFF_00000000) | row;
        }
        return kept;
    }

    /// <summary>The best by estimate among all rows that are seen, as ascending keys.</summary>
    public static int Scan<TDistance, TLinks>(TDistance distance, TLinks links, in CodedAsk ask, in CodedSight sight, int most)
        where TDistance : struct, IDistance
        where TLinks : struct, ICodedLinks
    {
        var scratch = ask.Scratch;
        scratch.EnsureNeighbours(64);
        scratch.EnsureKeys(most);
        var top = new TopK(scratch.Keys, most, float.PositiveInfinity);
        var pool = new ScanPool(&top);
        var ids = scratch.Ids;
        var codes = scratch.Fronts;
        for (var start = 0u; start < ask.Rows; start += 64)
        {
            var count = 0;
            for (var word = sight.Word(start, ask.Rows); word != 0; word &= word - 1)
            {
                var row = start + (uint)BitOperations.TrailingZeroCount(word);
                ids[count] = row;
                codes[count++] = links.Code(row);
                Hnsw.Walk.Prefetch(links.Code(row), ask.CodeBytes);
            }
            if (count > 0) CodedWalk.Compute(distance, ask.Prepared, ref pool, ids, codes, scratch.Distances, count);
        }
        top.Sort();
        return top.Count;
    }

    // A scan offers as a walk does, and takes nothing.
    readonly struct ScanPool(TopK* top) : IPool
    {
        public float Bound => top->Bound;

        public int Improvements => 0;

        public bool TryTake(out uint row, out uint following) => throw new System.Diagnostics.UnreachableException();

        public void Offer(float distance, uint row) => top->Offer(distance, row);
    }
}

/// <summary>A pool of one: the nearest so far, on the way down through the upper layers.</summary>
struct NearestRow(uint row, float distance) : IPool
{
    public uint Row = row;

    public float Bound { get; private set; } = distance;

    public readonly int Improvements => 0;

    public readonly bool TryTake(out uint row, out uint following) => throw new System.Diagnostics.UnreachableException();

    public void Offer(float distance, uint row) => (Bound, Row) = (distance, row);
}
