using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Tests.Distances;

public sealed unsafe class ManyDistancesTests
{
    [Fact]
    public void Many_are_each_what_one_is()
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, 20);
        var random = new SeededRandom(7);
        const int rows = 40;
        using var block = new NativeBlock(rows * shape.Stride, MemoryBudget.Unlimited());
        for (var i = 0; i < rows; i++) TestVectors.Stored(shape, random).CopyTo(new Span<byte>(block.Pointer + (i * shape.Stride), shape.Bytes));
        fixed (byte* query = TestVectors.Stored(shape, random))
            for (var count = 0; count <= 21; count++)
            {
                var ids = Enumerable.Range(0, count).Select(_ => (uint)random.Next(rows)).ToArray();
                var visitor = new Visitor { Query = query, Rows = block.Pointer, Shape = shape, Ids = ids };
                var (gathered, following) = DistanceDispatch.Run<Visitor, (float[], float[])>(shape, ref visitor);
                for (var i = 0; i < count; i++)
                {
                    Assert.Equal(Kernels.One(shape, query, block.Pointer + (ids[i] * shape.Stride), null, false), gathered[i]);
                    Assert.Equal(Kernels.One(shape, query, block.Pointer + ((i + 3) * shape.Stride), null, false), following[i]);
                }
            }
    }

    struct Visitor : IDistanceVisitor<(float[], float[])>
    {
        public byte* Query;
        public byte* Rows;
        public VectorShape Shape;
        public uint[] Ids;

        public readonly (float[], float[]) Visit<TDistance>(TDistance distance) where TDistance : struct, IDistance
        {
            float[] gathered = new float[Ids.Length], following = new float[Ids.Length];
            fixed (uint* ids = Ids)
            fixed (float* a = gathered, b = following)
            {
                ManyDistances.Gather(distance, Query, Rows, Shape.Stride, Shape.Bytes, ids, Ids.Length, a);
                ManyDistances.Consecutive(distance, Query, Rows + (3 * Shape.Stride), Shape.Stride, Ids.Length, b);
            }
            return (gathered, following);
        }
    }
}
