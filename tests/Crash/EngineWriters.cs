// EngineWriters: the child. Opens the database, checks that it holds what the lives before acknowledged, sends again what the kill may have cut
// off, then commits from several threads until it is killed; a reader beside them checks what must be true at every moment.

using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Storage.Log;

namespace Aevum.Crash;

sealed class EngineWriters(LocalShards shards, Tally tally)
{
    public static int Run(string store, string tallyPath, SyncPolicy sync)
    {
        using var tally = new Tally(tallyPath);
        tally.Phase = Phase.Opening;
        var shards = LocalShards.Open(new DiskFileSystem(), new ThreadScheduler(), store, EngineWorkload.Options(sync) with { BlockCacheBytes = 1 << 20 });
        var writers = new EngineWriters(shards, tally);
        return ChildThreads.Run(tally, writers.Write, writers.Read);
    }

    void Write(int writer)
    {
        var batch = new StepBatch();
        var number = EngineWorkload.Number(shards, EngineWorkload.ChainKey(writer), ReadView.Present);
        Require(number >= tally.Acknowledged(writer), $"writer {writer}: {tally.Acknowledged(writer)} were acknowledged, {number} are here");
        // The last request may have been done or not: nobody knows but the database.
        if (number > 0) Count(batch, writer, number);
        while (true)
        {
            number++;
            tally.Submit(writer, number);
            EngineWorkload.FillChain(batch, writer, number);
            shards.ShardOf(EngineWorkload.ChainKey(writer)).Commit(batch);
            Require(batch.Status == CommitStatus.Committed, $"writer {writer}: nobody else changes its chain, and {number} was {batch.Status}");
            tally.Acknowledge(writer, number);
            Count(batch, writer, number);
            tally.See(writer, number);
        }
    }

    void Count(StepBatch batch, int writer, long number)
    {
        EngineWorkload.FillCounter(batch, writer, number);
        shards.ShardOf(EngineWorkload.CounterKey).Commit(batch);
        Require(batch.Status is CommitStatus.Committed or CommitStatus.Repeated, $"request {writer}/{number} was {batch.Status}");
        Require(batch.ResultOf(1).Number == number, $"request {writer}/{number} was the {batch.ResultOf(1).Number}. of its writer");
    }

    // At one moment for both shards.
    void Read()
    {
        while (true)
        {
            var view = ReadView.AsOf(shards.Clock.Now);
            if (EngineWorkload.Problem(shards, view, out _, out _) is { } problem) throw new BrokenPromiseException($"at {view.At}: {problem}");
            Thread.Sleep(2);
        }
    }

    static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new BrokenPromiseException(otherwise);
    }
}
