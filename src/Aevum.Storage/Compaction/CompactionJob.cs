// CompactionJob: carries out one plan, as a whole or as parts beside each other, and hands back the edit that would install it.
//
//   plan -> split keys -> parts (CompactionPart): inputs -> sieve -> outputs -> edit        (nothing is installed here)
//
// If one part fails, all outputs of all parts are deleted again.

using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Storage.Iterators;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

/// <summary>What a job works with, beside its plan.</summary>
sealed record CompactionContext(
    LiveVersion Version, TableStore Store, ITreePolicy Policy, Floors Floors, CompactionOptions Options, IScheduler Scheduler, IoBudget Budget);

sealed class CompactionJob(CompactionPlan plan, CompactionContext context)
{
    /// <summary>Bytes of all inputs.</summary>
    public long BytesRead => plan.Inputs.Sum(t => t.FileBytes);

    public long BytesWritten { get; private set; }

    public long VersionsRead { get; private set; }

    public long VersionsDropped { get; private set; }

    public async Task<VersionEdit> RunAsync(CancellationToken cancellation)
    {
        var edit = new VersionEdit();
        foreach (var table in plan.Sources) edit.Removed.Add((plan.History, plan.SourceLevel, table.Id));
        if (plan.IsDrop) return edit;
        foreach (var table in plan.Targets) edit.Removed.Add((plan.History, plan.TargetLevel, table.Id));
        if (plan.IsMove)
        {
            foreach (var table in plan.Sources) edit.Added.Add((plan.History, plan.TargetLevel, table));
            return edit;
        }

        var cuts = CutKeys();
        var parts = SplitKeys() is { Length: > 0 } keys
            ? Enumerable.Range(0, keys.Length + 1)
                .Select(i => new CompactionPart(plan, context, i == 0 ? null : keys[i - 1], i == keys.Length ? null : keys[i], cuts)).ToArray()
            : [new CompactionPart(plan, context, null, null, cuts)];
        try
        {
            var others = parts.Skip(1).Select(p => context.Scheduler.Start("compaction part", WorkClass.Background, p.RunAsync)).ToArray();
            Exception? failure = null;
            try
            {
                await parts[0].RunAsync(cancellation);
            }
            catch (Exception e)
            {
                failure = e;
                foreach (var other in others) other.Cancel();
            }
            foreach (var other in others)
            {
                await other.WaitAsync();
                failure ??= other.Failure;
            }
            if (failure is not null) throw new AggregateException(failure).Flatten().InnerExceptions[0];
        }
        catch
        {
            foreach (var part in parts) part.Outputs?.Abandon();
            throw;
        }

        foreach (var part in parts)
        {
            foreach (var table in part.Outputs!.Main) edit.Added.Add((false, plan.TargetLevel, table));
            // What just ended waits in history level 0; what history compaction rewrites stays in its own shape.
            foreach (var table in part.Outputs.History) edit.Added.Add((true, plan.History ? plan.TargetLevel : 0, table));
            foreach (var (keyspace, floor) in part.Rules!.UsedFloors) edit.Floors[keyspace] = Math.Max(floor, edit.Floors.GetValueOrDefault(keyspace));
            BytesWritten += part.Outputs.BytesWritten;
            VersionsRead += part.Sieve!.Read;
            VersionsDropped += part.Sieve.Dropped;
        }
        return edit;
    }

    // What lies alone is kept so: the next runs beside it then overlap nothing below either.
    List<byte[]> CutKeys()
    {
        if (plan.History || plan.SourceLevel != 0) return [];
        var handles = context.Version.Levels.SelectMany(level => level).ToDictionary(h => h.Meta.Id);
        return TableCuts.OfMerge(
            plan, context.Options.TableBytes / TableCuts.SharesPerTable, table => handles[table.Id].OpenCursor(TableCursorOptions.Bypass));
    }

    // Boundaries come from the tables themselves: their lower bounds split the bytes evenly enough.
    byte[][] SplitKeys()
    {
        var bytes = BytesRead;
        var parts = (int)Math.Min(context.Options.SubCompactionsMax, bytes / Math.Max(1, context.Options.SubCompactionBytesMin));
        if (parts < 2) return [];
        var sorted = plan.Inputs.OrderBy(t => t.Smallest, KeyComparer.Instance).ToArray();
        var keys = new List<byte[]>();
        long passed = 0;
        foreach (var table in sorted)
        {
            if (keys.Count < parts - 1 && passed >= bytes / parts * (keys.Count + 1) &&
                table.Smallest.AsSpan().SequenceCompareTo(sorted[0].Smallest) > 0 &&
                (keys.Count == 0 || table.Smallest.AsSpan().SequenceCompareTo(keys[^1]) > 0))
                keys.Add(table.Smallest);
            passed += table.FileBytes;
        }
        return [.. keys];
    }
}
