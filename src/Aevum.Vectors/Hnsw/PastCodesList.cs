// PastCodesList: the codes of all rows of a history graph, in pieces of 4,096 rows (PastCodes), each made when a search first needs it: history that
// nobody asks for costs nothing.
//
//   a full piece       rows [4096 i, 4096 (i + 1)); made once, and once more when the graph turned its vectors since
//   the last piece     what there was when it was made; made anew when LagMax rows were added. Rows behind it are compared by their vectors
//   spans              when the rows of a full piece held, at the earliest and the latest: a piece is made only for a moment in its span
//
// A piece that was replaced is freed when no search is left that began before. A piece is not made where it would fill the budget beyond 15/16, nor after a
// denial until less is in use: vectors go before codes. A search then does without, and knows so before it computes or waits for anything (IsReady).

using System.Diagnostics.CodeAnalysis;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Hnsw;

sealed class PastCodesList(LifetimeTable times, RowTable rows, VectorShape shape, Readers readers, MemoryBudget budget) : IDisposable
{
    /// <summary>Vectors with more components have no codes.</summary>
    public const int DimensionMax = 4096;

    /// <summary>So many rows behind the last piece are compared by their vectors.</summary>
    public const int LagMax = 256;

    readonly Lock _making = new();
    readonly List<(long Epoch, PastCodes Rows)> _retired = [];
    volatile PastCodes?[] _pieces = [];
    volatile (ulong MinFrom, ulong MaxTo)[] _spans = [];
    long _bytes;
    int _bytesPerRow;
    long _denied = long.MaxValue;   // what was in use when memory was denied

    public static bool Supports(VectorShape shape) =>
        shape.Element == ElementType.Float32 && shape.Metric is Metric.L2 or Metric.Cosine or Metric.InnerProduct && shape.Dimension <= DimensionMax;

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>What a scan reads of a row; guessed until the first codes are made.</summary>
    public int BytesPerRow(Graph graph)
    {
        var known = Volatile.Read(ref _bytesPerRow);
        return known > 0 ? known : (graph.Rotation?.Cut ?? shape.Dimension) + sizeof(float);
    }

    /// <summary>Whether all codes that a search as of a moment looks at are there, or there is room for them.</summary>
    public bool IsReady(Graph graph, long rowCount, ulong time)
    {
        if (HasRoom(PastCodes.RowsMax) || (TryFreeRetired() && HasRoom(PastCodes.RowsMax))) return true;
        var pieces = _pieces;
        for (var i = 0; i < PiecesOf(rowCount); i++)
        {
            if (!Spans(i, rowCount, time)) continue;
            if (i >= pieces.Length || pieces[i] is not { } coded || !IsGood(coded, i, graph, rowCount)) return false;
        }
        return true;
    }

    public static int PiecesOf(long rowCount) => (int)((rowCount + PastCodes.RowsMax - 1) / PastCodes.RowsMax);

    /// <summary>Whether rows of a piece may have held at a moment.</summary>
    public bool Spans(int piece, long rowCount, ulong time)
    {
        var full = (int)(rowCount / PastCodes.RowsMax);
        if (piece >= full) return true;
        var spans = _spans;
        if (piece >= spans.Length)
            lock (_making) spans = Measure(full);
        return spans[piece].MinFrom <= time && time < spans[piece].MaxTo;
    }

    /// <summary>The codes of a piece, made now if they are not there or lack too many rows; false: there is no room for them.</summary>
    /// <param name="graph">Whose vectors.</param>
    /// <param name="rowCount">There are so many rows.</param>
    public bool TryGet(int piece, Graph graph, long rowCount, [NotNullWhen(true)] out PastCodes? coded)
    {
        var pieces = _pieces;
        coded = piece < pieces.Length ? pieces[piece] : null;
        if (coded is not null && IsGood(coded, piece, graph, rowCount)) return true;
        var first = (uint)piece * PastCodes.RowsMax;
        var count = (int)Math.Min(PastCodes.RowsMax, rowCount - first);
        coded = null;
        if (!HasRoom(count)) return false;
        lock (_making)
        {
            FreeRetired();
            coded = piece < _pieces.Length ? _pieces[piece] : null;
            if (coded is not null && IsGood(coded, piece, graph, rowCount)) return true;
            PastCodes made;
            try
            {
                made = new(graph, rows, times, shape, first, count, budget);
                Volatile.Write(ref _denied, long.MaxValue);
            }
            catch (AevumException e) when (e.Code == ErrorCode.LimitExceeded)
            {
                Volatile.Write(ref _denied, budget.UsedBytes);
                coded = null;
                return false;
            }
            var old = coded;
            coded = made;
            pieces = _pieces;
            if (piece >= pieces.Length) Array.Resize(ref pieces, Math.Max(piece + 1, PiecesOf(rowCount)));
            Volatile.Write(ref pieces[piece], made);
            _pieces = pieces;
            Volatile.Write(ref _bytes, _bytes + made.Bytes);
            if (made.Coded > 0) Volatile.Write(ref _bytesPerRow, (made.Groups * PastCodes.GroupSize) + sizeof(float));
            if (old is not null) _retired.Add((readers.NextEpoch(), old));
            return true;
        }
    }

    public void Dispose()
    {
        foreach (var piece in _pieces) piece?.Dispose();
        foreach (var (_, piece) in _retired) piece.Dispose();
        _retired.Clear();
        _pieces = [];
    }

    bool HasRoom(int count) =>
        budget.UsedBytes is var used && used < Volatile.Read(ref _denied)
            && used + PastCodes.BytesMax(shape.Dimension, count) <= budget.BytesMax - (budget.BytesMax / 16);

    static bool IsGood(PastCodes coded, int piece, Graph graph, long rowCount) =>
        coded.Graph == graph && Math.Min(rowCount - (piece * (long)PastCodes.RowsMax), PastCodes.RowsMax) - coded.Count < Lag(coded, rowCount);

    // A full piece has all of its rows.
    static long Lag(PastCodes coded, long rowCount) => coded.First + (long)PastCodes.RowsMax <= rowCount ? 1 : LagMax;

    bool TryFreeRetired()
    {
        if (!_making.TryEnter()) return false;
        try
        {
            FreeRetired();
            return true;
        }
        finally
        {
            _making.Exit();
        }
    }

    void FreeRetired()
    {
        for (var i = _retired.Count - 1; i >= 0; i--)
        {
            var (epoch, piece) = _retired[i];
            if (!readers.IsPast(epoch)) continue;
            Volatile.Write(ref _bytes, _bytes - piece.Bytes);
            piece.Dispose();
            _retired.RemoveAt(i);
        }
    }

    // Under the lock.
    (ulong MinFrom, ulong MaxTo)[] Measure(int full)
    {
        var known = _spans;
        if (known.Length >= full) return known;
        var spans = new (ulong MinFrom, ulong MaxTo)[full];
        known.CopyTo(spans, 0);
        for (var i = known.Length; i < full; i++)
        {
            var (from, to) = (ulong.MaxValue, 0UL);
            for (var row = (uint)i * PastCodes.RowsMax; row < (i + 1L) * PastCodes.RowsMax; row++)
            {
                // A row that is being written may turn out to have held at any time.
                var isWhole = rows.State(row) == RowTable.Live;
                (from, to) = (Math.Min(from, isWhole ? times.From(row) : 0), Math.Max(to, isWhole ? times.To(row) : ulong.MaxValue));
            }
            spans[i] = (from, to);
        }
        _spans = spans;
        return spans;
    }
}
