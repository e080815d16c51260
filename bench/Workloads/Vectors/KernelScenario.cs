// KernelScenario: what a distance costs by a wide kernel and by the plain loop, as a C# programmer would write it, on the same vectors.
//
// Sixteen rows of 768 components and one query: 48 KiB of float32, which is what a first-level cache holds at most, so both sides compute and neither
// waits for memory. Both walk all rows, the kernel four at a time as a scan does, the loop one at a time; an accumulated result keeps either from being
// dropped. Rounds alternate, each side's reading is its best of several stretches of at least 20 ms, in CPU time of the thread.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aevum.Bench.Workloads.Engines;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;
using Aevum.Core.Scheduling;
using Aevum.Vectors;

namespace Aevum.Bench.Workloads.Vectors;

sealed unsafe class KernelScenario : IDisposable
{
    const int Rows = 16, Stretches = 5;
    const double StretchSeconds = 0.02;

    readonly VectorShape _shape;
    readonly NativeBlock _rows;
    readonly NativeBlock _query;
    readonly NativeBlock _prepared;
    readonly NativeBlock _results = new(Rows * sizeof(float), MemoryBudget.Unlimited());

    KernelScenario(VectorShape shape)
    {
        _shape = shape;
        _rows = new NativeBlock(Rows * shape.Stride, MemoryBudget.Unlimited());
        _query = new NativeBlock(shape.Stride, MemoryBudget.Unlimited());
        _prepared = new NativeBlock(PreparedQuery.Bytes(shape), MemoryBudget.Unlimited());
        var random = new SeededRandom(1);
        for (var i = 0; i < Rows; i++) Fill(random, _rows.Pointer + (i * shape.Stride));
        Fill(random, _query.Pointer);
        PreparedQuery.Write(shape, _query.Pointer, _prepared.Pointer);
    }

    /// <summary>A row named "kernels ELEMENT DIMENSION".</summary>
    public static RowResult Measure(Row row, int rounds, string suffix)
    {
        var words = row.Name.Split(' ');
        var element = words[1] switch
        {
            "f32" => ElementType.Float32,
            "int8" => ElementType.Int8,
            _ => throw new BenchException($"there is no plain loop for {words[1]}"),
        };
        using var scenario = new KernelScenario(new VectorShape(element, Metric.L2, int.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture)));
        scenario.CheckAgreement();
        // Both loops reach the JIT's last tier before anything counts.
        for (var i = 0; i < 3; i++)
        {
            scenario.Wide();
            scenario.Plain();
            Thread.Sleep(200);
        }
        var (ours, peer) = (new List<Reading[]>(), new List<Reading[]>());
        for (var round = 0; round < rounds; round++)
        {
            ours.Add([new(row.Name, "cpu", scenario.Wide()), new(row.Name, "bits", (int)KernelWidths.Best)]);
            peer.Add([new(row.Name, "cpu", scenario.Plain())]);
        }
        return RowResult.Create(row, suffix, ours, peer, "") with { PeerName = "plain loop" };
    }

    public void Dispose()
    {
        _rows.Dispose();
        _query.Dispose();
        _prepared.Dispose();
        _results.Dispose();
    }

    void Fill(SeededRandom random, byte* target)
    {
        var vector = new float[_shape.Dimension];
        for (var i = 0; i < vector.Length; i++) vector[i] = _shape.Element == ElementType.Int8 ? random.Next(-128, 128) : (float)(random.NextDouble() - 0.5);
        VectorEncoder.Encode(_shape, vector, new Span<byte>(target, _shape.Bytes));
    }

    void CheckAgreement()
    {
        var visitor = new Pass { Scenario = this };
        DistanceDispatch.RunPrepared<Pass, double>(_shape, ref visitor);
        for (var i = 0; i < Rows; i++)
        {
            var plain = _shape.Element == ElementType.Float32
                ? PlainFloats(Floats(_query.Pointer), Floats(At(i)))
                : PlainBytes(Bytes(_query.Pointer), Bytes(At(i)));
            var wide = ((float*)_results.Pointer)[i];
            if (Math.Abs(plain - wide) > 1e-4 * plain) throw new BenchException($"the kernel says {wide} where the plain loop says {plain}");
        }
    }

    /// <summary>Nanoseconds a distance.</summary>
    double Wide()
    {
        var visitor = new Timed { Scenario = this };
        return DistanceDispatch.RunPrepared<Timed, double>(_shape, ref visitor);
    }

    double Plain() => Best(_shape.Element == ElementType.Float32 ? &PlainFloatRows : &PlainByteRows, this);

    static double Best(delegate*<KernelScenario, double> pass, KernelScenario scenario)
    {
        var best = double.MaxValue;
        var kept = 0.0;
        for (var i = 0; i < Stretches; i++)
        {
            long passes = 0;
            double began = ThreadCpu.Seconds, taken;
            do
            {
                for (var j = 0; j < 100; j++) kept += pass(scenario);
                passes += 100;
                taken = ThreadCpu.Seconds - began;
            }
            while (taken < StretchSeconds);
            best = Math.Min(best, taken / (passes * Rows));
        }
        if (double.IsNaN(kept)) throw new BenchException("a distance is not a number");
        return best * 1e9;
    }

    static double PlainFloatRows(KernelScenario s)
    {
        var sum = 0f;
        for (var i = 0; i < Rows; i++) sum += PlainFloats(s.Floats(s._query.Pointer), s.Floats(s.At(i)));
        return sum;
    }

    static double PlainByteRows(KernelScenario s)
    {
        var sum = 0L;
        for (var i = 0; i < Rows; i++) sum += PlainBytes(s.Bytes(s._query.Pointer), s.Bytes(s.At(i)));
        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static float PlainFloats(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = 0f;
        for (var i = 0; i < a.Length; i++)
        {
            var difference = a[i] - b[i];
            sum += difference * difference;
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int PlainBytes(ReadOnlySpan<sbyte> a, ReadOnlySpan<sbyte> b)
    {
        var sum = 0;
        for (var i = 0; i < a.Length; i++)
        {
            var difference = a[i] - b[i];
            sum += difference * difference;
        }
        return sum;
    }

    byte* At(int row) => _rows.Pointer + (row * _shape.Stride);

    ReadOnlySpan<float> Floats(byte* vector) => new(vector, _shape.Dimension);

    ReadOnlySpan<sbyte> Bytes(byte* vector) => MemoryMarshal.Cast<byte, sbyte>(new ReadOnlySpan<byte>(vector, _shape.Dimension));

    struct Pass : IDistanceVisitor<double>
    {
        public KernelScenario Scenario;

        public readonly double Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance => Once(distance, Scenario);

        [MethodImpl(MethodImplOptions.NoInlining)]
        public static double Once<TDistance>(TDistance distance, KernelScenario s) where TDistance : struct, IDistance
        {
            ManyDistances.Consecutive(distance, s._prepared.Pointer, s._rows.Pointer, s._shape.Stride, Rows, (float*)s._results.Pointer);
            return *(float*)s._results.Pointer;
        }
    }

    struct Timed : IDistanceVisitor<double>
    {
        public KernelScenario Scenario;

        public readonly double Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            Kernel<TDistance>.Current = distance;
            return Best(&Kernel<TDistance>.Run, Scenario);
        }
    }

    // A function pointer takes no state, so the kernel (a few numbers) stands here.
    static class Kernel<TDistance> where TDistance : struct, IDistance
    {
        public static TDistance Current;

        public static double Run(KernelScenario s) => Pass.Once(Current, s);
    }
}
