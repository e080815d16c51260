using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;

namespace Aevum.Engine.Tests.Backup;

public sealed class BackupCutTests
{
    // Decides for as long as it is told to: its time is taken, and nothing is in the log yet.
    sealed class Slow(Signal signal) : IProcedure
    {
        public volatile bool Entered, MayLeave;

        public string Name => "slow";

        public void Run(IProcedureContext context, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
        {
            Entered = true;
            signal.Raise();
            signal.WaitUntil(() => MayLeave, TimeSpan.FromSeconds(30));
            context.Put(key, argument);
        }
    }

    [Fact]
    public void A_commit_whose_time_is_taken_is_waited_for_when_the_moment_lies_above_it()
    {
        using var scheduler = new ThreadScheduler(new ThreadSchedulerOptions { BackgroundThreads = 4, Seed = 1 });
        var files = new MemoryFileSystem();
        using var shards = LocalShards.Open(files, scheduler, "db", BackupWorld.Small);
        var signal = scheduler.CreateSignal("test");
        var slow = new Slow(signal);
        var batch = new StepBatch();
        batch.Call(slow, BackupWorld.Key("m"), "1"u8);
        var commit = scheduler.Start("commit", WorkClass.Background, _ =>
        {
            shards.ShardOf(BackupWorld.Key("m")).Commit(batch);
            return Task.CompletedTask;
        });
        Assert.True(signal.WaitUntil(() => slow.Entered, TimeSpan.FromSeconds(30)));
        BackupInfo? made = null;
        var backup = scheduler.Start("backup", WorkClass.Background, cancellation =>
        {
            made = BackupStores.Create(shards, "backups", new BackupOptions { Files = files }, cancellation);
            return Task.CompletedTask;
        });
        // One that does not wait is done by then; one that waits goes on when the commit does.
        signal.WaitUntil(() => backup.IsCompleted, TimeSpan.FromMilliseconds(300));
        slow.MayLeave = true;
        signal.Raise();
        commit.Wait();
        backup.Wait();
        Assert.Null(commit.Failure);
        Assert.Null(backup.Failure);

        BackupStores.Restore(scheduler, "backups", "restored", new RestoreOptions { Files = files });
        using var restored = LocalShards.Open(files, scheduler, "restored", BackupWorld.Small);
        Assert.True(batch.Time <= made!.Moment);
        Assert.Equal(BackupWorld.Scan(shards, made.Moment), BackupWorld.Scan(restored));
        Assert.Contains("m=1@", BackupWorld.Scan(restored), StringComparison.Ordinal);
    }
}
