// Upkeep of history (that of codes is VectorIndex.Sealing): segments that HistoryPicker names are written anew as one, without what the floor has passed, and
// take the places of those they came from. Whoever owns the index calls Maintain from a thread that may take long; searches, writes and saves go on beside it.

using Aevum.Core.Errors;

namespace Aevum.Vectors;

public sealed partial class VectorIndex
{
    readonly Lock _maintaining = new();

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
                // The last one is open.
                var closed = history.Length == 0 ? [] : history[..^1];
                var floor = Volatile.Read(ref _floor);
                var (first, end) = HistoryPicker.Pick([.. closed.Select(s => s.Summarize(floor))], Options.SealRows, Options.MergeRowsMax);
                if (first == end) return false;
                Replace(closed[first..end], floor, cancellation);
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
