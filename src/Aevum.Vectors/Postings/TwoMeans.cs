// TwoMeans: parts vectors into two groups around their means, neither smaller than a quarter of all: Lloyd's rounds from two vectors that lie apart, then the
// border between the two means is moved towards the larger group where one would be too small. So a posting that is split gives two that are worth their
// while, also where its vectors are all the same.

using System.Runtime.Intrinsics;
using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Postings;

static unsafe class TwoMeans
{
    const int RoundsMax = 12;

    /// <param name="vectors">Shape [count, dimension], at least two.</param>
    /// <param name="means">Shape [2, dimension]; written.</param>
    /// <param name="isSecond">Which group each vector is in; written.</param>
    public static void Split(float* vectors, int count, int dimension, float* means, bool[] isSecond, SeededRandom random)
    {
        // The first that comes, what is farthest from it, and what is farthest from that.
        var first = Farthest(vectors, count, dimension, vectors + ((nint)random.Next(count) * dimension));
        var second = Farthest(vectors, count, dimension, vectors + ((nint)first * dimension));
        new ReadOnlySpan<float>(vectors + ((nint)first * dimension), dimension).CopyTo(new(means, dimension));
        new ReadOnlySpan<float>(vectors + ((nint)second * dimension), dimension).CopyTo(new(means + dimension, dimension));
        var nearer = new float[count];
        var order = new int[count];
        for (var round = 0; round < RoundsMax; round++)
        {
            var moved = 0;
            for (var i = 0; i < count; i++)
            {
                var vector = vectors + ((nint)i * dimension);
                nearer[i] = Squared(vector, means, dimension) - Squared(vector, means + dimension, dimension);
                order[i] = i;
            }
            // By how much nearer they are to the first mean; among equals as they come, so that equal vectors are parted, too.
            Array.Sort((float[])nearer.Clone(), order);
            var border = Math.Clamp(nearer.Count(n => n < 0), (count + 3) / 4, count - ((count + 3) / 4));
            for (var i = 0; i < count; i++)
            {
                var isAfter = i >= border;
                if (isSecond[order[i]] != isAfter) moved++;
                isSecond[order[i]] = isAfter;
            }
            Mean(vectors, count, dimension, isSecond, false, means);
            Mean(vectors, count, dimension, isSecond, true, means + dimension);
            if (moved == 0 && round > 0) break;
        }
    }

    public static float Squared(float* a, float* b, int dimension)
    {
        var sum = Vector256<float>.Zero;
        var i = 0;
        for (; i <= dimension - 8; i += 8)
        {
            var difference = Vector256.Load(a + i) - Vector256.Load(b + i);
            sum += difference * difference;
        }
        var all = Vector256.Sum(sum);
        for (; i < dimension; i++) all += (a[i] - b[i]) * (a[i] - b[i]);
        return all;
    }

    static int Farthest(float* vectors, int count, int dimension, float* from)
    {
        var (best, distance) = (0, -1f);
        for (var i = 0; i < count; i++)
            if (Squared(vectors + ((nint)i * dimension), from, dimension) is var d && d > distance) (best, distance) = (i, d);
        return best;
    }

    static void Mean(float* vectors, int count, int dimension, bool[] isSecond, bool which, float* mean)
    {
        var sums = new double[dimension];
        var n = 0;
        for (var i = 0; i < count; i++)
        {
            if (isSecond[i] != which) continue;
            n++;
            for (var c = 0; c < dimension; c++) sums[c] += vectors[((nint)i * dimension) + c];
        }
        for (var c = 0; c < dimension; c++) mean[c] = (float)(sums[c] / n);
    }
}
