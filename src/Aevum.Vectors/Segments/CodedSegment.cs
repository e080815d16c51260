// CodedSegment: an immutable part of what ids hold: a graph of codes with whole vectors for the rerank, rows found by id, and since when each row holds. What
// is put anew or deleted dies here: a bit a row, set by the writer who holds the id's lock, asked by searches late (CodedSight).
//
//   made      from a graph of whole vectors as a snapshot noted it; all in native memory
//   saved     once (CodedImage); then the mapped file takes the place of that memory (Opened), with the same bits
//   merged    VectorIndex.Sealing makes another one of those rows of several that live
//
// Always true: a dead row stays dead; a row that is not dead holds what its id holds now.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors;

sealed unsafe class CodedSegment : IDisposable
{
    readonly NativeBlock? _orderBlock, _fromBlock;
    readonly uint* _order;
    readonly ulong* _from;
    readonly ulong* _ids;
    readonly ulong* _dead;

    CodedSegment(CodedGraph graph, uint* order, ulong* from, NativeBlock? orderBlock, NativeBlock? fromBlock, DeadRows dead)
    {
        (Graph, _orderBlock, _fromBlock, Dead) = (graph, orderBlock, fromBlock, dead);
        _order = order;
        _from = from;
        _dead = dead.Pointer;
        _ids = graph.Parts.Ids;
    }

    public CodedGraph Graph { get; }

    /// <summary>The same object as long as rows are the same: also after the file has taken the place of memory.</summary>
    public DeadRows Dead { get; }

    public int Rows => Graph.Count;

    /// <summary>Rows that are not dead.</summary>
    public long Count => Rows - Dead.Count;

    /// <summary>Codes, links, upper layers, ids and what finds them; lifetimes and whole vectors not.</summary>
    public long CodeBytes => Graph.MemoryBytes + (Rows * (long)sizeof(uint));

    /// <summary>Whole vectors and lifetimes in native memory, where no file is mapped.</summary>
    public long VectorBytes => Graph.IsMapped ? 0 : Rows * (long)(Graph.Shape.Stride + (_from == null ? 0 : sizeof(ulong)));

    /// <summary>Bytes of the mapped file.</summary>
    public long MappedBytes => Graph.IsMapped ? Graph.ImageBytes : 0;

    /// <param name="quantizer">The segment's own.</param>
    /// <exception cref="AevumException">LimitExceeded: no room; nothing is left behind.</exception>
    public static CodedSegment Make(HnswSnapshot snapshot, VectorShape shape, CodedOptions options, Quantizer quantizer, MemoryBudget budget)
    {
        var graph = CodedGraph.From(snapshot, shape, options, quantizer, budget, out var rows);
        NativeBlock? orderBlock = null, fromBlock = null;
        try
        {
            var order = CodedImage.OrderOf(graph);
            orderBlock = new(order.Length * (long)sizeof(uint), budget, large: true);
            order.CopyTo(new Span<uint>(orderBlock.Pointer, order.Length));
            if (snapshot.Lifetimes is { } lifetimes)
            {
                fromBlock = new(rows.Length * (long)sizeof(ulong), budget, large: true);
                for (var row = 0; row < rows.Length; row++) ((ulong*)fromBlock.Pointer)[row] = lifetimes.From(rows[row]);
            }
            var from = fromBlock is null ? null : (ulong*)fromBlock.Pointer;
            return new(graph, (uint*)orderBlock.Pointer, from, orderBlock, fromBlock, new(rows.Length));
        }
        catch
        {
            graph.Dispose();
            orderBlock?.Dispose();
            fromBlock?.Dispose();
            throw;
        }
    }

    /// <param name="dead">Of the rows in the file; null: none is.</param>
    /// <exception cref="AevumException">Corruption; UnsupportedFormat; LimitExceeded; what the file system throws.</exception>
    public static CodedSegment Open(
        IFileSystem files, string path, VectorShape? shape, bool hasTimes, DeadRows? dead, MemoryBudget budget, IScheduler? scheduler) =>
        From(CodedImage.Open(files, path, shape, budget, scheduler), path, hasTimes, dead);

    /// <summary>The same where the file system maps; null: it does not.</summary>
    public static CodedSegment? TryMap(IFileSystem files, string path, VectorShape shape, bool hasTimes, DeadRows dead, MemoryBudget budget) =>
        CodedImage.TryMap(files, path, shape, budget) is { } opened ? From(opened, path, hasTimes, dead) : null;

    static CodedSegment From(in OpenedCodes opened, string path, bool hasTimes, DeadRows? dead)
    {
        if (hasTimes != (opened.From != null) || (dead is not null && dead.Rows != opened.Graph.Count))
        {
            opened.Graph.Dispose();
            Throw.Corruption(path, SegmentFormat.FactsOffset, "times where history is kept, and as many rows as before");
        }
        return new(opened.Graph, opened.Order, opened.From, null, null, dead ?? new(opened.Graph.Count));
    }

    public void Write(IFileSystem files, string path) => CodedImage.Write(files, path, Graph, new(_order, Rows), _from);

    /// <summary>The row that holds an id and is not dead.</summary>
    public bool TryFind(ulong id, out uint row)
    {
        var (low, high) = (0, Rows - 1);
        while (low <= high)
        {
            var middle = (int)(((uint)low + (uint)high) / 2);
            row = _order[middle];
            var seen = _ids[row];
            if (seen == id) return !Dead.Contains(row);
            if (seen < id) low = middle + 1;
            else high = middle - 1;
        }
        row = 0;
        return false;
    }

    public ulong Id(uint row) => _ids[row];

    public ulong From(uint row) => _from == null ? 0 : _from[row];

    /// <summary>The stored vector of a row.</summary>
    public ReadOnlySpan<byte> Vector(uint row) => Graph.Vector(row);

    /// <summary>The nearest rows that are not dead.</summary>
    /// <param name="query">Without an offset.</param>
    /// <param name="asOf">Only what had begun then; 0: all.</param>
    public int Search(ReadOnlySpan<byte> stored, in CodedQuery query, VectorFilter? ids, ulong asOf, Span<VectorMatch> results)
    {
        var filter = ids?.RowsOf(this);
        return Graph.SearchEncoded(stored, query, new(filter, _dead, Dead.Count, asOf == 0 ? null : _from, asOf), results);
    }

    public void Dispose()
    {
        Graph.Dispose();
        _orderBlock?.Dispose();
        _fromBlock?.Dispose();
    }
}

/// <summary>A bit for each row that is dead; the collector frees it.</summary>
sealed unsafe class DeadRows
{
    readonly ulong[] _words;
    long _count;

    public DeadRows(int rows)
    {
        Rows = rows;
        _words = GC.AllocateArray<ulong>((rows + 63) / 64, pinned: true);
        Pointer = (ulong*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_words, 0);
    }

    /// <summary>Takes over what a file says, before anybody else knows it.</summary>
    /// <exception cref="AevumException">Corruption: a bit behind the last row.</exception>
    public void Load(ReadOnlySpan<ulong> words, string path)
    {
        words.CopyTo(_words);
        if (Rows % 64 != 0 && _words[^1] >> (Rows % 64) != 0) Throw.Corruption(path, 0, "no dead rows behind the last row");
        foreach (var word in words) _count += System.Numerics.BitOperations.PopCount(word);
    }

    public int Rows { get; }

    public ulong* Pointer { get; }

    public long Count => Volatile.Read(ref _count);

    public bool Contains(uint row) => ((Volatile.Read(ref _words[row / 64]) >> (int)(row % 64)) & 1) != 0;

    public void Add(uint row)
    {
        var bit = 1UL << (int)(row % 64);
        if ((Interlocked.Or(ref _words[row / 64], bit) & bit) == 0) Interlocked.Increment(ref _count);
    }

    public ulong[] Copy() => [.. _words];
}
