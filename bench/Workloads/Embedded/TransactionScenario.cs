// TransactionScenario ("transactions"): compare and set, transactions over four keys, and increments of one key from eight threads.
//
// Ten thousand keys of 20 bytes with values of 100 are there before. Every answer is checked by the engine itself (a lost update would be an
// error); the increments are counted afterwards.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;
using Aevum.Bench.Workloads.Storage;

namespace Aevum.Bench.Workloads.Embedded;

sealed unsafe class TransactionScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 100;
    const int Threads = 8;
    const int Window = 1_000;

    int KeyCount => Sizes.MemoryKeys;

    int Passes => Task.Scale == Scale.Tiny ? 1 : 5;

    public override void Run()
    {
        if (Task.Wants("cas", "txn 4 keys")) Alone();
        if (Task.Wants("txn contended")) Contended();
        if (Task.Wants("increment managed bytes")) CountManagedBytes();
    }

    ITransactions OpenTransactions(string name, bool isContended, out string directory)
    {
        directory = Path.Combine(Task.Directory, name);
        Directory.CreateDirectory(directory);
        return TEngine.OpenTransactions(directory, isContended);
    }

    void Alone()
    {
        var store = OpenTransactions("transactions", isContended: false, out var directory);
        using var order = Order.Shuffled(KeyCount, Task.Seed(3));
        var key = stackalloc byte[Keys.Length];
        Keys.Begin(key);
        for (var i = 0; i < order.Count; i++)
        {
            Keys.Set(key, order.Indexes[i]);
            store.Put(new(key, Keys.Length), new(Values.At(order.Indexes[i], 1), ValueBytes));
        }
        for (var pass = 0; pass < 2; pass++)   // the first warms up
        {
            var cas = Meter.Start();
            for (var n = 0; n < Passes; n++) CompareAndSet(store, order, 2 + n);
            store.WaitIdle();
            var casCost = cas.Stop();
            var four = Meter.Start();
            for (var n = 0; n < Passes; n++) Four(store, order, 20 + n);
            store.WaitIdle();
            var fourCost = four.Stop();
            if (pass == 0) continue;
            Check(store, order, 20 + Passes - 1);
            Report("cas", casCost, (double)Passes * order.Count);
            Report("txn 4 keys", fourCost, (double)Passes * (order.Count / 4));
        }
        store.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    // Every key holds what the last transaction put.
    static void Check(ITransactions store, Order order, int epoch)
    {
        var key = stackalloc byte[Keys.Length];
        var found = stackalloc byte[Values.LengthMax];
        Keys.Begin(key);
        for (var i = 0; i < order.Count / 4 * 4; i++)
        {
            Keys.Set(key, order.Indexes[i]);
            var length = store.Get(new(key, Keys.Length), new(found, Values.LengthMax));
            var expected = new ReadOnlySpan<byte>(Values.At(order.Indexes[i / 4 * 4], epoch), ValueBytes);
            if (length != ValueBytes || !new ReadOnlySpan<byte>(found, length).SequenceEqual(expected))
                throw new BenchException($"cas, txn 4 keys: key {order.Indexes[i]} holds something else than was put");
        }
    }

    static void CompareAndSet(ITransactions store, Order order, int epoch)
    {
        var key = stackalloc byte[Keys.Length];
        Keys.Begin(key);
        for (var i = 0; i < order.Count; i++)
        {
            Keys.Set(key, order.Indexes[i]);
            store.CompareAndSet(new(key, Keys.Length), new(Values.At(order.Indexes[i], epoch), ValueBytes));
        }
    }

    static void Four(ITransactions store, Order order, int epoch)
    {
        var keys = stackalloc byte[4 * Keys.Length];
        for (var n = 0; n < 4; n++) Keys.Begin(keys + n * Keys.Length);
        for (var i = 0; i + 4 <= order.Count; i += 4)
        {
            for (var n = 0; n < 4; n++) Keys.Set(keys + n * Keys.Length, order.Indexes[i + n]);
            store.ReadAndPutFour(new(keys, 4 * Keys.Length), Keys.Length, new(Values.At(order.Indexes[i], epoch), ValueBytes));
        }
    }

    void Contended()
    {
        var store = OpenTransactions("contended", isContended: true, out var directory);
        var each = Task.Scale == Scale.Tiny ? 50 : 2_500;
        Cost cost = default;
        for (var pass = 0; pass < 3; pass++)   // the first warms up
        {
            var meter = Meter.Start();
            var threads = Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
            {
                for (var i = 0; i < each; i++) store.Increment("counter"u8);
            })).ToArray();
            foreach (var thread in threads) thread.Start();
            foreach (var thread in threads) thread.Join();
            var spent = meter.Stop();
            if (pass > 0) cost += spent;
        }
        Expect("txn contended", "increments", 3L * Threads * each, store.Number("counter"u8));
        Report("txn contended", cost, 2.0 * Threads * each);
        store.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    void CountManagedBytes()
    {
        var store = OpenTransactions("managed", isContended: false, out var directory);
        var windows = new long[Math.Max(5, Sizes.ManagedWindows / 4)];
        for (var w = 0; w < windows.Length; w++)
        {
            var start = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Window; i++) store.Increment("counter"u8);
            windows[w] = GC.GetAllocatedBytesForCurrentThread() - start;
        }
        Expect("increment managed bytes", "increments", (long)Window * windows.Length, store.Number("counter"u8));
        store.Dispose();
        Directory.Delete(directory, recursive: true);
        Array.Sort(windows);
        Report("increment managed bytes", windows[windows.Length / 2] / (double)Window, "B/op");
    }
}
