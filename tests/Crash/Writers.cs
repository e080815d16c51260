// Writers: the child. Opens the store, checks that it holds what the lives before acknowledged, then writes from several threads until it is
// killed; a reader beside them checks what must be true at every moment.
//
// A moment is only looked at when no batch below it is under way any more: a writer announces a time below its own before it takes one.

using System.Buffers.Binary;
using Aevum.Core.Batches;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Storage.Iterators;
using Aevum.Storage.Log;
using Aevum.Storage.Trees;

namespace Aevum.Crash;

sealed class Writers
{
    readonly Tree _tree;
    readonly Tally _tally;
    readonly ulong _seed;
    readonly long[] _acknowledged = new long[Workload.Writers];
    readonly long[] _announced = new long[Workload.Writers];
    readonly object[] _banks = [.. Enumerable.Range(0, 2 * Workload.Banks).Select(_ => new object())];
    long _clock;

    Writers(Tree tree, Tally tally, ulong seed)
    {
        _tree = tree;
        _tally = tally;
        _seed = seed;
        _clock = (long)tree.AppliedTime.Value;
    }

    static void MakeStore(IFileSystem files, ThreadScheduler scheduler, string store, SyncPolicy sync)
    {
        using var environment = new StorageEnvironment(new StorageOptions { Files = files, Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        Tree.Open(environment, store, Workload.Options(sync)).Dispose();
    }

    /// <summary>Runs until it is killed. Ends by itself only when something is wrong.</summary>
    public static int Run(string store, string tallyPath, string shadow, SyncPolicy sync, ulong seed)
    {
        using var tally = new Tally(tallyPath);
        IFileSystem files = new DiskFileSystem();
        var scheduler = new ThreadScheduler();
        if (shadow != "-")
        {
            // A new store's own name is made durable in its parent, which lies outside of what is recorded: so it is made before.
            if (!files.FileExists(Path.Combine(store, "CURRENT"))) MakeStore(files, scheduler, store, sync);
            files = new RecordingFileSystem(files, store, shadow);
        }
        var environment = new StorageEnvironment(new StorageOptions { Files = files, Scheduler = scheduler, BlockCacheBytes = 1 << 20 });
        tally.Phase = Phase.Opening;
        var tree = Tree.Open(environment, store, Workload.Options(sync));
        var writers = new Writers(tree, tally, seed);
        for (var w = 0; w < Workload.Writers; w++)
        {
            var found = Workload.Number(tree.Get(Workload.CounterKey(w, 0)));
            if (found < tally.Acknowledged(w))
                throw new BrokenPromiseException($"writer {w}: {tally.Acknowledged(w)} batches were acknowledged, {found} are here");
            writers._acknowledged[w] = found;
            writers._announced[w] = long.MaxValue;
        }

        return ChildThreads.Run(tally, writers.Write, writers.Read, () => Count(tally));
    }

    static void Count(Tally tally)
    {
        while (true)
        {
            tally.Tick();
            Thread.Sleep(5);
        }
    }

    void Write(int writer)
    {
        var batch = new WriteBatch();
        var before = new long[Workload.Writers];
        for (var number = _acknowledged[writer] + 1; ; number++)
        {
            var (operations, transfer) = Workload.Batch(_seed, writer, number);
            for (var w = 0; w < before.Length; w++) before[w] = Volatile.Read(ref _acknowledged[w]);
            batch.Clear();
            var counter = Workload.CounterValue(number, before);
            for (var place = 0; place < Workload.CounterPlaces.Length; place++) batch.Put(Workload.CounterKey(writer, place), counter);
            foreach (var operation in operations) Add(batch, writer, operation);

            _tally.Submit(writer, number);
            if (transfer is { } move)
            {
                lock (_banks[move.Bank + (move.Merged ? Workload.Banks : 0)])
                {
                    AddTransfer(batch, move);
                    WriteAtNewTime(batch, writer);
                }
            }
            else
            {
                WriteAtNewTime(batch, writer);
            }
            Volatile.Write(ref _acknowledged[writer], number);
            _tally.Acknowledge(writer, number);
        }
    }

    void WriteAtNewTime(WriteBatch batch, int writer)
    {
        Interlocked.Exchange(ref _announced[writer], Volatile.Read(ref _clock));
        batch.SystemTime = new SystemTime((ulong)Interlocked.Increment(ref _clock));
        _tree.Write(batch);
        Volatile.Write(ref _announced[writer], long.MaxValue);
    }

    public static void Add(WriteBatch batch, int writer, Operation operation)
    {
        var key = Workload.OwnKey(operation.Keyspace, writer, operation.Key);
        switch (operation.Kind)
        {
            case EffectKind.Put: batch.Put(key, operation.Value); break;
            case EffectKind.Merge: batch.Merge(key, operation.Value); break;
            case EffectKind.Delete: batch.Delete(key); break;
            default: batch.DeleteRange(key, Workload.OwnKey(operation.Keyspace, writer, operation.EndKey)); break;
        }
    }

    void AddTransfer(WriteBatch batch, Transfer transfer)
    {
        foreach (var (account, amount) in new[] { (transfer.From, -transfer.Amount), (transfer.To, transfer.Amount) })
        {
            var key = Workload.AccountKey(transfer.Merged, transfer.Bank, account);
            var bytes = new byte[8];
            var balance = transfer.Merged ? 0 : Expectation.Amount(_tree.Get(key));
            BinaryPrimitives.WriteInt64LittleEndian(bytes, balance + amount);
            if (transfer.Merged) batch.Merge(key, bytes);
            else batch.Put(key, bytes);
        }
    }

    void Read()
    {
        while (true)
        {
            // What anybody can read now must be there after a kill (and, under always, after a power cut).
            for (var w = 0; w < Workload.Writers; w++) _tally.See(w, Workload.Number(_tree.Get(Workload.CounterKey(w, 0))));

            var moment = Volatile.Read(ref _clock);
            for (var w = 0; w < Workload.Writers; w++) moment = Math.Min(moment, Interlocked.Read(ref _announced[w]));
            CheckMoment(new SystemTime((ulong)moment));
            Thread.Sleep(2);
        }
    }

    void CheckMoment(SystemTime moment)
    {
        if (StoreCheck.MomentProblem(_tree, moment) is { } problem) throw new InvalidOperationException($"while writing: {problem}");
    }
}
