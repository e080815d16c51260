// The C API has no call for the version: the file that the loader chose says it in its name (librocksdb.so.7.8.3).

using System.Runtime.InteropServices;

namespace Aevum.Bench.Workloads.Engines.RocksDb;

static class RocksDbVersion
{
    public static string Text { get; } = Find();

    static string Find()
    {
        try
        {
            NativeLibrary.Load(RocksDbNative.Library, typeof(RocksDbVersion).Assembly, null);
        }
        catch (DllNotFoundException e)
        {
            throw new BenchException($"{RocksDbNative.Library} is not on this machine: apt-get install librocksdb7.8", e);
        }
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var at = line.IndexOf("librocksdb.so.", StringComparison.Ordinal);
            if (at >= 0) return "RocksDB " + line[(at + "librocksdb.so.".Length)..];
        }
        return "RocksDB 7.8";
    }
}
