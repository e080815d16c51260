// CodedVariant: a graph built over whole vectors whose rows then become codes; the whole vectors of the rerank are those of the data set's file, mapped. The
// rows are measured with the file warm; what a first round costs after the system has forgotten the file is told beside (IDroppedIndex).

using Aevum.Bench.Workloads.Engines;
using Aevum.Core.Files;
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
        return new Built(source.Graph, source);
    }

    static unsafe ReadOnlySpan<float> RowOf(VectorFile file, int row) => new(file.Row(row), file.Dimension);

    sealed unsafe class FileSource : IVectorSource, IDisposable
    {
        const int HeaderBytes = 8;

        readonly DiskFileSystem _files = new();
        readonly DataSet _set;
        IReadableFile? _file;
        byte* _memory;

        public FileSource(DataSet set)
        {
            _set = set;
            Map();
        }

        public CodedGraph? Graph { get; set; }

        public byte* Vector(uint row) => _memory + HeaderBytes + ((nint)Graph!.Id(row) * _set.Rows.Dimension * sizeof(float));

        // Pages that are mapped stay: so the mapping goes first.
        public void Drop()
        {
            _file?.Dispose();
            using (var file = _files.OpenRead(_set.Rows.Path)) file.DropCache();
            Map();
        }

        public void Dispose() => _file?.Dispose();

        void Map()
        {
            _file = _files.OpenRead(_set.Rows.Path);
            if (!_file.TryMap(out _memory)) throw new BenchException("this system does not map files");
        }
    }

    sealed class Built(CodedGraph graph, FileSource source) : IDroppedIndex
    {
        public void DropCache() => source.Drop();

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

        public void Dispose()
        {
            graph.Dispose();
            source.Dispose();
        }
    }
}
