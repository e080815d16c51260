// StoreOracle: what the store must hold, one byte per key: 0 when absent, else the epoch of its last put.
//
// Fed by replaying the seeded orders outside the measured parts, so measuring costs nothing, and a store that loses, resurrects or
// mixes up entries fails its row instead of winning it.

using System.Runtime.InteropServices;
using Aevum.Bench.Workloads.Engines;
using Aevum.Core.Scheduling;

namespace Aevum.Bench.Workloads.Loops;

sealed unsafe class StoreOracle(int keys, int valueBytes) : IDisposable
{
    byte* _epochs = (byte*)NativeMemory.AllocZeroed((nuint)keys);

    public void Dispose()
    {
        NativeMemory.Free(_epochs);
        _epochs = null;
    }

    public void Put(Order order, int epoch)
    {
        for (var i = 0; i < order.Count; i++) _epochs[order.Indexes[i]] = (byte)epoch;
    }

    /// <summary>Replays <paramref name="count"/> draws from <paramref name="seed"/> as puts.</summary>
    public void PutDraws(ulong seed, long count, int epoch)
    {
        var random = new SeededRandom(seed);
        for (long i = 0; i < count; i++) _epochs[random.Next((long)keys)] = (byte)epoch;
    }

    /// <summary>How many of <paramref name="count"/> draws from <paramref name="seed"/> meet a key that is there.</summary>
    public long CountHits(ulong seed, long count)
    {
        var random = new SeededRandom(seed);
        long hits = 0;
        for (long i = 0; i < count; i++) hits += _epochs[random.Next((long)keys)] != 0 ? 1 : 0;
        return hits;
    }

    public long CountKeys()
    {
        long count = 0;
        for (var i = 0; i < keys; i++) count += _epochs[i] != 0 ? 1 : 0;
        return count;
    }

    /// <summary>Gets a sample of keys, present and absent, and compares every byte.</summary>
    public void CheckGets<TEngine, TCursor>(StoreLoops<TEngine, TCursor> store, int samples, string row)
        where TEngine : struct, IStoreEngine<TCursor> where TCursor : struct, IStoreCursor
    {
        var random = new SeededRandom(99);
        var key = stackalloc byte[Keys.Length];
        var target = new byte[Values.LengthMax];
        Keys.Begin(key);
        for (var i = 0; i < samples; i++)
        {
            var index = (uint)random.Next(keys);
            Keys.Set(key, index);
            var length = store.Engine.Get(new(key, Keys.Length), target);
            var right = _epochs[index] == 0
                ? length == -1
                : length == valueBytes && target.AsSpan(0, length).SequenceEqual(Values.Of(index, _epochs[index], valueBytes));
            if (!right) throw new BenchException($"{row}: a wrong answer for key {index} (length {length}, epoch {_epochs[index]})");
        }
    }

    /// <summary>Walks the whole store and compares keys, order and values.</summary>
    public void CheckScan<TEngine, TCursor>(StoreLoops<TEngine, TCursor> store, string row)
        where TEngine : struct, IStoreEngine<TCursor> where TCursor : struct, IStoreCursor
    {
        var cursor = store.Engine.OpenCursor();
        cursor.First();
        CheckFrom(ref cursor, 0, int.MaxValue, row);
        cursor.Dispose();
    }

    /// <summary>Seeks a sample of keys and compares what follows.</summary>
    public void CheckSeeks<TEngine, TCursor>(StoreLoops<TEngine, TCursor> store, int samples, int nexts, string row)
        where TEngine : struct, IStoreEngine<TCursor> where TCursor : struct, IStoreCursor
    {
        var random = new SeededRandom(98);
        var key = stackalloc byte[Keys.Length];
        Keys.Begin(key);
        var cursor = store.Engine.OpenCursor();
        for (var i = 0; i < samples; i++)
        {
            var index = random.Next(keys);
            Keys.Set(key, (uint)index);
            cursor.Seek(new(key, Keys.Length));
            CheckFrom(ref cursor, index, nexts, row);
        }
        cursor.Dispose();
    }

    void CheckFrom<TCursor>(ref TCursor cursor, int index, int entriesMax, string row) where TCursor : struct, IStoreCursor
    {
        for (var entries = 0; entries < entriesMax; entries++, index++, cursor.Next())
        {
            while (index < keys && _epochs[index] == 0) index++;
            if (cursor.IsValid != index < keys)
                throw new BenchException($"{row}: the walk {(index < keys ? "ends too early" : "goes on")} at key {index}");
            if (!cursor.IsValid) return;
            if (Keys.IndexOf(cursor.Key) != index) throw new BenchException($"{row}: the walk should meet key {index}");
            if (!cursor.Value.SequenceEqual(Values.Of((uint)index, _epochs[index], valueBytes)))
                throw new BenchException($"{row}: the walk meets a wrong value at key {index}");
        }
    }
}
