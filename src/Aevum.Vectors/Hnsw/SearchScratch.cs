// SearchScratch: the memory of one search or one insertion, in native blocks that grow and are kept, so that a search allocates nothing.
//
//   visited    one byte a row: equal to Mark when this walk has seen the row. A new walk takes the next mark; the bytes are cleared once in 255 walks
//   keys       the candidates of the walk (SortedPool, HeapPool); more holds the second heap
//   ids, fronts, distances    the neighbours collected from one row, before their distances are computed together
//   query      the vector searched for, as stored and as rotated
//
// Active tells the writers since when this search stands on the graph (Readers); 0: it does not.
// Always true: one thread uses a scratch at a time.

using System.Runtime.CompilerServices;

namespace Aevum.Vectors.Hnsw;

sealed unsafe class SearchScratch(MemoryBudget budget) : IDisposable
{
    /// <summary>Room behind the keys, so that blocks of eight may be moved past the end.</summary>
    public const int KeyPadding = 16;

    Piece _visited, _keys, _more, _ids, _fronts, _distances, _query, _links;
    PreparedFilter? _rowsHeld;
    byte _mark;

    public long Active;

    /// <summary>Whether the search owes nothing more (HnswIndex.SearchPast).</summary>
    public bool WasWhole;

    public byte* Visited => _visited.Memory;

    public byte Mark => _mark;

    /// <summary>Rows from here on were not there when the walk began, and are passed over.</summary>
    public uint Rows { get; private set; }

    public ulong* Keys => (ulong*)_keys.Memory;

    public ulong* More => (ulong*)_more.Memory;

    public uint* Ids => (uint*)_ids.Memory;

    public byte** Fronts => (byte**)_fronts.Memory;

    public float* Distances => (float*)_distances.Memory;

    public byte* Query => _query.Memory;

    /// <summary>Lists of links being chosen.</summary>
    public uint* Links => (uint*)_links.Memory;

    /// <summary>Forgets what was visited and makes room for so many rows.</summary>
    public void BeginWalk(int rows)
    {
        if (rows > _visited.Bytes)
        {
            _visited.Ensure(rows, budget);
            _mark = 0;
            Unsafe.InitBlockUnaligned(_visited.Memory, 0, (uint)_visited.Bytes);
        }
        if (_mark == byte.MaxValue)
        {
            _mark = 0;
            Unsafe.InitBlockUnaligned(_visited.Memory, 0, (uint)_visited.Bytes);
        }
        _mark++;
        Rows = (uint)rows;
    }

    public void EnsureKeys(long count) => _keys.Ensure((count + KeyPadding) * sizeof(ulong), budget);

    /// <summary>Makes room for <paramref name="count"/> open rows and keeps the first <paramref name="used"/> of them.</summary>
    public void GrowMore(int used, int count) => _more.Grow((long)used * sizeof(ulong), (count + (long)KeyPadding) * sizeof(ulong), budget);

    /// <summary>Makes room for a list of rows and keeps the first <paramref name="used"/> of them.</summary>
    public void GrowLinks(long used, long count) => _links.Grow(used * sizeof(uint), count * sizeof(uint), budget);

    /// <summary>Makes room for the neighbours of one row.</summary>
    public void EnsureNeighbours(int count)
    {
        _ids.Ensure((count + 4L) * sizeof(uint), budget);
        _fronts.Ensure((count + 4L) * sizeof(byte*), budget);
        _distances.Ensure((count + 4L) * sizeof(float), budget);
    }

    /// <summary>The rows that held what they hold at a moment, in a filter of this scratch.</summary>
    public PreparedFilter RowsHeld(LifetimeTable times, ulong time, long rows, PreparedFilter? within)
    {
        _rowsHeld ??= new(budget);
        _rowsHeld.Refill(times, time, rows, within);
        return _rowsHeld;
    }

    public void EnsureQuery(long bytes) => _query.Ensure(bytes, budget);

    public void EnsureLinks(long count) => _links.Ensure(count * sizeof(uint), budget);

    public void Dispose()
    {
        _rowsHeld?.Dispose();
        _visited.Dispose();
        _keys.Dispose();
        _more.Dispose();
        _ids.Dispose();
        _fronts.Dispose();
        _distances.Dispose();
        _query.Dispose();
        _links.Dispose();
    }

    // Contents are lost when a piece is made larger by Ensure: nothing in a scratch outlives its walk.
    struct Piece
    {
        NativeBlock? _block;

        public byte* Memory;

        public long Bytes => _block?.Bytes ?? 0;

        public void Ensure(long bytes, MemoryBudget budget)
        {
            if (bytes <= Bytes) return;
            var block = new NativeBlock((Math.Max(bytes, Math.Min(Bytes * 2, 1 << 20)) + 63) & -64, budget, large: true);
            _block?.Dispose();
            _block = block;
            Memory = block.Pointer;
        }

        public void Grow(long used, long bytes, MemoryBudget budget)
        {
            if (bytes <= Bytes) return;
            var old = this;
            this = default;
            try
            {
                Ensure(Math.Max(bytes, old.Bytes * 2), budget);
            }
            catch
            {
                this = old;
                throw;
            }
            if (used > 0) Unsafe.CopyBlockUnaligned(Memory, old.Memory, checked((uint)used));
            old.Dispose();
        }

        public void Dispose()
        {
            _block?.Dispose();
            _block = null;
            Memory = null;
        }
    }
}
