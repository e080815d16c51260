// PastCodes: short codes of up to 4,096 history rows that follow each other, so that a search as of a moment looks at all of those that held then for
// less than a nanosecond each, and at the vectors of the few nearest alone.
//
//   a code      a byte for each of the first components, which hold 97 % of the variance (turned vectors need few), and a float for the rest:
//               |q - x|^2 ~ |q|^2 + (|x'|^2 + |rest of x|^2) - 2 q' x'      x' = step * byte; all less the mean of these rows; products of rests are left out
//   a block     32 codes, four components of each after the other, as the processor multiplies them:
//               | 32 x 4 bytes | 32 x 4 bytes | ... | 32 x f32 |
//   the order   by time from. Entries come to history in the order in which they ended, so of rows that all ended after a moment those that held then
//               are the first few blocks, without a gap; only the rows of one such piece ended partly before
//   places      u16 a code: which of the rows it is
//   others      rows with a component beyond what a byte holds (more than eight times the widest axis' deviation), and such as were being
//               written: always compared by their vectors
//
// Mean and step are those of these rows alone: history is in order of time, and its vectors change with time. Made once, never changed; good for
// the graph it was made from, because a turn of the vectors makes another.
//
// Not here: the scan (PastCodesScan), which pieces there are (PastCodesList).

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aevum.Vectors.Hnsw;

sealed unsafe class PastCodes : IDisposable
{
    public const int RowsMax = 4096;
    public const int BlockRows = 32;

    /// <summary>Components that are multiplied and added in one step.</summary>
    public const int GroupSize = 4;

    const double Energy = 0.97;
    const float SpreadMax = 8;
    const int Zero = 128;

    readonly NativeBlock _block;

    /// <param name="first">The rows from here on.</param>
    /// <param name="count">At most <see cref="RowsMax"/>.</param>
    /// <exception cref="Core.Errors.AevumException">LimitExceeded: the budget has no room.</exception>
    public PastCodes(Graph graph, RowTable rows, LifetimeTable times, VectorShape shape, uint first, int count, MemoryBudget budget)
    {
        (Graph, First, Count, Dimension) = (graph, first, count, shape.Dimension);
        IsProduct = shape.Metric == Metric.InnerProduct;
        (MinFrom, MinTo, EndsRise) = (ulong.MaxValue, ulong.MaxValue, true);
        var read = new Reader(graph, shape.Dimension);
        var isWhole = new bool[count];
        var last = 0UL;
        for (var i = 0; i < count; i++)
        {
            var row = first + (uint)i;
            isWhole[i] = rows.State(row) == RowTable.Live;
            var (from, to) = isWhole[i] ? (times.From(row), times.To(row)) : (0, ulong.MaxValue);
            (MinFrom, MinTo, MaxTo) = (Math.Min(MinFrom, from), Math.Min(MinTo, to), Math.Max(MaxTo, to));
            EndsRise &= isWhole[i] && to >= last;
            last = to;
        }

        var mean = read.Mean(first, isWhole, out var variance);
        Groups = GroupsOf(variance);
        Blur = 2 * (float)Math.Sqrt(variance.Skip(Groups * GroupSize).Sum(v => v * v));
        var widest = read.Widest(first, isWhole, mean, Math.Min(Groups * GroupSize, Dimension));
        var limit = SpreadMax * (float)Math.Sqrt(variance[..Math.Min(Groups * GroupSize, Dimension)].Max());
        var reach = 0f;
        foreach (var width in widest)
            if (width <= limit) reach = Math.Max(reach, width);
        Step = reach > 0 ? reach / 127 : 1;

        var keys = new ulong[count];
        var places = new ushort[count];
        var others = new ushort[count];
        for (var i = 0; i < count; i++)
            if (isWhole[i] && widest[i] <= limit) (keys[Coded], places[Coded++]) = (times.From(first + (uint)i), (ushort)i);
            else others[OtherCount++] = (ushort)i;
        Array.Sort(keys, places, 0, Coded);

        Blocks = (Coded + BlockRows - 1) / BlockRows;
        // From the largest alignment to the least.
        var codes = MeanBytes(Dimension);
        var froms = codes + ((long)Blocks * BlockBytes);
        var behind = froms + ((long)Blocks * sizeof(ulong));
        _block = new(behind + PlaceBytes(count), budget, zeroed: true);
        Mean = (float*)_block.Pointer;
        Codes = _block.Pointer + codes;
        BlockFrom = (ulong*)(_block.Pointer + froms);
        Places = (ushort*)(_block.Pointer + behind);
        Others = Places + Coded;
        mean.CopyTo(new Span<float>(Mean, Dimension));
        places.AsSpan(0, Coded).CopyTo(new(Places, Coded));
        others.AsSpan(0, OtherCount).CopyTo(new(Others, OtherCount));
        for (var b = 0; b < Blocks; b++) BlockFrom[b] = keys[b * BlockRows];
        for (var at = 0; at < Blocks * BlockRows; at++)
            if (at < Coded) read.Encode(this, at, first + places[at], mean);
            else *Bias(at) = float.PositiveInfinity;
    }

    /// <summary>What the codes were made from.</summary>
    public Graph Graph { get; }

    public uint First { get; }

    /// <summary>Rows that have a code or are among the others.</summary>
    public int Count { get; }

    public int Dimension { get; }

    /// <summary>Whether the metric is the inner product; squared Euclidean otherwise.</summary>
    public bool IsProduct { get; }

    public int Coded { get; }

    public int OtherCount { get; }

    public int Blocks { get; }

    /// <summary>Fours of components that a code has.</summary>
    public int Groups { get; }

    /// <summary>What one more in a byte means.</summary>
    public float Step { get; }

    /// <summary>How far an estimate is from the distance because products of rests are left out: the standard deviation, for a query like these rows.</summary>
    public float Blur { get; }

    public ulong MinFrom { get; }

    public ulong MinTo { get; }

    public ulong MaxTo { get; }

    /// <summary>Whether each row has an end, no sooner than that of the one before it.</summary>
    public bool EndsRise { get; }

    public long Bytes => _block.Bytes;

    /// <summary>What a piece of so many rows takes at most.</summary>
    public static long BytesMax(int dimension, int count)
    {
        long blocks = (count + BlockRows - 1) / BlockRows, groups = (dimension + GroupSize - 1) / GroupSize;
        return MeanBytes(dimension) + (blocks * (((groups + 1) * BlockRows * GroupSize) + sizeof(ulong))) + PlaceBytes(count);
    }

    static long MeanBytes(int dimension) => NativeBlock.Room(dimension * sizeof(float));

    // The places of a last block that is not full are read too.
    static long PlaceBytes(int count) => (count + BlockRows) * (long)sizeof(ushort);

    public int BlockBytes => (Groups + 1) * BlockRows * GroupSize;

    /// <summary>Shape [d], then zeros.</summary>
    public float* Mean { get; }

    /// <summary>Blocks, each of <see cref="BlockBytes"/>.</summary>
    public byte* Codes { get; }

    /// <summary>For each block, since when its first row held.</summary>
    public ulong* BlockFrom { get; }

    /// <summary>For each code its row, counted from <see cref="First"/>.</summary>
    public ushort* Places { get; }

    /// <summary>Rows without a code, counted from <see cref="First"/>.</summary>
    public ushort* Others { get; }

    /// <summary>The estimate from which on a row is hardly ever nearer than <paramref name="bound"/>: three times the deviation of estimates, by rests
    /// and by rounding, away. None for inner products, whose error grows with the query.</summary>
    public float LimitOf(float bound) =>
        IsProduct || !float.IsFinite(bound) ? float.PositiveInfinity : bound + (3 * MathF.Sqrt((Blur * Blur) + (2f / 3 * Step * Step * MathF.Max(0, bound))));

    public void Dispose() => _block.Dispose();

    byte* Block(int block) => Codes + ((long)block * BlockBytes);

    float* Bias(int at) => (float*)(Block(at / BlockRows) + (Groups * BlockRows * GroupSize)) + (at % BlockRows);

    static int GroupsOf(double[] variance)
    {
        var (sum, all, count) = (0.0, variance.Sum(), 0);
        while (count < variance.Length && (count == 0 || sum < Energy * all)) sum += variance[count++];
        return (count + GroupSize - 1) / GroupSize;
    }

    // Reads the vectors of rows as the graph compares them.
    sealed class Reader(Graph graph, int dimension)
    {
        readonly float[] _vector = new float[dimension + 8];

        public float[] Mean(uint first, bool[] isWhole, out double[] variance)
        {
            // Sums of differences from the first vector, so that floats are enough.
            float[] shift = new float[dimension], sums = new float[dimension], squares = new float[dimension];
            var count = 0;
            fixed (float* vector = _vector, from = shift, sum = sums, square = squares)
                for (var i = 0; i < isWhole.Length; i++)
                {
                    if (!isWhole[i]) continue;
                    graph.Read(first + (uint)i, (byte*)vector);
                    if (count++ == 0) _vector.AsSpan(0, dimension).CopyTo(shift);
                    var at = 0;
                    for (; at <= dimension - 8; at += 8)
                    {
                        var x = Vector256.Load(vector + at) - Vector256.Load(from + at);
                        Vector256.Store(Vector256.Load(sum + at) + x, sum + at);
                        Vector256.Store(Vector256.FusedMultiplyAdd(x, x, Vector256.Load(square + at)), square + at);
                    }
                    for (; at < dimension; at++)
                    {
                        var x = vector[at] - from[at];
                        sum[at] += x;
                        square[at] += x * x;
                    }
                }
            count = Math.Max(1, count);
            variance = new double[dimension];
            for (var i = 0; i < dimension; i++)
            {
                var mean = sums[i] / (double)count;
                variance[i] = Math.Max(0, (squares[i] / (double)count) - (mean * mean));
                shift[i] += (float)mean;
            }
            return shift;
        }

        /// <summary>For each row the largest of its first components, less the mean.</summary>
        public float[] Widest(uint first, bool[] isWhole, float[] mean, int components)
        {
            var widest = new float[isWhole.Length];
            fixed (float* vector = _vector)
                for (var i = 0; i < widest.Length; i++)
                {
                    if (!isWhole[i]) continue;
                    graph.Read(first + (uint)i, (byte*)vector);
                    var width = 0f;
                    for (var c = 0; c < components; c++) width = Math.Max(width, Math.Abs(vector[c] - mean[c]));
                    widest[i] = width;
                }
            return widest;
        }

        public void Encode(PastCodes target, int at, uint row, float[] mean)
        {
            var block = target.Block(at / BlockRows) + (at % BlockRows * GroupSize);
            fixed (float* vector = _vector)
            {
                graph.Read(row, (byte*)vector);
                var (squares, rest) = (0L, 0f);
                var components = Math.Min(target.Groups * GroupSize, dimension);
                for (var c = 0; c < target.Groups * GroupSize; c++)
                {
                    var code = c >= components ? 0 : (int)MathF.Round((vector[c] - mean[c]) / target.Step);
                    squares += code * code;
                    block[(c / GroupSize * BlockRows * GroupSize) + (c % GroupSize)] = (byte)(code + Zero);
                }
                for (var c = components; c < dimension; c++) rest += (vector[c] - mean[c]) * (vector[c] - mean[c]);
                *target.Bias(at) = target.IsProduct ? 0 : ((float)squares * target.Step * target.Step) + rest;
            }
        }
    }
}
