// OutputSet: the tables that one flush or compaction writes: a run of main tables and a run of history tables, each cut when it is full.
//
// Always true:
//   (1) a table is cut between two keys only, so all versions of a key lie in one table of a sorted level;
//   (2) range deletes are clipped to the stretch between two cuts, so tables of a sorted level never overlap through them;
//   (3) what an abandoned set created is deleted again; a finished one is synced, its names too.

using Aevum.Core.Batches;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

sealed class OutputSet : ISieveTarget, IDisposable
{
    readonly OutputRun _main;
    readonly OutputRun _history;

    /// <param name="store">Where tables are created.</param>
    /// <param name="tableBytes">Size at which a table is closed; long.MaxValue for one table however large (flushes).</param>
    /// <param name="start">Lower bound of this set's keys; null if unbounded.</param>
    /// <param name="end">Upper bound, exclusive.</param>
    /// <param name="main">Range deletes for the main tables.</param>
    /// <param name="history">Range deletes that only the listing of versions still wants.</param>
    /// <param name="cuts">Keys in order before which a main table ends whatever its size (<see cref="TableCuts"/>).</param>
    public OutputSet(
        TableStore store, long tableBytes, byte[]? start, byte[]? end, RangeDeletes main, RangeDeletes history, IReadOnlyList<byte[]> cuts)
    {
        _main = new OutputRun(store, tableBytes, start, end, main, cuts);
        _history = new OutputRun(store, tableBytes, start, end, history, []);
    }

    public IReadOnlyList<TableMeta> Main => _main.Tables;

    public IReadOnlyList<TableMeta> History => _history.Tables;

    public long BytesWritten => _main.BytesWritten + _history.BytesWritten;

    public void StartKey(ReadOnlySpan<byte> key)
    {
        _main.StartKey(key);
        _history.StartKey(key);
    }

    public void AddMain(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ulong expiry, ReadOnlySpan<byte> value) =>
        _main.Add(key, version, kind, expiry, 0, value);

    public void AddHistory(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ulong expiry, ulong end, ReadOnlySpan<byte> value) =>
        _history.Add(key, version, kind, expiry, end, value);

    /// <summary>Closes what is open and makes the names of all tables durable.</summary>
    public void Finish()
    {
        _main.Finish();
        _history.Finish();
    }

    /// <summary>Deletes every table of the set: the job failed.</summary>
    public void Abandon()
    {
        _main.Abandon();
        _history.Abandon();
    }

    public void Dispose()
    {
        _main.Dispose();
        _history.Dispose();
    }
}

sealed class OutputRun(TableStore store, long tableBytes, byte[]? start, byte[]? end, RangeDeletes ranges, IReadOnlyList<byte[]> cuts) : IDisposable
{
    readonly List<TableMeta> _tables = [];
    byte[]? _cut = start;
    int _cutsPassed;
    TableOutput? _open;

    public IReadOnlyList<TableMeta> Tables => _tables;

    public long BytesWritten { get; private set; }

    public void StartKey(ReadOnlySpan<byte> key)
    {
        var isCut = false;
        for (; _cutsPassed < cuts.Count && key.SequenceCompareTo(cuts[_cutsPassed]) >= 0; _cutsPassed++) isCut = true;
        if (_open is null || (!isCut && _open.EstimatedBytes < tableBytes)) return;
        var cut = key.ToArray();
        Close(cut);
        _cut = cut;
    }

    public void Add(ReadOnlySpan<byte> key, ulong version, EffectKind kind, ulong expiry, ulong end, ReadOnlySpan<byte> value)
    {
        _open ??= store.CreateTable();
        _open.Add(key, version, kind, expiry, end, value);
    }

    public void Finish() => Close(end);

    void Close(byte[]? upTo)
    {
        var clipped = ranges.Clip(_cut, upTo);
        if (_open is null && clipped.IsEmpty) return;
        _open ??= store.CreateTable();
        foreach (var range in clipped.Flatten()) _open.AddRangeDelete(range);
        var meta = _open.Finish();
        _open = null;
        BytesWritten += meta.FileBytes;
        _tables.Add(meta);
    }

    public void Abandon()
    {
        Dispose();
        foreach (var table in _tables) store.Delete(table.Id);
        _tables.Clear();
    }

    public void Dispose()
    {
        _open?.Abandon();
        _open = null;
    }
}
