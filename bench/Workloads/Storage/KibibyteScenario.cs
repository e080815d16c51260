// KibibyteScenario ("1k"): a hundred thousand values of 1 KiB, put and flushed; then point gets over what was flushed.
//
// Each row of puts is done twice in a round, into two fresh stores, and the second is counted. A virtual machine hands pages that it does not
// use back to its host, and touching such a page again costs some 7 us for 4 KiB, ten times an ordinary first touch. Here that would be more
// than all the rest, and it would fall on whoever comes after a pause. What the first store used and gave back, the second gets.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

sealed unsafe class KibibyteScenario<TEngine, TCursor>(RoundTask task, TextWriter progress)
    : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 1024;

    public override void Run()
    {
        using var ascending = Order.Ascending(Sizes.KibibyteKeys);
        if (Task.Wants("put 1k flush", "get 1k"))
        {
            Put("put 1k flush", ascending, batchSize: 1, out var directory);
            GetAll(ascending.Count);
            CloseAndDelete(directory);
        }
        if (Task.Wants("put 1k batch flush"))
        {
            Put("put 1k batch flush", ascending, batchSize: 100, out var directory);
            CloseAndDelete(directory);
        }
    }

    void Put(string row, Order order, int batchSize, out string directory)
    {
        Fill(row, order, batchSize, out var first);
        CloseAndDelete(first);
        Report(row, Fill(row, order, batchSize, out directory), order.Count);
        using var oracle = new StoreOracle(order.Count, ValueBytes);
        oracle.Put(order, 1);
        oracle.CheckGets(Store, 1_000, row);
    }

    Cost Fill(string row, Order order, int batchSize, out string directory)
    {
        const int stretch = StoreLoops<TEngine, TCursor>.Stretch;
        Open(row.Replace(' ', '-'), Task.StoreOptions, out directory);
        var meter = Meter.Start();
        for (var i = 0; i < order.Count; i += stretch)
        {
            var count = Math.Min(stretch, order.Count - i);
            if (batchSize == 1) Store.Put(order.Indexes + i, count, 1, ValueBytes);
            else Store.PutBatches(order.Indexes + i, count, 1, ValueBytes, batchSize);
        }
        Store.Engine.Flush();
        Store.Engine.WaitIdle();
        return meter.Stop();
    }

    void GetAll(int keys)
    {
        // Two passes untimed and two timed, each in another random order: the caches are warm, no order is remembered.
        long found = 0;
        Cost cost = default;
        for (var pass = 0; pass < 4; pass++)
        {
            using var order = Order.Shuffled(keys, Task.Seed(pass));
            var meter = Meter.Start();
            found += Store.Get(order.Indexes, order.Count);
            if (pass >= 2) cost += meter.Stop();
        }
        Expect("get 1k", "keys found", 4L * keys, found);
        Report("get 1k", cost, 2.0 * keys);
    }
}
