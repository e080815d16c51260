// HnswVariant: our graph index over float32, as it stands when nothing is tuned: M = 16, efConstruction = 200 (what the peer has), the rest at its default.
//
// It is measured through its public doors, so copying and checking a query are in the figure, as converting nothing is in the peer's.

using Aevum.Vectors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Bench.Workloads.Vectors;

sealed class HnswVariant(HnswOptions options) : IIndexVariant
{
    public IBuiltIndex Build(DataSet set, int threads)
    {
        var index = new HnswIndex(new VectorShape(ElementType.Float32, Metric.L2, set.Rows.Dimension), options);
        var next = -1;
        void Insert()
        {
            for (int row; (row = Interlocked.Increment(ref next)) < set.Rows.Count;) index.Put((ulong)row, set.Rows.Vector(row));
        }

        var others = Enumerable.Range(1, threads - 1).Select(_ => new Thread(Insert)).ToArray();
        foreach (var other in others) other.Start();
        Insert();
        foreach (var other in others) other.Join();
        // What only inserts need is not in the bytes a vector: an index that is searched has given it back.
        index.Trim();
        return new Built(index);
    }

    sealed class Built(HnswIndex index) : IFilteredIndex, IGraphIndex
    {
        readonly VectorMatch[] _results = new VectorMatch[Truth.K];

        public HnswIndex Graph => index;

        public double BytesPerVector => index.MemoryBytes / (double)index.Count;

        public void SearchAll(DataSet set, int ef, Span<uint> found)
        {
            var query = new HnswQuery(Truth.K) { Ef = ef };
            for (var q = 0; q < set.Queries.Count; q++)
            {
                var answers = index.Search(set.Queries.Vector(q), query, _results);
                for (var i = 0; i < Truth.K; i++) found[(q * Truth.K) + i] = i < answers ? (uint)_results[i].Id : uint.MaxValue;
            }
        }

        public PreparedFilter Prepare(ulong[] kept)
        {
            // Rows are numbered as they were taken, which with several threads is not the order of ids.
            var words = new ulong[(index.RowCount + 63) / 64];
            for (var id = 0; id < kept.Length * 64; id++)
                if ((kept[id / 64] >> (id % 64) & 1) != 0 && index.RowOf((ulong)id) is { } row) words[row / 64] |= 1UL << (int)(row % 64);
            return new(words);
        }

        public void SearchAll(DataSet set, int ef, PreparedFilter filter, Span<uint> found)
        {
            var query = new HnswQuery(Truth.K) { Ef = ef, Filter = filter };
            for (var q = 0; q < set.Queries.Count; q++)
            {
                var answers = index.Search(set.Queries.Vector(q), query, _results);
                for (var i = 0; i < Truth.K; i++) found[(q * Truth.K) + i] = i < answers ? (uint)_results[i].Id : uint.MaxValue;
            }
        }

        public void Dispose() => index.Dispose();
    }
}
