// Rerank: exact distances of what estimates found, so that a short code decides which rows are looked at, never in which order they are answered.
// A few rows ahead are asked for (prefetched) while one is compared, in order of their estimates.

namespace Aevum.Vectors.Quantization;

/// <summary>Where whole vectors are kept that an index has only codes of: a mapped file, a table in memory.</summary>
unsafe interface IVectorSource
{
    /// <summary>The stored vector of a row, good until the search ends; null if it is not there any more, then the row is no result.</summary>
    byte* Vector(uint row);
}

/// <summary>Vectors that lie side by side in memory.</summary>
sealed unsafe class VectorTable(byte* first, nint stride, uint count) : IVectorSource
{
    public byte* Vector(uint row) => row < count ? first + (stride * (nint)row) : null;
}

static unsafe class Rerank
{
    // Lines of the next rows are on their way while this many are compared.
    const int Ahead = 8;

    /// <summary>Offers the exact distances of rows to <paramref name="top"/>.</summary>
    /// <param name="prepared">The query for the shape's own distance (<see cref="PreparedQuery"/>).</param>
    /// <param name="rows">As <see cref="DistanceKey"/>s of estimates, nearest first.</param>
    /// <returns>How many vectors were read.</returns>
    public static int Run(VectorShape shape, IVectorSource source, byte* prepared, ulong* rows, int count, ref TopK top)
    {
        var visitor = new Visitor { Source = source, Prepared = prepared, Rows = rows, Count = count, Top = top, Bytes = shape.Bytes };
        var read = DistanceDispatch.RunPrepared<Visitor, int>(shape, ref visitor);
        top = visitor.Top;
        return read;
    }

    struct Visitor : IDistanceVisitor<int>
    {
        public IVectorSource Source;
        public byte* Prepared;
        public ulong* Rows;
        public int Count, Bytes;
        public TopK Top;

        public int Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            var vectors = stackalloc byte*[Ahead];
            var read = 0;
            for (var i = 0; i < Count + Ahead; i++)
            {
                var done = i - Ahead;
                var slot = i % Ahead;
                if (done >= 0 && done < Count && vectors[slot] != null)
                {
                    read++;
                    var exact = distance.One(Prepared, vectors[slot]);
                    if (exact <= Top.Bound) Top.Offer(exact, DistanceKey.Row(Rows[done]));
                }
                if (i >= Count) continue;
                vectors[slot] = Source.Vector(DistanceKey.Row(Rows[i]));
                if (vectors[slot] != null) ManyDistances.Prefetch(vectors[slot], Bytes);
            }
            return read;
        }
    }
}
