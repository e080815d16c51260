// Calibrating: how many candidates have to be compared exactly so that the right ones are among them? That depends on the codes and on the data: from a
// little more than what is asked for to all there are. It is measured once, when the graph is made, on rows of its own.
//
//   for a sample of rows: walk from the row's vector, compare all candidates exactly, and see how far down the order of estimates the last of the nearest
//   ten was. Of these places, what Share of the searches stay below, and a half more because rows as queries are easier than others, over ten.

using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Coded;

public sealed unsafe partial class CodedGraph
{
    const int CalibrationRows = 256;
    const int CalibrationEf = 100;
    const int CalibrationK = 10;
    const double Share = 0.98;
    const double Reserve = 1.5;

    void Calibrate(in StillGraph graph, CodedGraphMaker maker)
    {
        // Fewer rows than this are compared exactly altogether.
        if (Count < 4 * CalibrationEf) return;
        using var still = new StillVectors(graph, maker, Shape);
        var before = _source;
        _source = still;
        try
        {
            using var scratch = new NativeBlock(Shape.Stride + (Shape.Dimension * (long)sizeof(float)), MemoryBudget.Unlimited());
            var places = new List<int>();
            var all = new VectorMatch[CalibrationK];
            for (var i = 0; i < CalibrationRows; i++)
            {
                var row = (uint)((long)i * Count / CalibrationRows);
                graph.Read(maker.Order[row], scratch.Pointer);
                var floats = new Span<float>(scratch.Pointer + Shape.Stride, Shape.Dimension);
                VectorEncoder.Decode(Shape, new ReadOnlySpan<byte>(scratch.Pointer, Shape.Bytes), floats);
                places.Add(PlaceOfLast(floats, all));
            }
            places.Sort();
            _rerankFactor = Math.Min(places[(int)(Share * (places.Count - 1))] * Reserve, CalibrationEf) / CalibrationK;
        }
        finally
        {
            _source = before;
        }
    }

    // With how many candidates reranked are the nearest ten the same as with all of them? By halving: more never lose one that fewer had.
    int PlaceOfLast(ReadOnlySpan<float> vector, VectorMatch[] matches)
    {
        var count = Search(vector, new(CalibrationK) { Ef = CalibrationEf, RerankCount = CalibrationEf }, matches);
        var farthest = matches[count - 1].Distance;
        var (low, high) = (CalibrationK, CalibrationEf);
        while (low < high)
        {
            var middle = (low + high) / 2;
            var found = Search(vector, new(CalibrationK) { Ef = CalibrationEf, RerankCount = middle }, matches);
            if (matches[found - 1].Distance <= farthest) high = middle;
            else low = middle + 1;
        }
        return low;
    }

    // Whole vectors as the graph it is made from has them; a few are good at a time, as many as a rerank holds.
    sealed class StillVectors(StillGraph graph, CodedGraphMaker maker, VectorShape shape) : IVectorSource, IDisposable
    {
        const int Places = 64;

        readonly NativeBlock _places = new(Places * (long)shape.Stride, MemoryBudget.Unlimited());
        int _next;

        public byte* Vector(uint row)
        {
            var place = _places.Pointer + (_next++ % Places * (long)shape.Stride);
            graph.Read(maker.Order[row], place);
            return place;
        }

        public void Dispose() => _places.Dispose();
    }
}
