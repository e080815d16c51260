// IvfIndex: inverted lists (Jegou, Douze and Schmid 2011). Space is cut into cells by centroids; a list holds the rows of a cell; a search looks only
// into the lists whose centroids are nearest to the query.
//
//   flat     a list holds vectors as they are stored                                  distances are exact
//   coded    a list holds product codes of half a byte a part, of the difference between vector and centroid, scanned 32 at a time (FastScan)
//            distances are estimates; with a source of whole vectors the best are compared exactly
//
// Codes are of differences because these are short and alike in all lists: one codebook serves all. The tables of a query are made anew for each list
// (query minus centroid; so nothing is turned first), except under InnerProduct, where -q.x = -q.centroid - q.difference and one table serves.
//
// Rows are numbers the caller chooses. Lists are chosen by squared Euclidean distance (of normalised vectors under Cosine) when a row is put, by the metric
// when a query comes.
//
// Who holds what:
//   _changing   Put, Delete, Save, Dispose, one at a time: what a save writes stands still
//   _lock       read: searches, beside each other and beside a save. Write: Put, Delete and Dispose, while they change something. Taken after _changing, so
//               that a change that waits for a save to end does not hold up the searches behind it
//
// Always true: a row is in one list, or none. Nothing is allocated by a search but the first of a size. Not here: training by itself (Train is given a sample),
// moving centroids when the data drifts: build anew; files (IvfIndex.Saving).

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Ivf;

sealed unsafe partial class IvfIndex : IDisposable
{
    readonly MemoryBudget _budget;
    readonly CentroidTable _centroids;
    readonly ProductQuantizer? _codes;
    readonly IvfList[] _lists;
    readonly IvfPlaces _places;
    readonly Lock _changing = new();
    readonly ReaderWriterLockSlim _lock = new(LockRecursionPolicy.NoRecursion);
    readonly Stack<IvfScratch> _scratches = new();
    readonly IVectorSource? _source;
    bool _closed;

    IvfIndex(VectorShape shape, IvfOptions options, CentroidTable centroids, ProductQuantizer? codes, IVectorSource? source, MemoryBudget budget)
    {
        (Shape, Options, _centroids, _codes, _source, _budget) = (shape, options, centroids, codes, source, budget);
        EntryBytes = codes?.CodeBytes ?? shape.Stride;
        _lists = new IvfList[centroids.Count];
        for (var i = 0; i < _lists.Length; i++) _lists[i] = new(EntryBytes, codes is not null, budget);
        _places = new(budget);
    }

    public VectorShape Shape { get; }

    public IvfOptions Options { get; }

    /// <summary>How many rows it holds.</summary>
    public long Count { get; private set; }

    public int ListCount => _lists.Length;

    /// <summary>Bytes of an entry of a list, without its row number.</summary>
    public int EntryBytes { get; }

    /// <summary>Native memory of lists and places, and of the file where it was read and not mapped; scratches of searches are not in it.</summary>
    public long MemoryBytes => _places.Bytes + _lists.Sum(l => l.Bytes) + (_image is { IsMapped: false } image ? image.Length : 0);

    /// <summary>Learns centroids (and codebooks) from a sample, and makes an index without rows.</summary>
    /// <param name="source">Whole vectors to compare the best estimates with; null: a coded index answers estimates. A flat one needs none.</param>
    /// <exception cref="AevumException">InvalidArgument: an option out of its range; vectors of bits; an empty sample.</exception>
    public static IvfIndex Train(VectorShape shape, IvfOptions options, VectorSample sample, SeededRandom random, IVectorSource? source, MemoryBudget budget)
    {
        options.Validate();
        VectorFloats.Require(shape);
        if (sample.Count == 0) Throw.Invalid("inverted lists cannot be learnt from no vectors");
        var lists = Math.Min(options.Lists, sample.Count);
        var centroids = KMeans.Train(sample.Pointer, sample.Count, shape.Dimension, shape.Dimension, new(lists, options.RoundsMax), random, out _);
        var table = new CentroidTable(centroids, shape.Dimension);
        var codes = options.IsCoded ? TrainCodes(shape, options, sample, table, centroids, random, budget) : null;
        return new(shape, options, table, codes, options.IsCoded ? source : null, budget);
    }

    /// <summary>Puts a vector under a row number; one that is there is replaced.</summary>
    /// <param name="stored">As the encoder stored it.</param>
    public void Put(uint row, ReadOnlySpan<byte> stored)
    {
        if (stored.Length < Shape.Bytes) Throw.Invalid($"a stored vector of {Shape} has {Shape.Bytes} bytes, not {stored.Length}");
        using var changing = _changing.EnterScope();
        _lock.EnterWriteLock();
        try
        {
            ThrowIfClosed();
            using var rented = Rent();
            var scratch = rented.Scratch;
            scratch.Begin(NativeBlock.Room(Shape.Dimension * 4L) + NativeBlock.Room(EntryBytes));
            var floats = (float*)scratch.Take(Shape.Dimension * 4L);
            var entry = scratch.Take(EntryBytes);
            int list;
            fixed (byte* vector = stored)
            {
                VectorFloats.Read(Shape, vector, floats);
                list = _centroids.Nearest(floats, out _);
                if (_codes is null)
                {
                    new Span<byte>(entry, EntryBytes).Clear();
                    Buffer.MemoryCopy(vector, entry, EntryBytes, Shape.Bytes);
                }
                else
                {
                    for (var i = 0; i < Shape.Dimension; i++) floats[i] -= _centroids.Component(list, i);
                    _codes.Encode(floats, entry);
                }
            }
            _places.EnsureRoom(1);
            // Where memory fails now, nothing has changed.
            var place = _lists[list].Add(row, entry);
            if (_places.TryGet(row, out var oldList, out var oldPlace)) Take(oldList, oldPlace, entry);
            else Count++;
            // If the old entry was in the same list, the new one, being the last, may have moved to the old one's place.
            if (oldList == list && place == _lists[list].Count) place = oldPlace;
            _places.Set(row, list, place);
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <returns>False: there was no such row.</returns>
    public bool Delete(uint row)
    {
        using var changing = _changing.EnterScope();
        _lock.EnterWriteLock();
        try
        {
            ThrowIfClosed();
            if (!_places.TryGet(row, out var list, out var place)) return false;
            using var rented = Rent();
            rented.Scratch.Begin(NativeBlock.Room(EntryBytes));
            Take(list, place, rented.Scratch.Take(EntryBytes));
            _places.Remove(row);
            Count--;
            return true;
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    public bool Contains(uint row)
    {
        _lock.EnterReadLock();
        try
        {
            ThrowIfClosed();
            return _places.TryGet(row, out _, out _);
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    /// <summary>Waits for searches and a save that run, then frees everything. Afterwards all answer Closed.</summary>
    public void Dispose()
    {
        using var changing = _changing.EnterScope();
        _lock.EnterWriteLock();
        try
        {
            if (_closed) return;
            _closed = true;
            foreach (var list in _lists) list.Dispose();
            foreach (var scratch in _scratches) scratch.Dispose();
            _scratches.Clear();
            _places.Dispose();
            _centroids.Dispose();
            _codes?.Dispose();
            _image?.Dispose();
            Count = 0;
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    static ProductQuantizer TrainCodes(
        VectorShape shape, IvfOptions options, VectorSample sample, CentroidTable table, float[] centroids, SeededRandom random, MemoryBudget budget)
    {
        using var differences = new VectorSample(shape, sample.Count, random, budget);
        var difference = new float[shape.Dimension];
        fixed (float* d = difference)
        {
            for (var p = 0; p < sample.Count; p++)
            {
                var list = table.Nearest(sample[p], out _);
                for (var i = 0; i < difference.Length; i++) d[i] = sample[p][i] - centroids[(list * difference.Length) + i];
                differences.Add(d);
            }
        }
        return (ProductQuantizer)Quantizer.Train(new(QuantizationKind.Product, options.SubCount, 16, options.RoundsMax, Turns: false), differences, random);
    }

    void Take(int list, int place, byte* scratch)
    {
        if (_lists[list].Remove(place, scratch)) _places.Set(_lists[list].Rows[place], list, place);
    }

    void ThrowIfClosed()
    {
        if (_closed) Throw.Closed("the index");
    }

    Rented Rent()
    {
        lock (_scratches)
            if (_scratches.TryPop(out var scratch)) return new(this, scratch);
        return new(this, new IvfScratch(_budget));
    }

    readonly ref struct Rented(IvfIndex index, IvfScratch scratch)
    {
        public readonly IvfScratch Scratch = scratch;

        public void Dispose()
        {
            lock (index._scratches) index._scratches.Push(Scratch);
        }
    }
}
