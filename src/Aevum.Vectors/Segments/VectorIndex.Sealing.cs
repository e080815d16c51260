// Sealing: how live rows become codes. Part of Maintain; searches, writes and saves go on beside it.
//
//   freeze    the open graph has SealRows rows: another takes its place, and it is frozen
//   seal      the frozen graph, as a snapshot notes it, becomes a segment of codes. Rows that died meanwhile die there, too, in the moment of exchange
//   merge     MergeFanIn segments of a tier, or one of which a tenth is dead, become one: the rows that live are put into a graph of whole vectors,
//             which then becomes codes
//
// Codebooks: the first is learnt from the first graph that is sealed; from then on the keeper watches what is put, and learns again, at the next seal or
// merge, when it drifted. Segments keep the codebook they were made with; merging them gives them the present one.
//
// A seal or merge that fails (memory, cancellation) changes nothing; what is frozen stays frozen, and is searched as it is.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors;

public sealed partial class VectorIndex
{
    const int DeadShareMax = 10;
    const int SampleBytesMax = 32 << 20;
    const int SampleMin = 2048;

    readonly Lock _keeperGate = new();
    CodebookKeeper? _keeper;              // under _keeperGate

    /// <summary>Codebooks that were learnt since the index was made or opened.</summary>
    internal int CodebookGeneration
    {
        get
        {
            lock (_keeperGate) return _keeper?.Generation ?? 0;
        }
    }

    /// <summary>Whether a graph is frozen at present.</summary>
    internal bool HasFrozen => _parts?.Frozen is not null;

    /// <summary>Whether <see cref="Maintain"/> has live rows to seal or codes to merge.</summary>
    public bool IsSealDue
    {
        get
        {
            if (_parts is null || Options.Codes is null || _closed) return false;
            var parts = AcquireParts();
            try
            {
                return parts.Frozen is not null || parts.Open.Count >= Options.SealRows || PickCoded(parts).Length > 0;
            }
            finally
            {
                parts.Release();
            }
        }
    }

    // By the one thread that maintains.
    bool MaintainCodes(CancellationToken cancellation)
    {
        if (_parts is null || Options.Codes is null) return false;
        var parts = AcquireParts();
        try
        {
            if (parts.Frozen is null && parts.Open.Count >= Options.SealRows)
            {
                var open = MakeLive();
                if (Exchange(p => p.Freeze(open))) return true;
                open.Dispose();
                return false;
            }
            if (parts.Frozen is { } frozen)
            {
                Seal(frozen, cancellation);
                return true;
            }
            var old = PickCoded(parts);
            if (old.Length == 0) return false;
            MergeCoded(old, cancellation);
            return true;
        }
        finally
        {
            parts.Release();
        }
    }

    void Seal(HnswIndex frozen, CancellationToken cancellation)
    {
        CodedSegment? made = null;
        if (frozen.Count > 0)
        {
            using var snapshot = frozen.Snapshot();
            made = MakeCoded(snapshot, cancellation);
        }
        var isDone = false;
        try
        {
            isDone = Exchange(parts =>
            {
                for (var row = 0u; made is not null && row < made.Rows; row++)
                    if (!frozen.TryGetFrom(made.Id(row), out var from) || from != made.From(row)) made.Dead.Add(row);
                return parts.Thaw(made);
            });
        }
        finally
        {
            if (!isDone) made?.Dispose();
        }
    }

    void MergeCoded(CodedSegment[] old, CancellationToken cancellation)
    {
        var dead = old.Select(s => s.Dead.Copy()).ToArray();
        CodedSegment? made = null;
        using (var graph = MakeLive())
        {
            for (var i = 0; i < old.Length; i++)
                for (var row = 0u; row < old[i].Rows; row++)
                {
                    if (((dead[i][row / 64] >> (int)(row % 64)) & 1) != 0) continue;
                    cancellation.ThrowIfCancellationRequested();
                    if (_closed) Throw.Closed("the index");
                    graph.PutEncoded(old[i].Id(row), old[i].Vector(row), old[i].From(row));
                }
            if (graph.Count > 0)
            {
                using var snapshot = graph.Snapshot();
                made = MakeCoded(snapshot, cancellation);
            }
        }
        var isDone = false;
        try
        {
            Options.BeforeMergeCounts?.Invoke();
            isDone = Exchange(parts =>
            {
                // What died since the rows were read.
                for (var i = 0; i < old.Length && made is not null; i++)
                    for (var row = 0u; row < old[i].Rows; row++)
                        if (old[i].Dead.Contains(row) && ((dead[i][row / 64] >> (int)(row % 64)) & 1) == 0 && made.TryFind(old[i].Id(row), out var found))
                            made.Dead.Add(found);
                return parts.Merge(old, made);
            });
        }
        finally
        {
            if (!isDone) made?.Dispose();
        }
    }

    CodedSegment MakeCoded(HnswSnapshot snapshot, CancellationToken cancellation)
    {
        var quantizer = TakeCodebook(snapshot);
        cancellation.ThrowIfCancellationRequested();
        return CodedSegment.Make(snapshot, Shape, Options.Codes!, quantizer, _budget);
    }

    // Other parts, in a moment in which nobody writes. False: the index is closed.
    bool Exchange(Func<LiveParts, LiveParts> change)
    {
        var held = 0;
        try
        {
            for (; held < Stripes; held++) _stripes[held].Enter();
            if (_closed) return false;
            var old = _parts!;
            var next = change(old);
            _live = next.Open;
            _parts = next;
            old.Release();
            return true;
        }
        finally
        {
            while (held > 0) _stripes[--held].Exit();
        }
    }

    // What is worth merging: MergeFanIn segments of a tier, else one of which a tenth is dead.
    CodedSegment[] PickCoded(LiveParts parts)
    {
        foreach (var tier in parts.Coded.GroupBy(s => TierOf(s.Count)).OrderBy(t => t.Key))
            if (tier.Take(HistoryPicker.MergeFanIn).ToArray() is { Length: HistoryPicker.MergeFanIn } some && some.Sum(s => s.Count) <= Options.MergeRowsMax)
                return some;
        return parts.Coded.FirstOrDefault(s => s.Dead.Count * DeadShareMax > s.Rows) is { } one ? [one] : [];
    }

    int TierOf(long count)
    {
        var tier = 0;
        for (var size = (long)Options.SealRows * HistoryPicker.MergeFanIn; count >= size * 3 / 4 && tier < 30; size *= HistoryPicker.MergeFanIn) tier++;
        return tier;
    }

    // ------------------------------------------------------------------------------------------------ codebooks

    // A copy of the present one, for a segment of its own.
    Quantizer TakeCodebook(HnswSnapshot snapshot)
    {
        lock (_keeperGate)
        {
            ThrowIfClosed();
            _keeper ??= KeeperOf(snapshot);
            if (_keeper.Current is null || _keeper.IsRetrainingDue)
            {
                var before = _keeper.Current;
                _keeper.Train();
                before?.Dispose();
            }
            return CodebookFormat.Copy(_keeper.Current!);
        }
    }

    // One that was shown all rows that live.
    unsafe CodebookKeeper KeeperOf(HnswSnapshot snapshot)
    {
        var keeper = MakeKeeper();
        try
        {
            using var scratch = new NativeBlock(Shape.Stride, _budget);
            for (var row = 0u; row < snapshot.Facts.Rows; row++)
            {
                if (!snapshot.IsLive(row)) continue;
                snapshot.Graph.Read(row, scratch.Pointer);
                snapshot.Graph.Rotation?.ApplyInverse((float*)scratch.Pointer, (float*)scratch.Pointer);
                keeper.Show(scratch.Pointer);
            }
            return keeper;
        }
        catch
        {
            keeper.Dispose();
            throw;
        }
    }

    // Of an index that was opened: the codebook of its newest codes goes on, unless codes are to be others now. Then one is learnt at the next seal.
    void KeepCodebookOf(CodedSegment segment)
    {
        if (!segment.Graph.Quantizer.IsOf(Options.Codes!.Quantization)) return;
        var keeper = MakeKeeper();
        try
        {
            keeper.Adopt(CodebookFormat.Copy(segment.Graph.Quantizer));
            _keeper = keeper;
        }
        catch
        {
            keeper.Dispose();
            throw;
        }
    }

    CodebookKeeper MakeKeeper()
    {
        var room = SampleBytesMax / (Shape.Dimension * sizeof(float));
        var keeping = Options.Keeping ?? new() { SampleMax = Math.Min(Math.Max(room, SampleMin), Options.Codes!.SampleMax) };
        return new(Shape, Options.Codes!.Quantization, keeping, new SeededRandom(Options.Codes.Seed), _budget);
    }

    // Beside training nobody waits: what is put meanwhile is not shown.
    unsafe void ShowToKeeper(ReadOnlySpan<byte> stored)
    {
        if (_keeper is null || !_keeperGate.TryEnter()) return;
        try
        {
            fixed (byte* vector = stored) _keeper?.Show(vector);
        }
        finally
        {
            _keeperGate.Exit();
        }
    }
}
