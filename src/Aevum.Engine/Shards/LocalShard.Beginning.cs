// LocalShard, beginning: commits whose caller does not wait for the disk, nor holds a task for each: a server's loop begins many and waits, elsewhere, for
// the last of them.

using Aevum.Core.Batches;
using Aevum.Model.Access;
using Aevum.Storage.Log;

namespace Aevum.Engine.Shards;

public sealed partial class LocalShard
{
    public PendingCommit BeginCommit(StepBatch batch)
    {
        var (address, time) = Decide(batch);
        if (_waitsForSync && !IsAcknowledged(address)) return new PendingCommit(address.Value, time);
        Acknowledge(address, time);
        return default;
    }

    public void EndCommit(PendingCommit commit)
    {
        if (!commit.IsDone) Acknowledge(new LogAddress(commit.Address), commit.Time);
    }
}
