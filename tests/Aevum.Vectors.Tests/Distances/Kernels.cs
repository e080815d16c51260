namespace Aevum.Vectors.Tests.Distances;

/// <summary>Kernels called by hand, with a choice of width and of the form of the query.</summary>
static unsafe class Kernels
{
    public static float One(VectorShape shape, float[] a, float[] b, KernelWidth? width = null, bool prepared = false)
    {
        byte[] x = new byte[shape.Bytes], y = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, a, x);
        VectorEncoder.Encode(shape, b, y);
        if (prepared)
        {
            var query = new byte[PreparedQuery.Bytes(shape)];
            PreparedQuery.Write(shape, x, query);
            x = query;
        }
        fixed (byte* query = x, vector = y) return One(shape, query, vector, width, prepared);
    }

    public static float One(VectorShape shape, byte* query, byte* vector, KernelWidth? width, bool prepared)
    {
        var visitor = new OneVisitor { Query = query, Vector = vector };
        return prepared
            ? DistanceDispatch.RunPrepared<OneVisitor, float>(shape, ref visitor, width)
            : DistanceDispatch.Run<OneVisitor, float>(shape, ref visitor, width);
    }

    /// <summary>Four distances of the same query.</summary>
    public static float[] Four(VectorShape shape, byte* query, byte*[] vectors, KernelWidth? width, bool prepared)
    {
        var visitor = new FourVisitor { Query = query, Vectors = vectors };
        return prepared
            ? DistanceDispatch.RunPrepared<FourVisitor, float[]>(shape, ref visitor, width)
            : DistanceDispatch.Run<FourVisitor, float[]>(shape, ref visitor, width);
    }

    struct OneVisitor : IDistanceVisitor<float>
    {
        public byte* Query;
        public byte* Vector;

        public readonly float Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance => distance.One(Query, Vector);
    }

    struct FourVisitor : IDistanceVisitor<float[]>
    {
        public byte* Query;
        public byte*[] Vectors;

        public readonly float[] Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            var results = new float[4];
            fixed (float* r = results) distance.Four(Query, Vectors[0], Vectors[1], Vectors[2], Vectors[3], r);
            return results;
        }
    }
}
