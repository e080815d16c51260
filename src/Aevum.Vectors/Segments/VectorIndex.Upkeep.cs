// Upkeep of history (that of codes is VectorIndex.Sealing): segments that HistoryPicker names are written anew as one, without what the floor has passed, and
// take the places of those they came from. Whoever owns the index calls Maintain from a thread that may take long; searches, writes and saves go on beside it.

using Aevum.Core.Errors;

namespace Aevum.Vectors;

public sealed partial class VectorIndex
{
    readonly Lock _maintaining = new();

    /// <summary>Whether <see cref="Maintain"/> has something to do. Costs little where little has changed since it was asked last.</summary>
    public bool IsUpkeepDue => IsSealDue || IsHistoryDue();

    /// <summary>Does one piece of upkeep, if one is due: live rows that become codes, codes or history that merge: at most what inserting the entries of a few
    /// segments takes.</summary>
    /// <returns>Whether something was done; then more may be due.</returns>
    /// <exception cref="OperationCanceledException">Nothing changed.</exception>
    /// <exception cref="AevumException">LimitExceeded: no room for the new segment; nothing changed. Closed.</exception>
    public bool Maintain(CancellationToken cancellation = default)
    {
        if (!_maintaining.TryEnter()) return false;
        try
        {
            ThrowIfClosed();
            if (MaintainCodes(cancellation)) return true;
            var history = AcquireHistory();
            try
            {
                var floor = Volatile.Read(ref _floor);
                var (first, end) = PickHistory(history, floor);
                if (first == end) return false;
                Replace(history[first..end], floor, cancellation);
                return true;
            }
            finally
            {
                foreach (var segment in history) segment.Release();
            }
        }
        finally
        {
            _maintaining.Exit();
        }
    }

    bool IsHistoryDue()
    {
        if (_closed || _history.Length < 2) return false;
        var history = AcquireHistory();
        try
        {
            var (first, end) = PickHistory(history, Volatile.Read(ref _floor));
            return first != end;
        }
        finally
        {
            foreach (var segment in history) segment.Release();
        }
    }

    // The last one is open, and the one before it may still be taking its last entries.
    (int First, int End) PickHistory(HistorySegment[] history, ulong floor) =>
        HistoryPicker.Pick([.. history.TakeWhile(s => s.IsSealed).Select(s => s.Summarize(floor))], Options.SealRows, Options.MergeRowsMax);

    void Replace(HistorySegment[] old, ulong floor, CancellationToken cancellation)
    {
        var made = new HistorySegment(Shape, Options.Graph, _budget);
        try
        {
            foreach (var segment in old)
                segment.Graph.ForEachRow((_, id, stored, from, to) =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    if (_closed) Throw.Closed("the index");
                    if (to > floor) made.TryAppend(id, stored, from, to);
                });
            made.Seal();
            lock (_historyGate)
            {
                var at = Array.IndexOf(_history, old[0]);
                // The floor may have dropped some of them meanwhile: then what is left is for the next time.
                if (at < 0 || !old.SequenceEqual(_history.Skip(at).Take(old.Length)))
                {
                    made.Release();
                    return;
                }
                HistorySegment[] one = made.Count > 0 ? [made] : [];
                _history = [.. _history[..at], .. one, .. _history[(at + old.Length)..]];
                if (made.Count == 0) made.Release();
                foreach (var segment in old) segment.Release();
            }
        }
        catch
        {
            made.Release();
            throw;
        }
    }
}
