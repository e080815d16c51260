// ProductQuantizer: the vector is cut into parts, and each part is replaced by the number of the nearest of 256 (or 16) centroids learnt for that part
// (Jegou, Douze and Schmid 2011). Distances to a query are looked up: a table per part, from the centroid's number to what the part adds.
//
//   parts      num_sub of them; where num_sub does not divide the dimension, the first (dimension mod num_sub) have one component more; never more
//              parts than components
//   code       256 centroids: a byte a part. 16 centroids: half a byte a part, the even part in the low half
//   prepared   bias f32, step f32, then u16 [part, centroid]: entry = round((distance of the part - least of the part) / step)
//   estimate   bias + step * sum of entries                              asymmetric: only the stored side is rounded to centroids
//
// The tables are whole numbers of 16 bits and not floats: half the memory (16 KiB for 32 parts: a third of the first cache), and sums of integers wait
// one cycle for each other where floats wait three. The step is the widest part over 65,535: thousandths of the error that the codes make.
//
// L2 and Cosine add squared differences (Cosine half of them), InnerProduct negative products, L1 absolute differences: each is a sum over parts.
// Where the data has leading directions, vectors are turned and their components dealt out to parts first (ProductTurn), if that lowers the error.
// Not here: scans of many codes by tables in registers (FastScan).

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Quantization;

sealed unsafe class ProductQuantizer : Quantizer
{
    /// <summary>More parts than this are refused.</summary>
    public const int SubCountMax = 4096;

    const int SampleMax = 32_768;
    const int TrialMax = 8_192;
    const int TrialRounds = 3;
    const int HeaderBytes = 2 * sizeof(float);

    readonly float[] _centroids;
    readonly CentroidTable[] _tables;
    readonly int[] _starts;   // of each part, and the dimension at the end

    /// <param name="centroids">Of each part in turn, shape [count, components of the part].</param>
    /// <param name="turn">What is done to vectors before they are cut; null: nothing. Disposed with the quantizer.</param>
    public ProductQuantizer(VectorShape shape, int subCount, int centroidCount, float[] centroids, ProductTurn? turn = null) : base(shape)
    {
        Turn = turn;
        Debug.Assert(centroids.Length == centroidCount * shape.Dimension);
        _centroids = centroids;
        SubCount = subCount;
        CentroidCount = centroidCount;
        _starts = Starts(shape.Dimension, subCount);
        _tables = new CentroidTable[subCount];
        for (var s = 0; s < subCount; s++)
            _tables[s] = new(centroids.AsSpan(_starts[s] * centroidCount, (_starts[s + 1] - _starts[s]) * centroidCount), _starts[s + 1] - _starts[s]);
    }

    public override QuantizationKind Kind => QuantizationKind.Product;

    public override bool IsOf(QuantizationOptions options) =>
        base.IsOf(options) && (SubCount, CentroidCount) == (SubCountFor(Shape.Dimension, options.SubCount), options.CentroidCount);

    public int SubCount { get; }

    /// <summary>256 or 16.</summary>
    public int CentroidCount { get; }

    public ReadOnlySpan<float> Centroids => _centroids;

    public ProductTurn? Turn { get; }

    public override int CodeBytes => CentroidCount == 256 ? SubCount : (SubCount + 1) / 2;

    public override int QueryBytes => HeaderBytes + (SubCount * CentroidCount * sizeof(ushort));

    /// <summary>How many parts a vector of <paramref name="dimension"/> is cut into where <paramref name="asked"/> are asked for.</summary>
    /// <exception cref="AevumException">InvalidArgument.</exception>
    public static int SubCountFor(int dimension, int asked)
    {
        if (asked is < 1 or > SubCountMax) Throw.Invalid($"a vector is cut into 1 to {SubCountMax} parts, not {asked}");
        return Math.Min(asked, dimension);
    }

    public static ProductQuantizer Train(VectorSample sample, QuantizationOptions options, SeededRandom random)
    {
        if (options.CentroidCount is not (256 or 16)) Throw.Invalid($"product codes have 256 or 16 centroids, not {options.CentroidCount}");
        if (sample.Count == 0) Throw.Invalid("product codes cannot be learnt from no vectors");
        var dimension = sample.Dimension;
        var subCount = SubCountFor(dimension, options.SubCount);
        var starts = Starts(dimension, subCount);
        var count = Math.Min(sample.Count, SampleMax);
        var turn = options.Turns ? ProductTurn.Learn(sample, starts, random) : null;
        if (turn is null)
            return new(sample.Shape, subCount, options.CentroidCount, Centre(sample.Pointer, count, options, options.RoundsMax, starts, random, out _));
        using var turned = new NativeBlock((long)count * dimension * sizeof(float), MemoryBudget.Unlimited());
        var target = (float*)turned.Pointer;
        for (var i = 0; i < count; i++) turn.Apply(sample[i], target + ((nint)i * dimension));
        // A few rounds over a few vectors tell which way has the lower error.
        var few = Math.Min(count, TrialMax);
        Centre(sample.Pointer, few, options, TrialRounds, starts, random, out var plainError);
        Centre(target, few, options, TrialRounds, starts, random, out var turnedError);
        if (turnedError < plainError)
            return new(sample.Shape, subCount, options.CentroidCount, Centre(target, count, options, options.RoundsMax, starts, random, out _), turn);
        turn.Dispose();
        return new(sample.Shape, subCount, options.CentroidCount, Centre(sample.Pointer, count, options, options.RoundsMax, starts, random, out _));
    }

    static float[] Centre(float* vectors, int count, QuantizationOptions options, int rounds, int[] starts, SeededRandom random, out double error)
    {
        var dimension = starts[^1];
        var centroids = new float[dimension * options.CentroidCount];
        error = 0;
        for (var s = 0; s + 1 < starts.Length; s++)
        {
            KMeans.Train(vectors + starts[s], count, starts[s + 1] - starts[s], dimension, new(options.CentroidCount, rounds), random, out var partError)
                .CopyTo(centroids.AsSpan(starts[s] * options.CentroidCount));
            error += partError;
        }
        return centroids;
    }

    public override void Encode(float* vector, byte* code)
    {
        if (Turn is not null)
        {
            var turned = stackalloc float[Dimension];
            Turn.Apply(vector, turned);
            EncodeParts(turned, code);
            return;
        }
        EncodeParts(vector, code);
    }

    void EncodeParts(float* vector, byte* code)
    {
        if (CentroidCount == 256)
        {
            for (var s = 0; s < SubCount; s++) code[s] = (byte)_tables[s].Nearest(vector + _starts[s], out _);
            return;
        }
        new Span<byte>(code, CodeBytes).Clear();
        for (var s = 0; s < SubCount; s++) code[s >> 1] |= (byte)(_tables[s].Nearest(vector + _starts[s], out _) << (4 * (s & 1)));
    }

    public override void Decode(byte* code, float* vector)
    {
        if (Turn is not null)
        {
            var turned = stackalloc float[Dimension];
            DecodeParts(code, turned);
            Turn.ApplyInverse(turned, vector);
            return;
        }
        DecodeParts(code, vector);
    }

    void DecodeParts(byte* code, float* vector)
    {
        for (var s = 0; s < SubCount; s++)
            _tables[s].Read(CentroidCount == 256 ? code[s] : (code[s >> 1] >> (4 * (s & 1))) & 15, vector + _starts[s]);
    }

    /// <summary>What each centroid of each part adds to the distance from <paramref name="query"/>.</summary>
    /// <param name="table">Shape [SubCount, CentroidCount].</param>
    public void FillTable(float* query, float* table)
    {
        if (Turn is not null)
        {
            var turned = stackalloc float[Dimension];
            Turn.Apply(query, turned);
            FillParts(turned, table);
            return;
        }
        FillParts(query, table);
    }

    void FillParts(float* query, float* table)
    {
        for (var s = 0; s < SubCount; s++, table += CentroidCount)
        {
            if (Shape.Metric == Metric.InnerProduct) _tables[s].NegativeProducts(query + _starts[s], table);
            else if (Shape.Metric == Metric.L1) _tables[s].AbsoluteDistances(query + _starts[s], table);
            else _tables[s].Distances(query + _starts[s], table);
        }
    }

    [SkipLocalsInit]
    public override void Prepare(float* query, byte* prepared)
    {
        // Two passes, because the step is known only when all parts are: the first keeps a part's least in a small array and the table in a scratch.
        var entries = SubCount * CentroidCount;
        if (entries <= 16_384)
        {
            var table = stackalloc float[entries];
            Prepare(query, prepared, table);
            return;
        }
        using var block = new NativeBlock((long)entries * sizeof(float), MemoryBudget.Unlimited());
        Prepare(query, prepared, (float*)block.Pointer);
    }

    [SkipLocalsInit]
    void Prepare(float* query, byte* prepared, float* table)
    {
        FillTable(query, table);
        var target = (ushort*)(prepared + HeaderBytes);
        float widest = 0, bias = 0;
        var leasts = stackalloc float[SubCount];
        for (var s = 0; s < SubCount; s++)
        {
            (leasts[s], var most) = Bounds(table + (s * CentroidCount));
            bias += leasts[s];
            widest = Math.Max(widest, most - leasts[s]);
        }
        var step = Math.Max(widest / ushort.MaxValue, 1e-37f);
        for (var s = 0; s < SubCount; s++) Round(table + (s * CentroidCount), leasts[s], 1 / step, target + (s * CentroidCount));
        // 1 - cos = |a - b|^2 / 2 where both have length 1.
        var scale = Shape.Metric == Metric.Cosine ? 0.5f : 1;
        Unsafe.WriteUnaligned(prepared, bias * scale);
        Unsafe.WriteUnaligned(prepared + sizeof(float), step * scale);
    }

    (float Least, float Most) Bounds(float* part)
    {
        var least = Vector512.Load(part);
        var most = least;
        for (var i = 16; i < CentroidCount; i += 16)
        {
            var entries = Vector512.Load(part + i);
            least = Vector512.Min(least, entries);
            most = Vector512.Max(most, entries);
        }
        // Least and negative most side by side, halved three times.
        var eight = Vector256.Min(least.GetLower(), least.GetUpper());
        var other = Vector256.Max(most.GetLower(), most.GetUpper());
        var both = Vector256.Create(Vector128.Min(eight.GetLower(), eight.GetUpper()), -Vector128.Max(other.GetLower(), other.GetUpper()));
        both = Vector256.Min(both, Vector256.Shuffle(both, Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5)));
        both = Vector256.Min(both, Vector256.Shuffle(both, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6)));
        return (both[0], -both[4]);
    }

    void Round(float* part, float lowest, float inverseStep, ushort* target)
    {
        var least = Vector512.Create(lowest);
        var scale = Vector512.Create(inverseStep);
        for (var i = 0; i < CentroidCount; i += 16)
        {
            var entries = ((Vector512.Load(part + i) - least) * scale) + Vector512.Create(0.5f);
            var whole = Vector512.ConvertToUInt32(Vector512.Min(entries, Vector512.Create(65_535f)));
            Vector256.Narrow(whole.GetLower(), whole.GetUpper()).Store(target + i);
        }
    }

    public override TResult Run<TVisitor, TResult>(ref TVisitor visitor) => CentroidCount == 256
        ? visitor.Visit(new ProductCodeDistance(SubCount))
        : visitor.Visit(new HalfByteCodeDistance(SubCount));

    public override void Dispose()
    {
        foreach (var table in _tables) table.Dispose();
        Turn?.Dispose();
        base.Dispose();
    }

    static int[] Starts(int dimension, int subCount)
    {
        var starts = new int[subCount + 1];
        for (var s = 0; s < subCount; s++) starts[s + 1] = starts[s] + (dimension / subCount) + (s < dimension % subCount ? 1 : 0);
        return starts;
    }
}

/// <summary>Codes of a byte a part.</summary>
readonly unsafe struct ProductCodeDistance(int subCount) : IDistance
{
    const int HeaderBytes = 2 * sizeof(float);

    readonly int _subCount = subCount;

    public float One(byte* query, byte* code)
    {
        var table = (ushort*)(query + HeaderBytes);
        uint sum = 0;
        nint s = 0;
        for (; s + 4 <= _subCount; s += 4, table += 4 * 256) sum += FourParts(table, code + s);
        for (; s < _subCount; s++, table += 256) sum += table[(nint)code[s]];
        return Unsafe.ReadUnaligned<float>(query) + (Unsafe.ReadUnaligned<float>(query + sizeof(float)) * sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        var table = (ushort*)(query + HeaderBytes);
        uint sumA = 0, sumB = 0, sumC = 0, sumD = 0;
        nint s = 0;
        // Bytes one by one: a load each, of which the CPU begins four a cycle; taking them out of wider words by shifts is slower (5.5 against 9.2 ns a code
        // of 32 parts, Zen 5).
        for (; s + 4 <= _subCount; s += 4, table += 4 * 256)
        {
            sumA += FourParts(table, a + s);
            sumB += FourParts(table, b + s);
            sumC += FourParts(table, c + s);
            sumD += FourParts(table, d + s);
        }
        for (; s < _subCount; s++, table += 256)
        {
            sumA += table[a[s]];
            sumB += table[b[s]];
            sumC += table[c[s]];
            sumD += table[d[s]];
        }
        var (bias, step) = (Unsafe.ReadUnaligned<float>(query), Unsafe.ReadUnaligned<float>(query + sizeof(float)));
        results[0] = bias + (step * sumA);
        results[1] = bias + (step * sumB);
        results[2] = bias + (step * sumC);
        results[3] = bias + (step * sumD);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint FourParts(ushort* table, byte* code) =>
        (uint)table[(nint)code[0]] + table[256 + (nint)code[1]] + table[512 + (nint)code[2]] + table[768 + (nint)code[3]];
}

/// <summary>Codes of half a byte a part.</summary>
readonly unsafe struct HalfByteCodeDistance(int subCount) : IDistance
{
    const int HeaderBytes = 2 * sizeof(float);

    readonly int _subCount = subCount;

    public float One(byte* query, byte* code)
    {
        var table = (ushort*)(query + HeaderBytes);
        uint sum = 0;
        for (var s = 0; s < _subCount; s++, table += 16) sum += table[(code[s >> 1] >> (4 * (s & 1))) & 15];
        return Unsafe.ReadUnaligned<float>(query) + (Unsafe.ReadUnaligned<float>(query + sizeof(float)) * sum);
    }

    public void Four(byte* query, byte* a, byte* b, byte* c, byte* d, float* results)
    {
        results[0] = One(query, a);
        results[1] = One(query, b);
        results[2] = One(query, c);
        results[3] = One(query, d);
    }
}
