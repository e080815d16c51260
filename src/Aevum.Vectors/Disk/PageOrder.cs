// PageOrder: in which order rows are numbered, so that neighbours lie on one page and have numbers that are near. A search then reads fewer pages for its
// candidates, every page brings rows that were not candidates but might be results, and lists of links get shorter (LinkLists).
//
// A page is filled greedily: it begins with a row next to a page already filled, then takes, one after the other, the row that has most links from the
// rows on it (the idea of Gorder's window, Wei, Yu, Lu and Lin, SIGMOD 2016, and of Starling's block shuffling, Wang et al., SIGMOD 2024). What a page
// could not take waits on a stack, best on top, for the next page to begin with: so pages wander through the graph, neighbours after neighbours.
//
// Always true: every row once. The same graph gives the same order. Cost: a few passes over all links.

namespace Aevum.Vectors.Disk;

static class PageOrder
{
    // What is left of a page, at most so many rows of it, is remembered for later pages.
    const int Remembered = 16;

    /// <summary>The links of a row, written into the span; returns how many.</summary>
    public delegate int LinksOf(uint row, Span<uint> links);

    /// <param name="linksMax">No row has more.</param>
    /// <returns>Row numbers, in the order in which they are to be written.</returns>
    public static uint[] Of(int rows, int rowsPerPage, int linksMax, LinksOf linksOf)
    {
        var order = new uint[rows];
        var isPlaced = new bool[rows];
        var seenBy = new int[rows];     // the page (from 1) that counts this row's links now
        var counts = new byte[rows];
        var near = new List<uint>();
        var waiting = new Stack<uint>();
        var links = new uint[linksMax];
        int placed = 0, next = 0, page = 0;
        while (placed < rows)
        {
            page++;
            near.Clear();
            for (var place = 0; place < rowsPerPage && placed < rows; place++)
            {
                var row = TakeBest() ?? Begin();
                isPlaced[row] = true;
                order[placed++] = row;
                foreach (var link in links.AsSpan(0, linksOf(row, links)))
                {
                    if (isPlaced[link]) continue;
                    if (seenBy[link] != page)
                    {
                        seenBy[link] = page;
                        counts[link] = 0;
                        near.Add(link);
                    }
                    counts[link]++;
                }
            }
            Remember();
        }
        return order;

        // Among equal counts the one that was met first, which is nearest to where the page began.
        uint? TakeBest()
        {
            var best = -1;
            for (var i = 0; i < near.Count; i++)
                if (!isPlaced[near[i]] && (best < 0 || counts[near[i]] > counts[near[best]])) best = i;
            return best < 0 ? null : near[best];
        }

        uint Begin()
        {
            while (waiting.TryPop(out var row))
                if (!isPlaced[row]) return row;
            while (isPlaced[next]) next++;
            return (uint)next;
        }

        void Remember()
        {
            near.RemoveAll(row => isPlaced[row]);
            // Stable: what was met first stays first among equals.
            var best = near.OrderByDescending(row => counts[row]).Take(Remembered).ToArray();
            for (var i = best.Length - 1; i >= 0; i--) waiting.Push(best[i]);
        }
    }
}
