// Graph: the layered graph over one store of vectors in one space. Rows, ids and upper links are shared by the graphs that follow each other in an
// index (a rotation makes a new store and a new space; every link stays as it is).
//
//   Graph           what does not depend on how distances are computed
//   Graph<TSpace, TQuery>   searching (this file, FilteredWalk), linking (GraphLinking), repairing (GraphRepair), scanning (GraphScan); TSpace compares
//                           stored vectors with each other, TQuery a prepared query with stored ones
//
// Entry: the row from which every walk begins and its level, in one word, so that a reader sees both or neither.

namespace Aevum.Vectors.Hnsw;

/// <summary>Where walks begin; shared by the graphs of an index.</summary>
sealed class EntryPoint
{
    long _packed = -1;

    public Lock Gate { get; } = new();

    /// <summary>Level and row, or -1.</summary>
    public long Packed
    {
        get => Volatile.Read(ref _packed);
        set => Volatile.Write(ref _packed, value);
    }

    /// <returns>False: the graph is empty.</returns>
    public bool TryRead(out uint row, out int level)
    {
        var packed = Volatile.Read(ref _packed);
        row = (uint)packed;
        level = (int)(packed >> 32);
        return packed >= 0;
    }

    public void Set(uint row, int level) => Volatile.Write(ref _packed, ((long)level << 32) | row);

    public void Clear() => Volatile.Write(ref _packed, -1);
}

abstract unsafe class Graph(VectorStore store, RowTable rows, UpperLinks upper, EntryPoint entry, LeadingRotation? rotation) : IDisposable
{
    public VectorStore Store { get; } = store;

    public RowTable Rows { get; } = rows;

    public UpperLinks Upper { get; } = upper;

    public EntryPoint Entry { get; } = entry;

    /// <summary>How stored vectors are turned; null: they are as given.</summary>
    public LeadingRotation? Rotation { get; } = rotation;

    /// <summary>Above this ef the candidates are kept in heaps.</summary>
    public const int SortedPoolMax = 512;

    /// <summary>The ef nearest rows that the walk finds, among all that are linked, whatever their state, ascending in the scratch's keys.</summary>
    /// <returns>How many keys there are.</returns>
    public abstract int Search(SearchScratch scratch, Point query, int ef, int watched, int patience, out WalkCost cost);

    /// <summary>The nearest rows among those of the filter, by walking over them and over what lies between.</summary>
    /// <param name="cost">Distances beyond <paramref name="distancesMax"/>, or a filter that the neighbourhood does not keep, end the walk.</param>
    /// <returns>How many keys there are; -1: the walk gave up, and the caller should scan.</returns>
    public abstract int SearchFiltered(SearchScratch scratch, Point query, int ef, PreparedFilter filter, in FilteredWalkLimits limits, out WalkCost cost);

    /// <summary>The nearest of the rows [0, <paramref name="end"/>), or of those in the filter, by looking at each.</summary>
    /// <param name="bound">Rows at this distance or farther are of no use.</param>
    public abstract int Scan(
        SearchScratch scratch, Point query, int count, uint end, PreparedFilter? filter, RowView view, uint death, float bound = float.PositiveInfinity);

    /// <summary>The same for the rows of a list.</summary>
    public abstract int Scan(SearchScratch scratch, Point query, int count, uint* rows, long rowCount, RowView view, uint death, float bound);

    /// <summary>Links a row whose vector is written and whose state is Pending.</summary>
    public abstract void Link(uint row, SearchScratch scratch, int efConstruction);

    /// <summary>Replaces the links of a row that lead to dead ones.</summary>
    /// <returns>How many links led to dead rows.</returns>
    public abstract int Repair(uint row, SearchScratch scratch);

    /// <summary>Gives a row that no link leads to some links again.</summary>
    public abstract void Relink(uint row, SearchScratch scratch, int efConstruction);

    /// <summary>Writes the stored form of a vector (VectorEncoder) as this graph keeps it.</summary>
    public void Write(uint row, byte* vector, int bytes)
    {
        var front = Store.Front(row);
        if (Store.RestBytes == 0)
        {
            Buffer.MemoryCopy(vector, front, bytes, bytes);
            return;
        }
        Buffer.MemoryCopy(vector, front, Store.FrontBytes, Store.FrontBytes);
        Buffer.MemoryCopy(vector + Store.FrontBytes, Store.Rest(row), Store.RestBytes, Store.RestBytes);
    }

    /// <summary>Copies the stored form of a vector out, still turned if the graph turns.</summary>
    public void Read(uint row, byte* vector)
    {
        Buffer.MemoryCopy(Store.Front(row), vector, Store.FrontBytes, Store.FrontBytes);
        if (Store.RestBytes > 0) Buffer.MemoryCopy(Store.Rest(row), vector + Store.FrontBytes, Store.RestBytes, Store.RestBytes);
    }

    /// <summary>A vector in one piece, cut as the store cuts them.</summary>
    public Point Split(byte* vector) => new(vector, vector + Store.FrontBytes);

    public void Dispose() => Store.Dispose();
}

sealed unsafe partial class Graph<TSpace, TQuery>(
    VectorStore store, RowTable rows, UpperLinks upper, EntryPoint entry, LeadingRotation? rotation, TSpace space, TQuery querySpace)
    : Graph(store, rows, upper, entry, rotation)
    where TSpace : struct, ISpace
    where TQuery : struct, ISpace
{
    readonly TSpace _space = space;
    readonly TQuery _querySpace = querySpace;

    public override int Search(SearchScratch scratch, Point query, int ef, int watched, int patience, out WalkCost cost)
    {
        cost = default;
        // The number of rows first: the tables taken afterwards cover at least so many.
        scratch.BeginWalk(Rows.Rows);
        if (!Entry.TryRead(out var row, out var top)) return 0;
        var view = Store.View;
        (row, var distance) = Walk.Descend(_querySpace, view, Rows, Upper, scratch, query, row, top, 1);
        return SearchLayer(_querySpace, new LowestLayer(Store.LinksMax), view, scratch, query, row, distance, ef, watched, patience, out cost);
    }

    static int SearchLayer<TAny, TLayer>(
        in TAny space, TLayer layer, in StoreView view, SearchScratch scratch, Point query, uint row, float distance, int ef, int watched, int patience,
        out WalkCost cost)
        where TAny : struct, ISpace
        where TLayer : struct, ILayer
    {
        scratch.EnsureKeys(ef);
        scratch.Visited[row] = scratch.Mark;
        if (ef <= SortedPoolMax)
        {
            var sorted = new SortedPool(scratch.Keys, ef, watched);
            sorted.Offer(distance, row);
            cost = Walk.Run(space, layer, view, ref sorted, scratch, query, patience);
            return sorted.Count;
        }
        var heaps = new HeapPool(scratch.Keys, scratch, ef);
        heaps.Offer(distance, row);
        cost = Walk.Run(space, layer, view, ref heaps, scratch, query, patience);
        heaps.Sort();
        return heaps.Count;
    }
}
