// WarmUpScenario: what every child does before its first round. Every loop and every path of the engine (flush, compaction, recovery)
// runs on a small scratch store often enough, with pauses, that the JIT has put its optimized code in place: it counts calls for
// 100 ms at a time and compiles on a thread of its own.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

sealed unsafe class WarmUpScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int Piece = 500;

    int KeyCount => Task.Scale == Scale.Tiny ? 2 * Piece : 30_000;

    public override void Run()
    {
        var passes = Task.Scale == Scale.Tiny ? 1 : 4;
        for (var pass = 0; pass < passes; pass++)
        {
            WarmSmall();
            WarmTables(pass);
            if (passes > 1) Thread.Sleep(150);
        }
    }

    /// <summary>A store that stays in memory, as in the small rows.</summary>
    void WarmSmall()
    {
        Open("warm-small", Task.StoreOptions, out var directory);
        using var order = Order.Ascending(Math.Min(KeyCount, 10_000));
        for (var i = 0; i < order.Count; i += Piece) Store.Put(order.Indexes + i, Piece, 1, 100);
        for (var i = 0; i < order.Count; i += Piece) Store.PutBatches(order.Indexes + i, Piece, 2, 100, 100);
        for (var i = 0; i < order.Count; i += Piece) Store.Get(order.Indexes + i, Piece);
        for (var i = 0; i < (Task.Scale == Scale.Tiny ? 2 : 40); i++) Store.Scan();
        Store.Engine.WaitIdle();
        CloseAndDelete(directory);
    }

    /// <summary>A store with small memtables, so that flushes and compactions happen; closed, recovered, read.</summary>
    void WarmTables(int pass)
    {
        var options = Task.StoreOptions with { MemtableBytes = 1 << 20 };
        Open("warm-tables", options, out var directory);
        using var order = Order.Shuffled(KeyCount, (ulong)pass + 1);
        for (var epoch = 1; epoch <= 3; epoch++)
            for (var i = 0; i < order.Count; i += Piece) Store.Put(order.Indexes + i, Piece, epoch, epoch == 2 ? 1024 : 100);
        Store.Engine.Flush();
        for (var i = 0; i < order.Count / 2; i += Piece) Store.PutBatches(order.Indexes + i, Piece, 4, 1024, 100);
        Store.Engine.Close();
        Open("warm-tables", options, out _);
        Store.Engine.WaitIdle();
        for (var i = 0; i < order.Count; i += Piece) Store.Get(order.Indexes + i, Piece);
        GetDraws(7, KeyCount * 2, KeyCount);
        for (var i = 0; i < 3; i++) Store.Scan();
        var cursor = Store.Engine.OpenCursor();
        for (var i = 0; i < order.Count; i += Piece) Store.Seek(order.Indexes + i, Piece, 10, ref cursor);
        cursor.Dispose();
        for (var i = 0; i < order.Count; i += 10 * Piece) Store.SeekAnew(order.Indexes + i, Piece / 5, 10);
        CloseAndDelete(directory);
    }
}
