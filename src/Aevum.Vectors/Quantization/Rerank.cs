// Rerank: exact distances of what estimates found, so that a short code decides which rows are looked at, never in which order they are answered.
// A few rows ahead are asked for (prefetched) while one is compared, in order of their estimates. A row whose code tells that it cannot get in any more
// is passed over.

namespace Aevum.Vectors.Quantization;

/// <summary>Where whole vectors are kept that an index has only codes of: a mapped file, a table in memory.</summary>
public unsafe interface IVectorSource
{
    /// <summary>The stored vector of a row, good until the search ends; null if it is not there any more, then the row is no result.</summary>
    byte* Vector(uint row);
}

/// <summary>Vectors that lie side by side in memory.</summary>
sealed unsafe class VectorTable(byte* first, nint stride, uint count) : IVectorSource
{
    public byte* Vector(uint row) => row < count ? first + (stride * (nint)row) : null;
}

/// <summary>What an estimate tells for sure, or nearly so.</summary>
interface IRerankBounds
{
    /// <summary>The exact distance is hardly ever below this.</summary>
    /// <param name="key">Estimate and row (<see cref="DistanceKey"/>).</param>
    float LeastOf(ulong key);
}

readonly struct NoBounds : IRerankBounds
{
    public float LeastOf(ulong key) => float.NegativeInfinity;
}

static unsafe class Rerank
{
    // Lines of the next rows are on their way while one is compared.
    const int Ahead = 8;

    /// <summary>Offers the exact distances of rows to <paramref name="top"/>.</summary>
    /// <param name="prepared">The query for the shape's own distance (<see cref="PreparedQuery"/>).</param>
    /// <param name="rows">As <see cref="DistanceKey"/>s of estimates, nearest first.</param>
    /// <returns>How many rows are there: compared, or passed over because of their bounds.</returns>
    public static int Run<TBounds>(VectorShape shape, IVectorSource source, byte* prepared, ulong* rows, int count, ref TopK top, TBounds bounds)
        where TBounds : struct, IRerankBounds
    {
        var visitor = new Visitor<TBounds> { Source = source, Prepared = prepared, Rows = rows, Count = count, Top = top, Bytes = shape.Bytes };
        visitor.Bounds = bounds;
        var read = DistanceDispatch.RunPrepared<Visitor<TBounds>, int>(shape, ref visitor);
        top = visitor.Top;
        return read;
    }

    struct Visitor<TBounds> : IDistanceVisitor<int>
        where TBounds : struct, IRerankBounds
    {
        public IVectorSource Source;
        public byte* Prepared;
        public ulong* Rows;
        public int Count, Bytes;
        public TopK Top;
        public TBounds Bounds;

        public int Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            var vectors = stackalloc byte*[Ahead];
            var rows = stackalloc uint[Ahead];
            int there = 0, next = 0, compared = 0, asked = 0;
            while (true)
            {
                for (; next < Count && asked < compared + Ahead; next++)
                {
                    if (Bounds.LeastOf(Rows[next]) > Top.Bound)
                    {
                        there++;
                        continue;
                    }
                    var row = DistanceKey.Row(Rows[next]);
                    var vector = Source.Vector(row);
                    if (vector == null) continue;
                    ManyDistances.Prefetch(vector, Bytes);
                    vectors[asked % Ahead] = vector;
                    rows[asked % Ahead] = row;
                    asked++;
                }
                if (compared == asked) return there;
                var exact = distance.One(Prepared, vectors[compared % Ahead]);
                if (exact <= Top.Bound) Top.Offer(exact, rows[compared % Ahead]);
                compared++;
                there++;
            }
        }
    }
}
