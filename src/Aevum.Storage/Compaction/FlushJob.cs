// FlushJob: writes frozen memtables as tables: the newest version of each key to level 0, what they supersede among themselves to the history
// tables, or nowhere if it ended at or below the floor. The same sieve as in compaction, with memtables for input.

using Aevum.Core.Bytes;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

sealed class FlushJob(
    MemtableHandle[] memtables, LiveVersion version, TableStore store, ITreePolicy policy, Floors floors, CompactionOptions options, IScheduler scheduler)
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
        using var outputs = new OutputSet(store, long.MaxValue, null, null, main, history, CutKeys());
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

    List<byte[]> CutKeys()
    {
        if (memtables.Sum(m => m.Table.PayloadBytes) < 2 * options.TableBytes / TableCuts.SharesPerTable) return [];
        var baseLevel = LevelTargets.For(version.Picture.Levels, options).BaseLevel;
        try
        {
            // Each cursor opens its table when it is first asked, so that none is left open behind one that cannot be.
            var existing = version.Picture.Levels[0].Select(table => RunOf(0, [table])).Append(RunOf(baseLevel, version.Picture.Levels[baseLevel])).ToList();
            using var all = MergingCursor.Over(existing);
            return TableCuts.OfFlush(Samples(), all);
        }
        catch (AevumException)
        {
            // A table that cannot be read is told of by those who need what it holds. A flush does not.
            return [];
        }
    }

    VersionCursor RunOf(int level, TableMeta[] tables) => new LevelCursor(
        tables, index => version.Levels[level].First(handle => handle.Meta.Id == tables[index].Id).OpenCursor(TableCursorOptions.Bypass));

    List<byte[]> Samples()
    {
        var samples = new List<byte[]>();
        var every = Math.Max(1, memtables.Sum(m => m.Table.KeyCount) / TableCuts.SamplesPerFlush);
        foreach (var memtable in memtables) memtable.Table.Tree.AddSamples(every, samples);
        samples.Sort(KeyComparer.Instance);
        return samples;
    }

    static bool Slice(VersionCursor input, VersionSieve sieve)
    {
        var limit = sieve.Read + VersionsPerSlice;
        while (input.Valid && sieve.Read < limit) sieve.ProcessKey();
        return input.Valid;
    }
}
