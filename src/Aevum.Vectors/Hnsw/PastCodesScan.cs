// PastCodesScan: estimates the distance from a query to codes (PastCodes), 32 at a time, and offers those that are near enough to a pool.
//
//   estimate = constant + bias of the code + scale * (bytes of the query * bytes of the code)
//
// The query has a step of its own and signs; codes are bytes from 1 to 255 around 128, which the constant takes back. A product of four bytes each, added
// to a sum of 32 bits, is one instruction where the processor has it (VNNI); elsewhere even and odd bytes are multiplied as words.
//
// Two rows in a thousand pass the pool's bound; whether such a one held is then found from its place, or asked of the table of times.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aevum.Vectors.Hnsw;

/// <summary>Sums of products of four bytes with four signed bytes, eight times.</summary>
interface IByteDots
{
    static abstract Vector256<int> Add(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> query);
}

readonly struct VnniDots : IByteDots
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> query) =>
        AvxVnni.MultiplyWideningAndAdd(sum, codes, query);
}

readonly struct WordDots : IByteDots
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> query)
    {
        // 255 * 127 fits a signed word.
        var even = (codes.AsInt16() & Vector256.Create((short)0xFF)) * ((query.AsInt16() << 8) >> 8);
        var odd = (codes.AsInt16() >>> 8) * (query.AsInt16() >> 8);
        return sum + ((even.AsInt32() << 16) >> 16) + (even.AsInt32() >> 16) + ((odd.AsInt32() << 16) >> 16) + (odd.AsInt32() >> 16);
    }
}

/// <summary>What a query adds to the products with codes, and what it multiplies them by.</summary>
readonly record struct PastCodesQuery(float Constant, float Scale);

/// <summary>Which rows of a piece held at a moment, and are in a filter.</summary>
readonly unsafe struct PastRows
{
    readonly PastCodes _rows;
    readonly LifetimeTable _times;
    readonly PreparedFilter? _filter;
    readonly ulong _asOf;
    readonly bool _asksAll;

    public PastRows(PastCodes rows, LifetimeTable times, ulong asOf, PreparedFilter? filter)
    {
        (_rows, _times, _filter, _asOf) = (rows, times, filter, asOf);
        // Blocks are in order of their first time from.
        int low = 0, high = rows.Blocks;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (rows.BlockFrom[middle] <= asOf) low = middle + 1;
            else high = middle;
        }
        Blocks = low;
        if (rows.MinTo > asOf) return;
        _asksAll = !rows.EndsRise;
        if (_asksAll) return;
        // Rows are in order of their ends.
        (low, high) = (0, rows.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (times.To(rows.First + (uint)middle) <= asOf) low = middle + 1;
            else high = middle;
        }
        FirstPlace = (ushort)low;
    }

    /// <summary>Rows before this one of the piece ended by then.</summary>
    public ushort FirstPlace { get; }

    /// <summary>No row of a later block held.</summary>
    public int Blocks { get; }

    /// <param name="place">At least <see cref="FirstPlace"/>.</param>
    /// <param name="isLast">Whether it is in the last block: the only one of which some rows may have begun later.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Holds(ushort place, bool isLast)
    {
        var row = _rows.First + place;
        return (!(isLast || _asksAll) || _times.Holds(row, _asOf)) && (_filter is null || _filter.Contains(row));
    }
}

static unsafe class PastCodesScan
{
    const int Zero = 128;

    /// <summary>Makes a query for the codes of one piece.</summary>
    /// <param name="query">Shape [d], turned as the rows are.</param>
    /// <param name="codes">Room for <see cref="PastCodes.Groups"/> and three more.</param>
    public static PastCodesQuery Prepare(PastCodes rows, float* query, int* codes)
    {
        var dimension = rows.Dimension;
        var mean = rows.Mean;
        var components = Math.Min(rows.Groups * PastCodes.GroupSize, dimension);
        var values = stackalloc float[dimension + 16];
        var widest = 0f;
        var constant = rows.IsProduct ? Products(query, mean, dimension) : Differences(query, mean, values, components, dimension);
        if (rows.IsProduct) Unsafe.CopyBlockUnaligned(values, query, (uint)(components * sizeof(float)));
        for (var i = components; i < components + 16; i++) values[i] = 0;
        for (var i = 0; i < components; i += 16) widest = Math.Max(widest, Widest(Vector512.Load(values + i)));
        var step = widest > 0 ? widest / 127 : 1;
        var (sum, squares) = (Vector512<int>.Zero, Vector512<int>.Zero);
        for (var i = 0; i < components; i += 16)
        {
            var code = Vector512.ConvertToInt32(Vector512.Round(Vector512.Load(values + i) * (1 / step)));
            sum += code;
            squares += code * code;
            var words = Vector256.Narrow(code.GetLower(), code.GetUpper());
            Vector128.Store(Vector128.Narrow(words.GetLower(), words.GetUpper()), (sbyte*)codes + i);
        }
        var scale = (rows.IsProduct ? -1 : -2) * rows.Step * step;
        if (!rows.IsProduct) constant += Vector512.Sum(squares) * step * step;
        return new(constant - (scale * Zero * Vector512.Sum(sum)), scale);
    }

    static float Widest(Vector512<float> values)
    {
        var wide = Vector512.Abs(values);
        var half = Vector256.Max(wide.GetLower(), wide.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return Math.Max(Math.Max(quarter[0], quarter[1]), Math.Max(quarter[2], quarter[3]));
    }

    static float Products(float* query, float* mean, int dimension)
    {
        var sum = 0f;
        for (var i = 0; i < dimension; i++) sum -= query[i] * mean[i];
        return sum;
    }

    // The first differences into values, the squares of the others summed.
    static float Differences(float* query, float* mean, float* values, int components, int dimension)
    {
        var squares = Vector256<float>.Zero;
        var at = 0;
        for (; at <= components - 8; at += 8) Vector256.Store(Vector256.Load(query + at) - Vector256.Load(mean + at), values + at);
        for (; at < components; at++) values[at] = query[at] - mean[at];
        for (; at <= dimension - 8; at += 8)
        {
            var difference = Vector256.Load(query + at) - Vector256.Load(mean + at);
            squares = Vector256.FusedMultiplyAdd(difference, difference, squares);
        }
        var sum = Vector256.Sum(squares);
        for (; at < dimension; at++) sum += (query[at] - mean[at]) * (query[at] - mean[at]);
        return sum;
    }

    /// <summary>Offers rows that held and whose estimates are below the pool's bound and <paramref name="limit"/>.</summary>
    public static void Run<TPool>(PastCodes rows, in PastCodesQuery query, int* codes, in PastRows held, float limit, ref TPool pool)
        where TPool : struct, IPool
    {
        if (AvxVnni.IsSupported) Run<VnniDots, TPool>(rows, query, codes, held, limit, ref pool);
        else Run<WordDots, TPool>(rows, query, codes, held, limit, ref pool);
    }

    public static void Run<TDots, TPool>(PastCodes rows, in PastCodesQuery query, int* codes, in PastRows held, float limit, ref TPool pool)
        where TDots : struct, IByteDots
        where TPool : struct, IPool
    {
        var groups = rows.Groups;
        var at = rows.Codes;
        var allPlaces = rows.Places;
        var first = rows.First;
        var estimates = stackalloc float[PastCodes.BlockRows];
        var scale = Vector256.Create(query.Scale);
        var most = Vector256.Create(Math.Min(pool.Bound, limit) - query.Constant);
        var blocks = held.Blocks;
        for (var block = 0; block < blocks; block++)
        {
            Vector256<int> a = default, b = default, c = default, d = default;
            for (var g = 0; g < groups; g++, at += 128)
            {
                var part = Vector256.Create(codes[g]).AsSByte();
                a = TDots.Add(a, Vector256.Load(at), part);
                b = TDots.Add(b, Vector256.Load(at + 32), part);
                c = TDots.Add(c, Vector256.Load(at + 64), part);
                d = TDots.Add(d, Vector256.Load(at + 96), part);
            }
            var a1 = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(a), scale, Vector256.Load((float*)at));
            var a2 = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(b), scale, Vector256.Load((float*)at + 8));
            var a3 = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(c), scale, Vector256.Load((float*)at + 16));
            var a4 = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(d), scale, Vector256.Load((float*)at + 24));
            at += 128;
            var near = Vector256.LessThan(a1, most).ExtractMostSignificantBits() | (Vector256.LessThan(a2, most).ExtractMostSignificantBits() << 8)
                | (Vector256.LessThan(a3, most).ExtractMostSignificantBits() << 16)
                | (Vector256.LessThan(a4, most).ExtractMostSignificantBits() << 24);
            var places = allPlaces + (block * PastCodes.BlockRows);
            if (near != 0 && held.FirstPlace > 0) near &= AtLeast(places, held.FirstPlace);
            if (near == 0) continue;
            Vector256.Store(a1, estimates);
            Vector256.Store(a2, estimates + 8);
            Vector256.Store(a3, estimates + 16);
            Vector256.Store(a4, estimates + 24);
            var isLast = block == blocks - 1;
            for (; near != 0; near &= near - 1)
            {
                var i = BitOperations.TrailingZeroCount(near);
                var estimate = estimates[i] + query.Constant;
                if (estimate >= pool.Bound || !held.Holds(places[i], isLast)) continue;
                pool.Offer(estimate, first + places[i]);
            }
            most = Vector256.Create(Math.Min(pool.Bound, limit) - query.Constant);
        }
    }

    static uint AtLeast(ushort* places, ushort least)
    {
        var limit = Vector256.Create(least);
        // All ones stay all ones in a byte.
        return Vector256.Narrow(Vector256.GreaterThanOrEqual(Vector256.Load(places), limit), Vector256.GreaterThanOrEqual(Vector256.Load(places + 16), limit))
            .ExtractMostSignificantBits();
    }
}
