// ElementCollector: takes away what large objects left behind that are gone (GarbageRow), a little at a time.
//
//   look    rows that are due, oldest first, a few for each batch
//   step    the head first: an object that lives on keeps its elements, and gets a row for the time at which it will expire, if it will
//           few elements are deleted one by one, many by one range delete
//
// A range delete costs every later read around it a little, until it has reached the bottom of the tree; a delete of one row costs nobody
// anything. So only what is worth it gets one.
//
// Each step decides in the sequencer, by what is there: it does not matter how often a row is seen, or who writes meanwhile. The deletes are
// ordinary effects: where a keyspace keeps its history, reads of the past still find the elements.
//
// Rows that were taken away are passed over, not read again: a pass begins where the one before had looked, less what may have been on its way.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Keyspace;
using Aevum.Model.Structures;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Retention;

sealed class ElementCollector : IDisposable
{
    /// <summary>More elements than this go by a range delete.</summary>
    public const int FewElements = 256;

    // One batch holds others up for as long as it is decided.
    const int RowsPerBatch = 4;

    static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    static readonly TimeSpan OnItsWay = TimeSpan.FromSeconds(30);

    readonly LocalShards _shards;
    readonly EnginePolicy _policy;
    readonly BackgroundTask _task;
    readonly Dictionary<uint, SystemTime> _looked = [];   // by shard: rows due before this are gone

    public ElementCollector(LocalShards shards, EnginePolicy policy, IScheduler scheduler)
    {
        _shards = shards;
        _policy = policy;
        _task = scheduler.Start("elements", WorkClass.Background, async cancellation =>
        {
            while (!cancellation.IsCancellationRequested)
            {
                await scheduler.Delay(LookEvery, cancellation);
                try
                {
                    foreach (var shard in shards.Shards)
                    {
                        while (!cancellation.IsCancellationRequested && shard.Tree.Pressure == WritePressure.None && CollectSome(shard) > 0)
                            await scheduler.Yield();
                    }
                }
                catch (AevumException)
                {
                    // No space, a log that stopped, a clock that jumped, a keyspace dropped just now: they stay until it works again.
                }
            }
        });
    }

    /// <summary>Collects everything that is due.</summary>
    /// <returns>How many rows were taken away.</returns>
    public int CollectAll()
    {
        var all = 0;
        foreach (var shard in _shards.Shards)
            for (int some; (some = CollectSome(shard)) > 0;) all += some;
        return all;
    }

    int CollectSome(LocalShard shard)
    {
        var now = _shards.Clock.Now;
        var rows = DueRows(shard, now);
        if (rows.Count == 0)
        {
            _looked[shard.Id] = now;
            return 0;
        }
        var batch = new StepBatch { Policy = CommitPolicy.EachForItself };
        foreach (var row in rows)
        {
            // Nothing may be written to a keyspace that was dropped, and nothing need be: storage forgets it whole.
            var isDropped = GarbageRow.TryRead(row, out var garbage) && KeyspaceId.TryRead(garbage.HeadKey, out var keyspace)
                && _policy.IsDropped(keyspace.Value);
            if (isDropped) batch.Delete(row);
            else batch.Call(CollectStep.Instance, row);
        }
        shard.Commit(batch);
        return rows.Count;
    }

    List<byte[]> DueRows(LocalShard shard, SystemTime now)
    {
        var from = _looked.GetValueOrDefault(shard.Id).Microseconds;
        var margin = (ulong)OnItsWay.TotalMicroseconds;
        var start = GarbageRow.StartAt(SystemTime.FromMicroseconds(from > margin ? from - margin : 0));
        using var cursor = shard.OpenCursor(start, GarbageRow.StartAt(new SystemTime(now.Value + 1)), ReadView.Present);
        var rows = new List<byte[]>(RowsPerBatch);
        for (cursor.SeekToFirst(); cursor.Valid && rows.Count < RowsPerBatch; cursor.Next()) rows.Add(cursor.Key.ToArray());
        return rows;
    }

    public void Dispose()
    {
        _task.Cancel();
        _task.Wait();
    }

    sealed class CollectStep : IProcedure
    {
        public static CollectStep Instance { get; } = new();

        public string Name => "elements.collect";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            context.Delete(key);
            if (!GarbageRow.TryRead(key, out var row)) return;   // nobody's: nothing can be done with it
            if (Lives(context, row, out var expiry))
            {
                if (expiry > row.Due) PutDown(context, row, expiry);
                return;
            }
            var (start, end) = StructureKey.RangeOf(row.HeadKey, row.Incarnation);
            var few = new FewKeys();
            context.Scan(start, end, few);
            if (few.AreMore)
            {
                context.DeleteRange(start, end);
                return;
            }
            foreach (var element in few.Keys) context.Delete(element);
        }

        // By the head of the key that the elements lie behind, or by the one that has them since it was renamed.
        static bool Lives(IProcedureContext context, in GarbageRow row, out SystemTime expiry)
        {
            if (Has(context, row.HeadKey, row, out expiry)) return true;
            if (!context.TryRead(StructureKey.OwnerOf(row.HeadKey, row.Incarnation), out var owner)) return false;
            return Has(context, owner.Bytes.ToArray(), row, out expiry);
        }

        static bool Has(IProcedureContext context, ReadOnlySpan<byte> headKey, in GarbageRow row, out SystemTime expiry)
        {
            expiry = default;
            if (!context.TryRead(headKey, out var found)) return false;
            expiry = found.Expiry;
            var head = StructureHead.Read(found.Bytes);
            return head.IsLarge && head.Incarnation == row.Incarnation && (head.Home.IsEmpty ? headKey : head.Home).SequenceEqual(row.HeadKey);
        }

        static void PutDown(IProcedureContext context, in GarbageRow row, SystemTime due)
        {
            var later = new byte[GarbageRow.LengthOf(row.HeadKey.Length)];
            GarbageRow.Write(later, due, row.HeadKey, row.Incarnation);
            context.Put(later, default);
        }
    }

    sealed class FewKeys : IRowVisitor
    {
        public List<byte[]> Keys { get; } = [];

        public bool AreMore { get; private set; }

        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value)
        {
            AreMore = Keys.Count == FewElements;
            if (!AreMore) Keys.Add(key.ToArray());
            return !AreMore;
        }
    }
}
