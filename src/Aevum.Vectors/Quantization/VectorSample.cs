// VectorSample: vectors to learn from, as floats side by side in native memory; a fair choice of all that were shown (reservoir sampling, Vitter 1985,
// algorithm R), so that nobody has to know beforehand how many will come.
//
// Always true: every vector shown so far was as likely to be kept as every other. Given the seed and the order, the choice is the same.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Quantization;

sealed unsafe class VectorSample : IDisposable
{
    readonly NativeBlock _block;
    readonly SeededRandom _random;

    /// <param name="capacity">How many vectors are kept at most.</param>
    public VectorSample(VectorShape shape, int capacity, SeededRandom random, MemoryBudget budget)
    {
        VectorFloats.Require(shape);
        if (capacity < 1) Throw.Invalid("a sample of no vectors");
        Shape = shape;
        Capacity = capacity;
        _random = random;
        _block = new((long)capacity * shape.Dimension * sizeof(float), budget);
    }

    public VectorShape Shape { get; }

    public int Dimension => Shape.Dimension;

    public int Capacity { get; }

    /// <summary>How many vectors are kept.</summary>
    public int Count { get; private set; }

    /// <summary>How many vectors were shown.</summary>
    public long Shown { get; private set; }

    public float* Pointer => (float*)_block.Pointer;

    public float* this[int index]
    {
        get
        {
            Debug.Assert((uint)index < (uint)Count);
            return Pointer + ((nint)index * Dimension);
        }
    }

    /// <summary>Shows a stored vector; the sample keeps it, or does not.</summary>
    public void Add(byte* stored)
    {
        if (TryTake() is var place && place >= 0) VectorFloats.Read(Shape, stored, Pointer + ((nint)place * Dimension));
    }

    /// <summary>The same for floats as <see cref="VectorFloats"/> gives them.</summary>
    public void Add(float* vector)
    {
        if (TryTake() is var place && place >= 0)
            Unsafe.CopyBlockUnaligned(Pointer + ((nint)place * Dimension), vector, (uint)Dimension * sizeof(float));
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => (Count, Shown) = (0, 0);

    public void Dispose() => _block.Dispose();

    // The place to write to, or -1.
    int TryTake()
    {
        Shown++;
        if (Count < Capacity) return Count++;
        var place = _random.Next(Shown);
        return place < Capacity ? (int)place : -1;
    }
}
