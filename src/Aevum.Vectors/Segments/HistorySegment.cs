// HistorySegment: vectors that were replaced or deleted, each with its lifetime [from, to), under a graph of their own. It grows while it is open; sealed, it
// never changes again, and may be saved once, merged with its like, and dropped when the history floor has passed all of it.
//
//   open -> sealed   [Seal]            appends that run are waited for; later ones are refused and go to the next segment
//   any  -> freed    [Release]         by whoever lets go last: the list of segments, or the last search that visits it
//
// Always true: an entry is complete before Append returns; MinFrom and MaxTo cover every entry.

using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;

namespace Aevum.Vectors;

sealed class HistorySegment(HnswIndex graph) : IDisposable
{
    ulong _minFrom = ulong.MaxValue;
    ulong _maxTo;
    int _uses = 1;
    volatile Summarized? _summary;
    volatile bool _isSealed;

    public HistorySegment(VectorShape shape, HnswOptions options, MemoryBudget budget)
        : this(new HnswIndex(shape, options with { Lifetimes = LifetimeKind.FromTo }, budget))
    {
    }

    public HnswIndex Graph { get; } = graph;

    public long Count => Graph.Count;

    /// <summary>Whether every append has ended and none begins any more.</summary>
    public bool IsSealed => _isSealed;

    public ulong MinFrom => Volatile.Read(ref _minFrom);

    public ulong MaxTo => Volatile.Read(ref _maxTo);

    /// <summary>Whether an entry may have held at a moment.</summary>
    public bool Spans(ulong time) => MinFrom <= time && time < MaxTo;

    /// <returns>False: it is sealed.</returns>
    public bool TryAppend(ulong id, ReadOnlySpan<byte> stored, ulong from, ulong to)
    {
        // The span first: a search that finds the entry gone from the live rows must not pass by here.
        Cover(from, to);
        return Graph.TryAppend(id, stored, from, to);
    }

    public void Cover(ulong from, ulong to)
    {
        for (var seen = MinFrom; from < seen; seen = MinFrom)
            if (Interlocked.CompareExchange(ref _minFrom, from, seen) == seen) break;
        for (var seen = MaxTo; to > seen; seen = MaxTo)
            if (Interlocked.CompareExchange(ref _maxTo, to, seen) == seen) break;
    }

    /// <summary>Of a sealed segment; looks at every entry when it is first asked, and while the floor passes it, whenever that has risen.</summary>
    public HistorySummary Summarize(ulong floor)
    {
        if (_summary is { } known)
        {
            if (known.Floor == floor) return known.Summary;
            if (floor < known.Summary.FirstTo) return known.Summary with { Ended = 0 };
            if (floor >= known.Summary.LastTo) return known.Summary with { Ended = known.Summary.Count };
        }
        var (count, ended, life, first, last) = (0L, 0L, 0.0, ulong.MaxValue, 0UL);
        Graph.ForEachEntry((_, _, from, to) =>
        {
            count++;
            if (to <= floor) ended++;
            life += to - from;
            (first, last) = (Math.Min(first, to), Math.Max(last, to));
        });
        var summary = new HistorySummary(count, ended, life, first, last);
        _summary = new(floor, summary);
        return summary;
    }

    public static HistorySegment Open(
        IFileSystem files, string path, VectorShape shape, HnswOptions options, MemoryBudget budget, IScheduler? scheduler)
    {
        var graph = GraphImage.Open(files, path, SegmentKind.History, shape, budget, scheduler, out var span, saved => saved with
        {
            EfConstruction = options.EfConstruction, EfSearch = options.EfSearch, ForcedWay = options.ForcedWay,
        });
        var segment = new HistorySegment(graph);
        segment.Cover(span.MinFrom, span.MaxTo);
        return segment;
    }

    public void Write(IFileSystem files, string path, HnswSnapshot snapshot) =>
        GraphImage.Write(files, path, SegmentKind.History, Graph.Shape, Graph.Options, snapshot, MinFrom, MaxTo);

    public void Seal()
    {
        Graph.Seal();
        _isSealed = true;
    }

    /// <returns>False: it is freed already.</returns>
    public bool TryAcquire()
    {
        for (var uses = Volatile.Read(ref _uses); uses > 0; uses = Volatile.Read(ref _uses))
            if (Interlocked.CompareExchange(ref _uses, uses + 1, uses) == uses) return true;
        return false;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _uses) == 0) Graph.Dispose();
    }

    public void Dispose() => Release();

    sealed record Summarized(ulong Floor, HistorySummary Summary);
}
