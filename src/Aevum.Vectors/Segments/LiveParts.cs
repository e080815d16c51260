// LiveParts: where what ids hold lies in an index with codes, as one thing that searches take and writers replace:
//
//   open      takes writes                                      HnswIndex, whole vectors
//   frozen    was open, and is being turned into codes          HnswIndex; rows die there, none come to be. Null most of the time
//   coded     codes, whole vectors in mapped files              CodedSegment, each immutable but for rows that die
//
//   {open, coded}  ->  {new open, frozen, coded}  ->  {open, coded + 1}        coded also merge among themselves
//
// An id lives in one part at most. A put writes into open first and lets the old row die then; so who looks at the parts in the order coded, frozen, open, and
// whose parts are still those of the index afterwards, has met every id.
//
// Always true: replaced only while all locks of ids are held. A part is freed when the last who holds parts with it has let go.

using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

sealed class LiveParts
{
    readonly Part<HnswIndex> _open;
    readonly Part<HnswIndex>? _frozen;
    readonly Part<CodedSegment>[] _coded;
    int _uses = 1;

    public LiveParts(HnswIndex open, HnswIndex? frozen, IEnumerable<CodedSegment> coded)
        : this(new Part<HnswIndex>(open), frozen is null ? null : new Part<HnswIndex>(frozen), [.. coded.Select(c => new Part<CodedSegment>(c))])
    {
    }

    LiveParts(Part<HnswIndex> open, Part<HnswIndex>? frozen, Part<CodedSegment>[] coded)
    {
        (_open, _frozen, _coded) = (open, frozen, coded);
        open.Acquire();
        frozen?.Acquire();
        foreach (var part in coded) part.Acquire();
        Coded = [.. coded.Select(c => c.Value)];
    }

    public HnswIndex Open => _open.Value;

    public HnswIndex? Frozen => _frozen?.Value;

    public CodedSegment[] Coded { get; }

    public long Count => Open.Count + (Frozen?.Count ?? 0) + Coded.Sum(c => c.Count);

    /// <summary>The open graph stands still from now on, and another is open.</summary>
    public LiveParts Freeze(HnswIndex open) => Next(new(open), _open, _coded);

    /// <summary>Codes take the place of the frozen graph.</summary>
    /// <param name="coded">Null: nothing lives in it any more.</param>
    public LiveParts Thaw(CodedSegment? coded) => Next(_open, null, coded is null ? _coded : [.. _coded, new(coded)]);

    /// <summary>One segment in place of some.</summary>
    /// <param name="old">As they were when the merge began; a save may have put their files in the place of their memory since.</param>
    /// <param name="made">Null: none of their rows lives.</param>
    public LiveParts Merge(CodedSegment[] old, CodedSegment? made)
    {
        // The same rows are known by their bits, which every form of a segment shares.
        var kept = _coded.Where(c => !old.Any(o => o.Dead == c.Value.Dead));
        return Next(_open, _frozen, made is null ? [.. kept] : [.. kept, new(made)]);
    }

    /// <summary>Another form of the same rows.</summary>
    public LiveParts Replace(CodedSegment old, CodedSegment made) => Next(_open, _frozen, [.. _coded.Select(c => c.Value == old ? new(made) : c)]);

    /// <returns>False: it was replaced, and nobody holds it any more.</returns>
    public bool TryAcquire()
    {
        for (var uses = Volatile.Read(ref _uses); uses > 0; uses = Volatile.Read(ref _uses))
            if (Interlocked.CompareExchange(ref _uses, uses + 1, uses) == uses) return true;
        return false;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _uses) > 0) return;
        _open.Release();
        _frozen?.Release();
        foreach (var coded in _coded) coded.Release();
    }

    // Whoever calls holds these parts, so none of them is being freed.
    static LiveParts Next(Part<HnswIndex> open, Part<HnswIndex>? frozen, Part<CodedSegment>[] coded) => new(open, frozen, coded);

    // Counts the lists of parts it is in; made with none.
    sealed class Part<T>(T value) where T : class, IDisposable
    {
        int _lists;

        public T Value => value;

        public void Acquire() => Interlocked.Increment(ref _lists);

        public void Release()
        {
            if (Interlocked.Decrement(ref _lists) == 0) value.Dispose();
        }
    }
}
