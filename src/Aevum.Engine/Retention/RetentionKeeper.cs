// RetentionKeeper: moves history floors as the keyspaces' policies want: from time to time a floor of `now - duration` is written down as a row
// of each shard, and only then holds.
//
// The tree keeps every floor at or below the oldest open snapshot, whatever is wanted here. A floor is worth a row when it has moved by a good
// part of the duration: history is kept for at least the duration, and at most that part longer.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Retention;

sealed class RetentionKeeper : IDisposable
{
    const int StepsPerDuration = 20;
    static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    readonly LocalShards _shards;
    readonly EnginePolicy _policy;
    readonly BackgroundTask _task;

    public RetentionKeeper(LocalShards shards, EnginePolicy policy, IScheduler scheduler)
    {
        _shards = shards;
        _policy = policy;
        _task = scheduler.Start("retention", WorkClass.Background, async cancellation =>
        {
            while (!cancellation.IsCancellationRequested)
            {
                await scheduler.Delay(LookEvery, cancellation);
                // A commit that waited for a compaction would wait on the thread that compactions run on.
                if (shards.Shards.Any(s => s.Tree.Pressure == WritePressure.Stop)) continue;
                try
                {
                    MoveFloors();
                }
                catch (AevumException)
                {
                    // No space, a log that stopped, a clock that jumped: history is kept longer, until it works again.
                }
            }
        });
    }

    /// <summary>Writes the floors that are due.</summary>
    /// <returns>How many keyspaces' floors moved.</returns>
    public int MoveFloors()
    {
        var now = _shards.Clock.Now;
        var due = new Dictionary<ulong, ulong>();
        foreach (var keyspace in _shards.Catalog.Keyspaces)
        {
            var history = keyspace.Options.History;
            if (history.Kind != HistoryKind.Duration) continue;
            var wanted = history.FloorAt(now).Value;
            var step = (now.Value - wanted) / StepsPerDuration;
            // Never below what stands there, whoever wrote it: the row would be replaced, and after the next open the floor would have fallen.
            if (wanted > 0 && wanted >= _policy.KnownFloorOf(keyspace.Id.Value) + step) due[keyspace.Id.Value] = wanted;
        }
        if (due.Count == 0) return 0;
        foreach (var shard in _shards.Shards)
        {
            var batch = new StepBatch();
            foreach (var (keyspace, floor) in due) batch.Put(RetentionRows.KeyOf(keyspace), RetentionRows.ValueOf(floor));
            shard.Commit(batch);
        }
        _policy.RaiseFloors(due);
        return due.Count;
    }

    public void Dispose()
    {
        _task.Cancel();
        _task.Wait();
    }
}
