// CodedVariant: a graph built over whole vectors whose rows then become codes; the whole vectors of the rerank are those of the data set's file, warm.

using Aevum.Vectors;
using Aevum.Vectors.Coded;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Bench.Workloads.Vectors;

sealed class CodedVariant(CodedOptions options) : IIndexVariant
{
    public IBuiltIndex Build(DataSet set, int threads)
    {
        var shape = new VectorShape(ElementType.Float32, Metric.L2, set.Rows.Dimension);
        using var index = new HnswIndex(shape, new() { M = HnswlibSide.M, EfConstruction = HnswlibSide.EfConstruction });
        Parallel.For(0, set.Rows.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, row => index.Put((ulong)row, RowOf(set.Rows, row)));
        var source = new FileSource(set);
        source.Graph = CodedGraph.From(index, options, source);
        return new Built(source.Graph);
    }

    static unsafe ReadOnlySpan<float> RowOf(VectorFile file, int row) => new(file.Row(row), file.Dimension);

    sealed unsafe class FileSource(DataSet set) : IVectorSource
    {
        public CodedGraph? Graph { get; set; }

        public byte* Vector(uint row) => (byte*)set.Rows.Row((int)Graph!.Id(row));
    }

    sealed class Built(CodedGraph graph) : IBuiltIndex
    {
        public double BytesPerVector => graph.MemoryBytes / (double)graph.Count;

        public void SearchAll(DataSet set, int ef, Span<uint> found)
        {
            Span<VectorMatch> results = stackalloc VectorMatch[Truth.K];
            for (var q = 0; q < set.Queries.Count; q++)
            {
                var count = graph.Search(RowOf(set.Queries, q), new(Truth.K) { Ef = ef }, results);
                for (var i = 0; i < Truth.K; i++) found[(q * Truth.K) + i] = i < count ? (uint)results[i].Id : uint.MaxValue;
            }
        }

        public void Dispose() => graph.Dispose();
    }
}
