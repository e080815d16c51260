// Linking: puts a row into the graph (Malkov and Yashunin 2018, algorithm 1), several rows at once on several threads.
//
//   1. from the entry by single steps down to the row's level
//   2. on each layer from there down: a walk with efConstruction, from whose result the links are chosen (LinkChoice)
//   3. from the lowest layer up: write the row's own links, then let each neighbour link back
//
// Step 3 goes up and not down, so that whoever meets the row on an upper layer finds its links below in place: walks take no lock and do not wait.
// A neighbour whose list is full chooses anew among its links and the row. That needs the lengths of its links: they are kept in a table of their
// own while building goes on, and computed where they were dropped. Links on upper layers are few, and always computed.
//
// Always true: a list is changed under its row's lock; no link is set to a row that is dead (the sweep relies on it).

namespace Aevum.Vectors.Hnsw;

sealed unsafe partial class Graph<TSpace, TQuery>
{
    public override void Link(uint row, SearchScratch scratch, int efConstruction)
    {
        var level = Rows.Level(row);
        if (!Entry.TryRead(out var at, out var top))
        {
            lock (Entry.Gate)
                if (!Entry.TryRead(out at, out top))
                {
                    Store.Links(row)[0] = VectorStore.End;
                    Entry.Set(row, level);
                    return;
                }
        }
        var links = Prepare(scratch, level);
        var query = Store.Point(row);
        scratch.BeginWalk(Rows.Rows);
        var view = Store.View;
        (at, var distance) = Walk.Descend(_space, view, Rows, Upper, scratch, query, at, top, level + 1);
        for (var layer = Math.Min(level, top); layer > 0; layer--)
        {
            scratch.BeginWalk(Rows.Rows);
            scratch.Visited[row] = scratch.Mark;
            var found = SearchLayer(_space, new UpperLayer(Upper, Rows, layer), view, scratch, query, at, distance, efConstruction, 0, 0, out _);
            Choose(scratch, found, row, Upper.LinksMax, links[layer]);
            if (found > 0) (at, distance) = (PoolKey.Row(scratch.Keys[0]), PoolKey.Distance(scratch.Keys[0]));
        }
        LinkLowest(row, at, distance, scratch, efConstruction, links[0]);
        for (var layer = 1; layer <= Math.Min(level, top); layer++) LinkUpper(row, layer, links[layer], scratch);
        if (level <= top) return;
        lock (Entry.Gate)
            if (!Entry.TryRead(out _, out top) || level > top) Entry.Set(row, level);
    }

    public override void Relink(uint row, SearchScratch scratch, int efConstruction)
    {
        if (!Entry.TryRead(out var at, out var top)) return;
        var links = Prepare(scratch, 0);
        scratch.BeginWalk(Rows.Rows);
        (at, var distance) = Walk.Descend(_space, Store.View, Rows, Upper, scratch, Store.Point(row), at, top, 1);
        LinkLowest(row, at, distance, scratch, efConstruction, links[0]);
    }

    // Chosen links of every layer, each list with its lengths and its count.
    ChosenLinks Prepare(SearchScratch scratch, int level)
    {
        scratch.EnsureLinks((level + 1L) * ChosenLinks.Size(Store.LinksMax));
        scratch.EnsureNeighbours(Math.Max(Store.LinksMax, Upper.LinksMax));
        var chosen = new ChosenLinks(scratch.Links, Store.LinksMax);
        for (var layer = 0; layer <= level; layer++) *chosen[layer].Count = 0;
        return chosen;
    }

    void Choose(SearchScratch scratch, int found, uint row, int most, ChosenList list) =>
        *list.Count = LinkChoice.Choose(_space, Store, Rows, scratch.Keys, found, row, most, list.Rows, list.Lengths, scratch.Fronts);

    void LinkLowest(uint row, uint at, float distance, SearchScratch scratch, int efConstruction, ChosenList list)
    {
        var (query, layer) = (Store.Point(row), new LowestLayer(Store.LinksMax));
        // Where all that was found is dead (a whole region was deleted and is not swept yet), look wider until something lives.
        for (var ef = efConstruction; ; ef = Math.Min(ef * 8, HnswOptions.EfMax))
        {
            scratch.BeginWalk(Rows.Rows);
            scratch.Visited[row] = scratch.Mark;
            var found = SearchLayer(_space, layer, Store.View, scratch, query, at, distance, ef, 0, 0, out _);
            Choose(scratch, found, row, Upper.LinksMax, list);
            if (*list.Count > 0) break;
            if (found == ef && ef < Math.Min(Rows.Rows, HnswOptions.EfMax)) continue;
            var all = new Scanned((uint)Rows.Rows, null, null, 0, Store.LinksMax);
            var scanned = Scan(_space, scratch, query, Store.LinksMax, all, Rows.View, uint.MaxValue / 2, float.PositiveInfinity);
            Choose(scratch, scanned, row, Upper.LinksMax, list);
            break;
        }
        for (var i = 0; i < *list.Count; i++)
        {
            var neighbour = list.Rows[i];
            Walk.Prefetch((byte*)Store.Links(neighbour), Store.LinksMax * sizeof(uint));
            if (Store.KeepsLengths) Walk.Prefetch((byte*)Store.Lengths(neighbour), Store.LinksMax * sizeof(float));
            Rows.Prefetch(neighbour);
        }
        Rows.Lock(row);
        WriteLinks(Store.Links(row), Store.Lengths(row), list, Store.LinksMax);
        Rows.Unlock(row);
        for (var i = 0; i < *list.Count; i++) LinkBack(list.Rows[i], row, list.Lengths[i], scratch);
        if (*list.Count > 0) return;
        // Nothing lives but this row: walks begin here, and what is dead is left behind.
        lock (Entry.Gate) Entry.Set(row, Rows.Level(row));
    }

    void LinkUpper(uint row, int layer, ChosenList list, SearchScratch scratch)
    {
        WriteLinks(Upper.Links(Rows.Upper(row), layer), null, list, Upper.LinksMax);
        for (var i = 0; i < *list.Count; i++)
        {
            var neighbour = list.Rows[i];
            Rows.Lock(neighbour);
            var links = Upper.Links(Rows.Upper(neighbour), layer);
            AddLink(neighbour, links, null, Upper.LinksMax, row, list.Lengths[i], scratch);
            Rows.Unlock(neighbour);
        }
    }

    void LinkBack(uint neighbour, uint row, float length, SearchScratch scratch)
    {
        Rows.Lock(neighbour);
        AddLink(neighbour, Store.Links(neighbour), Store.Lengths(neighbour), Store.LinksMax, row, length, scratch);
        Rows.Unlock(neighbour);
    }

    // Under the lock of the owner.
    void AddLink(uint owner, uint* links, float* lengths, int most, uint row, float length, SearchScratch scratch)
    {
        var count = 0;
        for (; count < most && links[count] != VectorStore.End; count++)
            if (links[count] == row) return;
        if (count < most)
        {
            // The end before the link: a reader between the two sees the list as it was.
            if (lengths != null) lengths[count] = length;
            if (count + 1 < most) Volatile.Write(ref links[count + 1], VectorStore.End);
            Volatile.Write(ref links[count], row);
            return;
        }
        for (var i = 0; i < count; i++) Walk.Prefetch(Store.Front(links[i]), Math.Min(Store.FrontBytes, 256));
        scratch.EnsureKeys(count + 1);
        var keys = scratch.Keys;
        LengthsOf(owner, links, lengths, count, keys);
        keys[count] = PoolKey.Of(length, row);
        Sort(keys, count + 1);
        var memory = stackalloc uint[ChosenLinks.Size(most)];
        var list = new ChosenList(memory, most);
        *list.Count = LinkChoice.Choose(_space, Store, Rows, keys, count + 1, owner, most, list.Rows, list.Lengths, scratch.Fronts);
        WriteLinks(links, lengths, list, most);
    }

    // Keys of the links of a row; their lengths from the table, or computed.
    void LengthsOf(uint owner, uint* links, float* lengths, int count, ulong* keys)
    {
        if (lengths != null)
        {
            for (var i = 0; i < count; i++) keys[i] = PoolKey.Of(lengths[i], links[i]);
            return;
        }
        var (view, point) = (Store.View, Store.Point(owner));
        for (var i = 0; i < count; i++) keys[i] = PoolKey.Of(Walk.Distance(_space, view, point, links[i]), links[i]);
    }

    static void WriteLinks(uint* links, float* lengths, ChosenList list, int most)
    {
        var count = *list.Count;
        for (var i = 0; i < count; i++)
        {
            if (lengths != null) lengths[i] = list.Lengths[i];
            Volatile.Write(ref links[i], list.Rows[i]);
        }
        if (count < most) Volatile.Write(ref links[count], VectorStore.End);
    }

    // A list is mostly in order already.
    static void Sort(ulong* keys, int count)
    {
        for (var i = 1; i < count; i++)
        {
            var key = keys[i];
            var at = i;
            for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
            keys[at] = key;
        }
    }
}

/// <summary>Lists of chosen links, one a layer, in memory that the caller holds.</summary>
readonly unsafe struct ChosenLinks(uint* memory, int most)
{
    readonly uint* _memory = memory;

    /// <summary>Words of one list: a count, rows, lengths, and padding for groups of four.</summary>
    public static int Size(int most) => 4 + (2 * most) + 8;

    public ChosenList this[int layer] => new(_memory + (layer * (long)Size(most)), most);
}

readonly unsafe struct ChosenList(uint* memory, int most)
{
    public readonly int* Count = (int*)memory;
    public readonly uint* Rows = memory + 4;
    public readonly float* Lengths = (float*)(memory + 4 + most + 4);
}
