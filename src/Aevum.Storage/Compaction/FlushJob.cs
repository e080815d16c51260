// FlushJob: writes frozen memtables as tables: the newest version of each key to level 0, what they supersede among themselves to the history
// tables, or nowhere if it ended at or below the floor. The same sieve as in compaction, with memtables for input.

using Aevum.Core.Scheduling;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

sealed class FlushJob(MemtableHandle[] memtables, LiveVersion version, TableStore store, ITreePolicy policy, Floors floors, IScheduler scheduler)
{
    const int VersionsPerSlice = 4096;

    public long BytesWritten { get; private set; }

    /// <param name="cancellation">Looked at between slices.</param>
    /// <returns>The edit that installs the tables and releases the log up to the newest memtable's last position.</returns>
    public async Task<VersionEdit> RunAsync(CancellationToken cancellation)
    {
        var rules = new SieveRules(policy, floors, version.Picture, outputLevel: 0);
        var ranges = RangeDeletes.Union([.. memtables.Select(m => m.Table.RangeDeletes).Where(r => !r.IsEmpty)]);
        var (main, history) = rules.Sort(ranges);
        using var outputs = new OutputSet(store, long.MaxValue, null, null, main, history);
        try
        {
            using var input = MergingCursor.Over([.. memtables.Select(m => m.Table.NewCursor())]);
            var sieve = new VersionSieve(input, ranges, historyInput: false, rules, outputs);
            input.SeekToFirst();
            while (Slice(input, sieve))
            {
                cancellation.ThrowIfCancellationRequested();
                await scheduler.Yield();
            }
            outputs.Finish();
        }
        catch
        {
            outputs.Abandon();
            throw;
        }
        BytesWritten = outputs.BytesWritten;

        var edit = new VersionEdit
        {
            AppliedPosition = memtables.Max(m => m.LastPosition),
            GreatestTime = memtables.Max(m => m.Table.MaxVersion),
        };
        foreach (var table in outputs.Main) edit.Added.Add((false, 0, table));
        foreach (var table in outputs.History) edit.Added.Add((true, 0, table));
        foreach (var (keyspace, floor) in rules.UsedFloors) edit.Floors[keyspace] = floor;
        return edit;
    }

    static bool Slice(VersionCursor input, VersionSieve sieve)
    {
        var limit = sieve.Read + VersionsPerSlice;
        while (input.Valid && sieve.Read < limit) sieve.ProcessKey();
        return input.Valid;
    }
}
