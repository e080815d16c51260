// Upkeep: the work that makes deletion true and keeps comparisons short, done in small pieces by those who write.
//
// The sweep. A deleted row stays linked for a while: walks may pass it, results never name it. When enough rows are dead a sweep begins, and goes on by
// 32 rows with each further death (amortized, in steps of a few hundred):
//
//   idle -> sweeping   the rows dead by now are condemned; no insert links to a dead row, so no new link to them appears
//   sweeping           for each row in turn: links to dead rows are replaced (GraphRepair); rows that links lead to are marked
//   sweeping -> idle   no link leads to the condemned: they rest; rows without a mark get links again (Relink); the entry moves if it was condemned
//   resting -> free    no search is left that began before: the rows are used again
//
// At most about one row in ten is dead or resting, for any sequence of deletions; with no writes nothing is swept (Sweep does it at once).
//
// The rotation. After RotateAfterRows rows, and each time there are 16 times as many, a sample tells whether turning the vectors pays (PrincipalAxes) and
// whether the present turn still does. Turning copies every record into a new store with the same links and publishes it; searches that stand on the
// old one finish there.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Hnsw;

public sealed unsafe partial class HnswIndex
{
    const int SweepRowsPerDeath = 32;
    const int SweepStepMin = 512;
    const int DeadMin = 64;
    const int DeadShare = 64;
    const int SampleMax = 8192;

    readonly Queue<(long Epoch, uint[] Rows)> _resting = new();
    readonly Queue<(long Epoch, Graph Graph)> _retired = new();
    List<uint> _dead = [];
    List<uint> _condemned = [];
    NativeBlock? _marks;
    long _sweepCredit;
    long _swept;
    long _learnAfter;
    bool _isSweeping;

    /// <summary>Sweeps until no dead row is linked, and frees what no search stands on.</summary>
    public void Sweep()
    {
        _upkeep.EnterWriteLock();
        try
        {
            ThrowIfClosed();
            if (_isSweeping) SweepStep(long.MaxValue);
            BeginSweep();
            if (_isSweeping) SweepStep(long.MaxValue);
            lock (_gate) CollectRested();
        }
        finally
        {
            _upkeep.ExitWriteLock();
        }
    }

    /// <summary>Rows that hold a dead vector still.</summary>
    internal long DeadRows
    {
        get
        {
            lock (_gate) return _dead.Count + _condemned.Count + _resting.Sum(r => (long)r.Rows.Length);
        }
    }

    void Upkeep()
    {
        // Looked at without a lock: at worst a piece of work is done one write later.
        var isSweepDue = _isSweeping ? Volatile.Read(ref _sweepCredit) >= SweepStepMin : _dead.Count >= DeadMin && _dead.Count >= _count / DeadShare;
        var isLearningDue = Volatile.Read(ref _highRow) >= Volatile.Read(ref _learnAfter);
        if (!isSweepDue && !isLearningDue) return;
        _upkeep.EnterWriteLock();
        try
        {
            if (_closed) return;
            if (_highRow >= _learnAfter) LearnRotation();
            if (!_isSweeping && _dead.Count >= DeadMin && _dead.Count >= _count / DeadShare) BeginSweep();
            if (_isSweeping) SweepStep(Interlocked.Exchange(ref _sweepCredit, 0));
        }
        catch (AevumException e) when (e.Code == ErrorCode.LimitExceeded)
        {
            // The write it rides on is done. The sweep goes on from where it stopped with a later one.
        }
        finally
        {
            _upkeep.ExitWriteLock();
        }
    }

    // All below: under the write side of _upkeep.

    void BeginSweep()
    {
        lock (_gate)
        {
            if (_dead.Count == 0) return;
            (_dead, _condemned) = (_condemned, _dead);
        }
        _swept = 0;
        _isSweeping = true;
        Volatile.Write(ref _sweepCredit, 0);
        // Without room for marks rows that lost all links to them are not looked for.
        var bytes = (_highRow + 7) / 8;
        if (_marks is null || _marks.Bytes < bytes)
        {
            _marks?.Dispose();
            _marks = null;
            try
            {
                _marks = new(bytes + (bytes / 4), _budget);
            }
            catch (AevumException e) when (e.Code == ErrorCode.LimitExceeded)
            {
                return;
            }
        }
        new Span<byte>(_marks.Pointer, checked((int)_marks.Bytes)).Clear();
    }

    void SweepStep(long rows)
    {
        var scratch = _readers.Enter();
        try
        {
            for (; rows > 0 && _swept < _highRow; rows--, _swept++)
            {
                var row = (uint)_swept;
                if (_rows.State(row) is RowTable.Free or RowTable.Resting) continue;
                _graph.Repair(row, scratch);
                Mark(row);
            }
            if (_swept >= _highRow) EndSweep(scratch);
        }
        finally
        {
            _readers.Leave(scratch);
        }
    }

    void Mark(uint row)
    {
        if (_marks is null || _rows.State(row) != RowTable.Live) return;
        var links = _graph.Store.Links(row);
        for (var i = 0; i < _graph.Store.LinksMax && links[i] != VectorStore.End; i++)
            if (links[i] / 8 < _marks.Bytes) _marks.Pointer[links[i] / 8] |= (byte)(1 << (int)(links[i] % 8));
    }

    void EndSweep(SearchScratch scratch)
    {
        _isSweeping = false;
        if (_entry.TryRead(out var entry, out _) && _rows.State(entry) is not (RowTable.Live or RowTable.Pending)) MoveEntry();
        foreach (var row in _condemned) _rows.SetState(row, RowTable.Resting);
        var epoch = _readers.NextEpoch();
        lock (_gate)
        {
            if (_condemned.Count > 0) _resting.Enqueue((epoch, [.. _condemned]));
            _condemned.Clear();
        }
        if (_marks is not null) RelinkLost(scratch);
    }

    // A row that was put during the sweep may have its links from rows that were swept before it: those are asked for once more.
    void RelinkLost(SearchScratch scratch)
    {
        var end = Math.Min(_highRow, _marks!.Bytes * 8);
        var isEntry = _entry.TryRead(out var entry, out _);
        for (var i = 0L; i < end; i++)
        {
            var row = (uint)i;
            if ((_marks.Pointer[row / 8] & (1 << (int)(row % 8))) != 0 || (isEntry && row == entry) || _rows.State(row) != RowTable.Live) continue;
            var links = _graph.Store.Links(row);
            var isLinked = false;
            for (var j = 0; j < _graph.Store.LinksMax && links[j] != VectorStore.End && !isLinked; j++)
                isLinked = new ReadOnlySpan<uint>(_graph.Store.Links(links[j]), CountLinks(links[j])).Contains(row);
            if (!isLinked) _graph.Relink(row, scratch, Options.EfConstruction);
        }
    }

    int CountLinks(uint row)
    {
        var links = _graph.Store.Links(row);
        var count = 0;
        while (count < _graph.Store.LinksMax && links[count] != VectorStore.End) count++;
        return count;
    }

    void MoveEntry()
    {
        var (best, level) = (-1L, -1);
        for (var i = 0L; i < _highRow; i++)
            if (_rows.State((uint)i) == RowTable.Live && _rows.Level((uint)i) > level) (best, level) = (i, _rows.Level((uint)i));
        if (best >= 0) _entry.Set((uint)best, level);
        else _entry.Clear();
    }

    // Under _gate.
    void CollectRested()
    {
        while (_resting.TryPeek(out var resting) && _readers.IsPast(resting.Epoch))
        {
            foreach (var row in resting.Rows) GiveBack(row);
            _resting.Dequeue();
        }
        while (_retired.TryPeek(out var retired) && _readers.IsPast(retired.Epoch))
        {
            FreeGraph(retired.Graph);
            _retired.Dequeue();
        }
    }

    void LearnRotation()
    {
        _learnAfter = Math.Max(_learnAfter, _highRow) * 16;
        try
        {
            var rotation = Learn(out var keep);
            if (keep) return;
            Turn(rotation);
        }
        catch (AevumException e) when (e.Code == ErrorCode.LimitExceeded)
        {
            // Turning takes a second copy for a moment. Without it searches are slower, not wrong.
        }
    }

    /// <param name="keep">The present turn is as good as a new one would be.</param>
    LeadingRotation? Learn(out bool keep)
    {
        keep = false;
        var old = _graph.Rotation;
        var step = Math.Max(1, _highRow / SampleMax);
        var stride = (Shape.Bytes + 63) & -64;
        using var block = new NativeBlock(SampleMax * (long)stride, _budget);
        var sample = new List<nint>(SampleMax);
        for (var i = 0L; i < _highRow && sample.Count < SampleMax; i += step)
        {
            if (_rows.State((uint)i) is RowTable.Free or RowTable.Resting) continue;
            var vector = block.Pointer + (sample.Count * (long)stride);
            _graph.Read((uint)i, vector);
            old?.ApplyInverse((float*)vector, (float*)vector);
            sample.Add((nint)vector);
        }
        var vectors = new float*[sample.Count];
        for (var i = 0; i < vectors.Length; i++) vectors[i] = (float*)sample[i];
        var rotation = PrincipalAxes.Learn(vectors, Shape.Dimension, new SeededRandom(Options.Seed), _budget);
        keep = rotation is null && old is null;
        if (rotation is null || old is null || rotation.Cut != old.Cut) return rotation;
        keep = PrincipalAxes.EnergyOf(vectors, old) >= rotation.Energy - 0.005;
        if (!keep) return rotation;
        rotation.Dispose();
        return null;
    }

    // Lengths of links stay: inside, turned vectors have the distances they had before.
    void Turn(LeadingRotation? rotation)
    {
        var old = _graph;
        Graph graph;
        try
        {
            graph = MakeGraph(rotation);
        }
        catch
        {
            rotation?.Dispose();
            throw;
        }
        try
        {
            if (!old.Store.KeepsLengths) graph.Store.DropLengths();
            graph.Store.Ensure(_rows.Rows, exact: true);
            using var block = new NativeBlock((Shape.Bytes + 63) & -64, _budget);
            var vector = (float*)block.Pointer;
            for (var row = 0u; row < _highRow; row++)
            {
                old.Read(row, (byte*)vector);
                old.Rotation?.ApplyInverse(vector, vector);
                rotation?.Apply(vector, vector);
                graph.Write(row, (byte*)vector, Shape.Bytes);
                var bytes = old.Store.LinksMax * sizeof(uint);
                Buffer.MemoryCopy(old.Store.Links(row), graph.Store.Links(row), bytes, bytes);
                if (old.Store.KeepsLengths) Buffer.MemoryCopy(old.Store.Lengths(row), graph.Store.Lengths(row), bytes, bytes);
            }
        }
        catch
        {
            FreeGraph(graph);
            throw;
        }
        Volatile.Write(ref _graph, graph);
        lock (_gate)
        {
            _retired.Enqueue((_readers.NextEpoch(), old));
            CollectRested();
        }
    }

    static void FreeGraph(Graph graph)
    {
        graph.Dispose();
        graph.Rotation?.Dispose();
    }

    void FreeUpkeep()
    {
        // An image that a retired store lies in is freed after it, by Dispose.
        foreach (var (_, graph) in _retired) FreeGraph(graph);
        _retired.Clear();
        _marks?.Dispose();
    }
}
