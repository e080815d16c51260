// CodedGraphMaker: what is known of a built graph before its coded form is laid out: the order of rows, how many reach each layer, how many links there are.

using Aevum.Core.Scheduling;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Coded;

sealed unsafe class CodedGraphMaker
{
    const uint Gone = uint.MaxValue;

    readonly StillGraph _graph;
    readonly VectorShape _shape;
    readonly uint[] _numbers;   // from old row to new; Gone: not live

    public CodedGraphMaker(StillGraph graph, VectorShape shape)
    {
        (_graph, _shape) = (graph, shape);
        var levels = new List<List<uint>>();
        for (var row = 0u; row < graph.RowEnd; row++)
        {
            if (!graph.IsLive(row)) continue;
            var level = graph.Level(row);
            while (levels.Count <= level) levels.Add([]);
            levels[level].Add(row);
        }
        levels.Reverse();
        Order = [.. levels.SelectMany(l => l)];
        _numbers = new uint[graph.RowEnd];
        Array.Fill(_numbers, Gone);
        for (var i = 0; i < Order.Length; i++) _numbers[Order[i]] = (uint)i;
        LayerCounts = new int[Math.Max(0, levels.Count - 1)];
        for (var layer = 1; layer <= LayerCounts.Length; layer++) LayerCounts[layer - 1] = levels.Take(levels.Count - layer).Sum(l => l.Count);
    }

    public int Count => Order.Length;

    /// <summary>Old row numbers in the new order: highest layer first.</summary>
    public uint[] Order { get; }

    /// <summary>How many rows reach layer 1, layer 2 and so on.</summary>
    public int[] LayerCounts { get; }

    /// <summary>How many links the lowest layer has at most, without the first few of each row.</summary>
    public long CountLinks(int without)
    {
        long count = 0;
        foreach (var row in Order) count += Math.Max(0, _graph.Links(row, 0).Length - without);
        return count;
    }

    /// <summary>Writes the links of an old row as new numbers, without those that lead nowhere.</summary>
    /// <param name="target">Filled up with <see cref="VectorStore.End"/>.</param>
    /// <returns>How many there are.</returns>
    public int CopyLinks(uint old, int layer, Span<uint> target)
    {
        var count = 0;
        var reach = layer == 0 ? Gone : (uint)LayerCounts[layer - 1];
        foreach (var link in _graph.Links(old, layer))
            if (link < (uint)_numbers.Length && _numbers[link] < reach && count < target.Length) target[count++] = _numbers[link];
        target[count..].Fill(VectorStore.End);
        return count;
    }

    public Quantizer Train(CodedOptions options, SeededRandom random, MemoryBudget budget)
    {
        using var sample = new VectorSample(_shape, (int)Math.Min(Count, Math.Max(1, options.SampleMax)), random, budget);
        using var stored = new NativeBlock(_shape.Stride, budget);
        // Old order: whatever was put together stays together, and the reservoir mixes.
        for (var row = 0u; row < _graph.RowEnd; row++)
        {
            if (_numbers[row] == Gone) continue;
            _graph.Read(row, stored.Pointer);
            sample.Add(stored.Pointer);
        }
        return Quantizer.Train(options.Quantization, sample, random);
    }
}
