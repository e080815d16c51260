// DiskRerank: exact distances of the candidates that estimates found, by reading the pages they lie on, many at a time, and as few as will do.
//
//   round 1      the pages of as many candidates as are wanted
//   round 2...   the errors of the estimates so far (mean and deviation, of this very query) say up to which estimate a candidate may still be among the
//                results; the pages of those. Until there are none, or the most that may be read was read
//
// All reads of a round are on their way together. Every row of a page that was read is compared, candidates or not: neighbours lie on one page, so what the
// walk overlooked often comes along.
//
// Always true: a page is read once a search; ids come from the pages, so what is named was read and checked.

using System.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors.Disk;

readonly unsafe struct DiskRerank(IReadableFile file, DiskFormat format, DiskAsk ask, int candidates)
{
    /// <summary>Reads on their way at once at most.</summary>
    public const int BatchMax = 64;

    const int DefaultReads = 60;
    const double DefaultAssurance = 1;
    const int CandidatesInBatch = 256;

    // With fewer candidates compared there is no judging of errors.
    const int FirstMin = 8;

    /// <returns>How many results there are behind the offset.</returns>
    public int Run(Span<VectorMatch> results, out DiskCost cost)
    {
        var visitor = new Visitor { Rerank = this };
        var found = DistanceDispatch.RunPrepared<Visitor, int>(format.Shape, ref visitor);
        cost = visitor.Cost;
        var keys = ask.Scratch.More;
        var pages = visitor.Pages;
        var ids = visitor.Ids;
        var perPage = (uint)format.Pages.RowsPerPage;
        pages.Sort();
        var count = Math.Clamp(found - ask.Query.Offset, 0, ask.Query.K);
        for (var i = 0; i < count; i++)
        {
            var key = keys[ask.Query.Offset + i];
            var row = DistanceKey.Row(key);
            var at = (uint)pages[IndexOf(pages, row / perPage)];
            results[i] = new(ids[(at * (int)perPage) + (row % perPage)], DistanceKey.Distance(key), row);
        }
        return count;
    }

    // Pages are in ascending order, each with its place among the reads below it.
    static int IndexOf(Span<ulong> pages, uint page)
    {
        var (lower, upper) = (0, pages.Length);
        while (lower < upper)
        {
            var middle = (lower + upper) >>> 1;
            if ((uint)(pages[middle] >> 32) < page) lower = middle + 1;
            else upper = middle;
        }
        Debug.Assert(lower < pages.Length && (uint)(pages[lower] >> 32) == page, "every result lies on a page that was read");
        return lower;
    }

    struct Visitor : IDistanceVisitor<int>
    {
        public DiskRerank Rerank;
        public DiskCost Cost;
        public ulong* Ids;
        ulong* _pages;
        int _reads;

        // Number of the page << 32 | place among the reads.
        public readonly Span<ulong> Pages => new(_pages, _reads);

        public int Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance => Rerank.Run(distance, ref this);

        public void Place(ulong* memory, int readsMax)
        {
            _pages = memory;
            Ids = memory + readsMax;
        }

        public void Add(uint page) => _pages[_reads] = ((ulong)page << 32) | (uint)_reads++;

        public readonly int Reads => _reads;
    }

    int Run<TDistance>(TDistance distance, ref Visitor state) where TDistance : struct, IDistance
    {
        var scratch = ask.Scratch;
        var perPage = format.Pages.RowsPerPage;
        var readsMax = Math.Max(ask.Query.ReadsMax == 0 ? DefaultReads : ask.Query.ReadsMax, ask.Wanted);
        var pagesMax = (int)Math.Min(candidates, Math.Min(readsMax, format.Pages.Pages(format.Count)));
        scratch.GrowMore(0, ask.Wanted);
        scratch.EnsureLinks(2L * pagesMax * (perPage + 1));
        state.Place((ulong*)scratch.Links, pagesMax);
        scratch.BeginWalk(format.Count);    // marks of pages, from here on
        scratch.EnsureNeighbours(BatchMax * perPage);
        var top = new TopK(scratch.More, ask.Wanted, ask.Query.DistanceMax);
        var errors = default(Errors);
        var batch = stackalloc uint[BatchMax];
        var owners = stackalloc byte[CandidatesInBatch];
        int next = 0, rounds = 0, compared = 0;
        var end = Math.Min(candidates, Math.Max(ask.Wanted, FirstMin));
        while (next < end && state.Reads < pagesMax)
        {
            var first = next;
            var count = Gather(ref next, end, Math.Min(BatchMax, pagesMax - state.Reads), batch, owners);
            if (count > 0)
            {
                rounds++;
                Read(batch, count);
                for (var i = 0; i < count; i++) compared += Compare(distance, ref state, ref top, batch[i], i);
                for (var i = first; i < next; i++)
                {
                    if (owners[i - first] == byte.MaxValue) continue;
                    var place = (int)(DistanceKey.Row(scratch.Keys[i]) % (uint)perPage);
                    errors.Add(DistanceKey.Distance(scratch.Keys[i]) - scratch.Distances[(owners[i - first] * perPage) + place]);
                }
            }
            if (next == end) end = End(next, top.Bound, errors);
        }
        top.Sort();
        state.Cost = new(state.Reads, rounds, compared);
        return top.Count;
    }

    // Pages of the next candidates that were not read yet, and for each candidate which of them is its own.
    int Gather(ref int next, int end, int most, uint* batch, byte* owners)
    {
        var scratch = ask.Scratch;
        var visited = scratch.Visited;
        var mark = scratch.Mark;
        var (count, first) = (0, next);
        for (; next < end && next - first < CandidatesInBatch; next++)
        {
            var page = format.Pages.PageOf(DistanceKey.Row(scratch.Keys[next]));
            if (visited[page] != mark)
            {
                if (count == most) break;
                visited[page] = mark;
                batch[count++] = page;
                owners[next - first] = (byte)(count - 1);
                continue;
            }
            var owner = new ReadOnlySpan<uint>(batch, count).IndexOf(page);
            owners[next - first] = owner < 0 ? byte.MaxValue : (byte)owner;
        }
        return count;
    }

    void Read(uint* batch, int count)
    {
        var (pages, bytes) = (format.Pages, format.Pages.PageBytes);
        Span<FileRead> reads = stackalloc FileRead[BatchMax];
        for (var i = 0; i < count; i++) reads[i] = new(pages.Offset(batch[i]), ask.Pages + ((nint)i * bytes), bytes);
        if (!file.ReadMany(reads[..count])) Throw.Corruption(file.Path, file.Length, "all pages of the file");
        for (var i = 0; i < count; i++)
            pages.Check(ask.Pages + ((nint)i * bytes), batch[i], pages.RowsOn(batch[i], format.Count), format.Mark, file.Path);
    }

    int Compare<TDistance>(TDistance distance, ref Visitor state, ref TopK top, uint number, int place) where TDistance : struct, IDistance
    {
        var pages = format.Pages;
        var page = ask.Pages + ((nint)place * pages.PageBytes);
        var distances = ask.Scratch.Distances + (place * pages.RowsPerPage);
        var rows = pages.RowsOn(number, format.Count);
        var ids = state.Ids + ((nint)state.Reads * pages.RowsPerPage);
        var firstRow = number * (uint)pages.RowsPerPage;
        ManyDistances.Consecutive(distance, ask.Exact, page, pages.VectorBytes, rows, distances);
        for (var i = 0; i < rows; i++)
        {
            ids[i] = pages.Id(page, i);
            if (distances[i] > top.Bound || (ask.Query.Filter is { } filter && !filter.Contains(firstRow + (uint)i))) continue;
            top.Offer(distances[i], firstRow + (uint)i);
        }
        state.Add(number);
        return rows;
    }

    // Up to which candidate to go on: while results are missing all of them, else those that may still be nearer than the last result.
    int End(int next, float bound, Errors errors)
    {
        if (float.IsPositiveInfinity(bound)) return Math.Min(candidates, next + Math.Max(FirstMin, ask.Wanted / 4));
        var farthest = bound + errors.Mean + ((ask.Query.Assurance == 0 ? DefaultAssurance : ask.Query.Assurance) * errors.Deviation);
        var keys = ask.Scratch.Keys;
        while (next < candidates && DistanceKey.Distance(keys[next]) <= farthest) next++;
        return next;
    }

    /// <summary>How far estimates are above the exact distances.</summary>
    struct Errors
    {
        double _sum, _squares;
        int _count;

        public readonly double Mean => _count == 0 ? 0 : _sum / _count;

        public readonly double Deviation => _count < 2 ? 0 : Math.Sqrt(Math.Max(0, (_squares - (_sum * _sum / _count)) / (_count - 1)));

        public void Add(double error)
        {
            _sum += error;
            _squares += error * error;
            _count++;
        }
    }
}
