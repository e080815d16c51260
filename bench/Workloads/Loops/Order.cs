// Order: the key indexes a loop goes through, in native memory. Shuffled orders come from a seed: the same for every engine.

using System.Runtime.InteropServices;
using Aevum.Core.Scheduling;

namespace Aevum.Bench.Workloads.Loops;

sealed unsafe class Order : IDisposable
{
    Order(int count)
    {
        Count = count;
        Indexes = (uint*)NativeMemory.Alloc((nuint)count, sizeof(uint));
    }

    public int Count { get; }

    public uint* Indexes { get; private set; }

    /// <summary>0, 1, 2 ...</summary>
    public static Order Ascending(int count)
    {
        var order = new Order(count);
        for (var i = 0; i < count; i++) order.Indexes[i] = (uint)i;
        return order;
    }

    /// <summary>Each index below <paramref name="count"/> once (Fisher and Yates).</summary>
    public static Order Shuffled(int count, ulong seed)
    {
        var order = Ascending(count);
        var random = new SeededRandom(seed);
        for (var i = count - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (order.Indexes[i], order.Indexes[j]) = (order.Indexes[j], order.Indexes[i]);
        }
        return order;
    }

    /// <summary>A buffer for <see cref="Draw"/>.</summary>
    public static Order Buffer(int count) => new(count);

    /// <summary>Fills the order with independent draws below <paramref name="keys"/>: n draws of n keys meet 63 % of them.</summary>
    public void Draw(SeededRandom random, int keys)
    {
        for (var i = 0; i < Count; i++) Indexes[i] = (uint)random.Next((long)keys);
    }

    public void Dispose()
    {
        NativeMemory.Free(Indexes);
        Indexes = null;
    }
}
