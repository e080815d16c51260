// HnswIndex: vectors under 64-bit ids, found by nearness through a layered graph (Malkov and Yashunin 2018). docs/internals/hnsw.md tells the whole.
//
//   Put, Delete       HnswIndex.Writing     any thread, several at once
//   Search            HnswIndex.Searching   any thread, without a lock, beside writers
//   sweep, rotation   HnswIndex.Upkeep      pieces of it ride on Put and Delete
//
// Who holds what:
//   _upkeep     read: a Put while it links. Write: the sweep and the rotation, which change links or vectors of rows that are not theirs
//   _gate       the id table, free rows, deaths; held for nanoseconds
//   row locks   one list of links (RowTable)
//   nothing     a search; Readers tells the writers what it may still stand on
//
// Always true: a row named by a search was Live when the search began or later; its distance is that of the vector it had then; an id is named
// once. Put and Delete are seen by every search that begins after they return.

using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

public sealed unsafe partial class HnswIndex : IDisposable
{
    /// <summary>Keys of candidates have 31 bits for a row.</summary>
    public const int RowsMax = int.MaxValue - (2 * SlabTable.GroupRows);

    readonly MemoryBudget _budget;
    readonly ReaderWriterLockSlim _upkeep = new(LockRecursionPolicy.NoRecursion);
    readonly Lock _gate = new();
    readonly RowTable _rows;
    readonly RowIds _ids;
    readonly UpperLinks _upper;
    readonly LifetimeTable? _lifetimes;
    readonly EntryPoint _entry = new();
    readonly Readers _readers;
    readonly float _scale;
    Graph _graph;
    long _count;
    bool _closed;

    /// <param name="budget">What the index takes its native memory from; null: from an unlimited one of its own.</param>
    /// <exception cref="AevumException">InvalidArgument: an option is out of its range.</exception>
    public HnswIndex(VectorShape shape, HnswOptions? options = null, MemoryBudget? budget = null)
    {
        Shape = shape;
        Options = options ?? new();
        Options.Validate();
        _budget = budget ?? MemoryBudget.Unlimited();
        _scale = GraphMaker.Scale(shape);
        _rows = new(_budget);
        _ids = new(_rows, _budget);
        _upper = new(Options.M, _budget);
        _lifetimes = Options.Lifetimes == LifetimeKind.None ? null : new(Options.Lifetimes, _budget);
        _readers = new(_budget);
        if (Options.Lifetimes == LifetimeKind.FromTo && PastCodesList.Supports(shape))
            _coded = new(_lifetimes!, _rows, shape, _readers, _budget);
        _graph = MakeGraph(null);
        _learnAfter = GraphMaker.CanRotate(shape) && Options.RotateAfterRows > 0 ? Options.RotateAfterRows : long.MaxValue;
    }

    public VectorShape Shape { get; }

    public HnswOptions Options { get; }

    /// <summary>How many ids it holds.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>One more than the greatest row number ever used: what a filter's bits must cover.</summary>
    public long RowCount => Volatile.Read(ref _highRow);

    /// <summary>How many leading elements of turned vectors decide most comparisons; 0: vectors are not turned.</summary>
    public int LeadingElements => _graph.Rotation?.Cut ?? 0;

    /// <summary>Native memory of vectors, links, upper layers, ids and states, in bytes; scratches of searches are not in it.</summary>
    public long MemoryBytes =>
        _graph.Store.Bytes + (_graph.Rotation?.Bytes ?? 0) + _rows.Bytes + _ids.Bytes + _upper.Bytes + (_lifetimes?.Bytes ?? 0) + (_coded?.Bytes ?? 0);

    public bool Contains(ulong id) => RowOf(id) is not null;

    /// <summary>The row that holds an id, for filters; it changes when the id is put again.</summary>
    public uint? RowOf(ulong id)
    {
        lock (_gate) return _ids.TryFind(id, out var row) ? row : null;
    }

    /// <summary>Copies the vector of an id out, as floats.</summary>
    /// <param name="vector">Shape [d].</param>
    /// <returns>False: there is no such id.</returns>
    /// <remarks>Under Cosine it has length 1. A turned vector is turned back, which may change the last bits of a component.</remarks>
    public bool TryGet(ulong id, Span<float> vector)
    {
        if (vector.Length != Shape.Dimension) Throw.Invalid($"there is room for {vector.Length} components where {Shape.Dimension} are asked for");
        var scratch = _readers.Enter();
        try
        {
            if (RowOf(id) is not { } row) return false;
            var graph = Volatile.Read(ref _graph);
            var stored = EnsureQuery(scratch);
            graph.Read(row, stored);
            graph.Rotation?.ApplyInverse((float*)stored, (float*)stored);
            VectorEncoder.Decode(Shape, new ReadOnlySpan<byte>(stored, Shape.Bytes), vector);
            return true;
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    /// <summary>Frees what only inserts need: the lengths of links. Inserts go on, somewhat slower.</summary>
    public void Trim()
    {
        _upkeep.EnterWriteLock();
        try
        {
            ThrowIfClosed();
            _graph.Store.DropLengths();
        }
        finally
        {
            _upkeep.ExitWriteLock();
        }
    }

    /// <summary>Waits for searches and inserts that run, then frees everything. Afterwards all answer Closed.</summary>
    public void Dispose()
    {
        _upkeep.EnterWriteLock();
        try
        {
            if (_closed) return;
            _closed = true;
        }
        finally
        {
            _upkeep.ExitWriteLock();
        }
        _readers.Close();
        lock (_gate)
        {
            FreeUpkeep();
            _graph.Dispose();
            _graph.Rotation?.Dispose();
            _rows.Dispose();
            _upper.Dispose();
            _lifetimes?.Dispose();
            _coded?.Dispose();
            _readers.Dispose();
            _ids.Dispose();
            _image?.Dispose();
            _count = 0;
        }
    }

    Graph MakeGraph(LeadingRotation? rotation)
    {
        var store = GraphMaker.MakeStore(Shape, rotation, 2 * Options.M, Options.KeepLengths, _budget);
        return GraphMaker.Make(Shape, rotation, new(store, _rows, _upper, _entry));
    }

    // Room for a vector as stored, and behind it as it is compared.
    byte* EnsureQuery(SearchScratch scratch)
    {
        scratch.EnsureQuery(Shape.Stride + NativeBlock.Room(PreparedQuery.Bytes(Shape)));
        return scratch.Query;
    }

    void ThrowIfClosed()
    {
        if (_closed) Throw.Closed("the index");
    }
}
