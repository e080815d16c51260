using Aevum.Core.Time;
using Aevum.Vectors;
using Aevum.Vectors.Hnsw;

namespace Aevum.Engine.Indexes;

/// <summary>The graph of a collection: what numbers hold now.</summary>
sealed class LiveGraph(VectorShape shape, HnswOptions options, MemoryBudget budget) : IDisposable
{
    readonly HnswIndex _graph = new(shape, options, budget);

    public long Count => _graph.Count;

    public long MemoryBytes => _graph.MemoryBytes;

    public bool KeepsHistory { get; }

    public void PutElements(ulong id, ReadOnlySpan<byte> elements, SystemTime from) => _graph.PutElements(id, elements);

    public void Delete(ulong id, SystemTime at) => _graph.Delete(id);

    public int SearchElements(ReadOnlySpan<byte> elements, int k, int ef, float distanceMax, SystemTime? asOf, Span<VectorMatch> results) =>
        _graph.SearchElements(elements, new HnswQuery(k) { Ef = ef, DistanceMax = distanceMax }, results);

    public void Dispose() => _graph.Dispose();
}
