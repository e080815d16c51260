// RecoverScenario ("recover"): how long opening takes when the last process was killed and 64 MiB of log must be read back.
//
// Step "write" puts one by one with a memtable large enough that nothing is flushed, and leaves the store open; the coordinator then
// kills the process (SIGKILL). Step "open" runs in a new process, on copies of what was left: once before the warm-up (told beside,
// with the JIT's share) and once after it. All puts must be there: each was acknowledged before the kill.

using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Loops;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Storage;

sealed unsafe class RecoverScenario<TEngine, TCursor>(RoundTask task, TextWriter progress) : StoreScenario<TEngine, TCursor>(task, progress)
    where TEngine : struct, IStoreEngine<TCursor>
    where TCursor : struct, IStoreCursor
{
    const int ValueBytes = 100;
    const string Row = "recover 64m log";

    StoreOptions Options => Task.StoreOptions with { MemtableBytes = 256L << 20 };

    public override void Run()
    {
        if (Task.Step == "write")
        {
            Open("killed", Options, out _);
            using var order = Order.Shuffled(Sizes.RecoverPuts, Task.Seed(1));
            PutOrder(order, 1, ValueBytes);
            return;   // and neither flush nor close
        }
        var cold = OpenCopy();
        new WarmUpScenario<TEngine, TCursor>(Task, TextWriter.Null).Run();
        var warm = OpenCopy();
        Report(Row, warm.WallNs / 1e6, "ms");
        Beside(Row, "cpu_ms", warm.CpuNs / 1e6);
        Beside(Row, "cold_code_ms", cold.WallNs / 1e6);
    }

    Cost OpenCopy()
    {
        var copy = Path.Combine(Task.Directory, "copy");
        CopyDirectory(Path.Combine(Task.Directory, "killed"), copy);
        var cost = Open("copy", Options, out _);
        Expect(Row, "entries met", Sizes.RecoverPuts, Store.Scan());
        using var oracle = new StoreOracle(Sizes.RecoverPuts, ValueBytes);
        using var order = Order.Ascending(Sizes.RecoverPuts);
        oracle.Put(order, 1);
        oracle.CheckScan(Store, Row);
        Store.Engine.WaitIdle();
        CloseAndDelete(copy);
        return cost;
    }

    static void CopyDirectory(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.GetFiles(source)) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        foreach (var inner in Directory.GetDirectories(source)) CopyDirectory(inner, Path.Combine(target, Path.GetFileName(inner)));
    }
}
