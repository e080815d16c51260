// CompactionPart: one stretch of keys of one compaction: cursors over the inputs, the sieve, the outputs.
//
// It works in slices: each is a synchronous run over some thousand versions; between slices it yields, pays the I/O budget and looks at its
// cancellation. What it wrote stands in Outputs; the job decides what becomes of it.

using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

sealed class CompactionPart
{
    const int VersionsPerSlice = 4096;

    readonly CompactionPlan _plan;
    readonly CompactionContext _context;
    readonly byte[]? _start;
    readonly byte[]? _end;
    readonly IReadOnlyList<byte[]> _cuts;
    readonly Dictionary<ulong, TableHandle> _handles;

    /// <param name="plan">The whole compaction.</param>
    /// <param name="context">What it works with.</param>
    /// <param name="start">First key of this part; null is unbounded.</param>
    /// <param name="end">First key behind it.</param>
    /// <param name="cuts">Where main tables end whatever their size.</param>
    public CompactionPart(CompactionPlan plan, CompactionContext context, byte[]? start, byte[]? end, IReadOnlyList<byte[]> cuts)
    {
        _plan = plan;
        _context = context;
        _start = start;
        _end = end;
        _cuts = cuts;
        _handles = (plan.History ? context.Version.History : context.Version.Levels).SelectMany(level => level).ToDictionary(h => h.Meta.Id);
    }

    public OutputSet? Outputs { get; private set; }

    public SieveRules? Rules { get; private set; }

    public VersionSieve? Sieve { get; private set; }

    public async Task RunAsync(CancellationToken cancellation)
    {
        Rules = new SieveRules(_context.Policy, _context.Floors, _context.Version.Picture, _plan.TargetLevel);
        var ranges = RangeDeletes.Union([.. _plan.Inputs.Select(t => _handles[t.Id].RangeDeletes).Where(r => !r.IsEmpty)]).Clip(_start, _end);
        // In history tables range deletes are only listed: what they ended says so itself.
        var (main, history) = _plan.History ? (RangeDeletes.Empty, Rules.KeepListed(ranges)) : Rules.Sort(ranges);
        Outputs = new OutputSet(_context.Store, _context.Options.TableBytes, _start, _end, main, history, _cuts);
        using var input = OpenInputs();
        Sieve = new VersionSieve(input, _plan.History ? RangeDeletes.Empty : ranges, _plan.History, Rules, Outputs);
        if (_start is null) input.SeekToFirst();
        else input.Seek(_start, ulong.MaxValue);

        long paid = 0;
        while (Slice(input))
        {
            cancellation.ThrowIfCancellationRequested();
            // Reading costs about what writing does.
            var moved = 2 * Outputs.BytesWritten;
            if (moved > paid) await _context.Budget.TakeAsync(moved - paid, cancellation);
            paid = moved;
            await _context.Scheduler.Yield();
        }
        Outputs.Finish();
    }

    bool Slice(VersionCursor input)
    {
        var limit = Sieve!.Read + VersionsPerSlice;
        while (input.Valid && Sieve.Read < limit)
        {
            if (_end is not null && input.Key.SequenceCompareTo(_end) >= 0) return false;
            Sieve.ProcessKey();
        }
        return input.Valid;
    }

    VersionCursor OpenInputs()
    {
        var cursors = new List<VersionCursor>();
        if (_plan.SourceLevel == 0)
            foreach (var table in _plan.Sources.Where(IsInRange)) cursors.Add(Open(table));
        else
            cursors.Add(OpenRun(_plan.Sources));
        if (_plan.Targets.Length > 0) cursors.Add(OpenRun(_plan.Targets));
        return MergingCursor.Over(cursors);
    }

    VersionCursor OpenRun(IEnumerable<TableMeta> tables)
    {
        var run = tables.Where(IsInRange).ToArray();
        return new LevelCursor(run, index => Open(run[index]));
    }

    VersionCursor Open(TableMeta table) => _handles[table.Id].OpenCursor(TableCursorOptions.Bypass);

    bool IsInRange(TableMeta table) => table.Overlaps(_start, _end, endExclusive: true);
}
