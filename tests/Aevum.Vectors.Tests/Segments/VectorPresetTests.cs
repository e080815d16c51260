using Aevum.Core.Errors;
using Aevum.Vectors.Hnsw;
using Aevum.Vectors.Quantization;

namespace Aevum.Vectors.Tests.Segments;

public sealed class VectorPresetTests
{
    [Fact]
    public void The_default_preset_is_what_options_are_by_themselves()
    {
        Assert.Equal(new HnswOptions(), VectorPreset.Default.Graph);
        Assert.Equal(new QuantizationOptions(QuantizationKind.Product), VectorPreset.Default.Codes(128).Quantization);
    }

    [Fact]
    public void Every_preset_makes_an_index_and_codes_that_work()
    {
        foreach (var preset in VectorPreset.All)
        {
            var dimension = preset.Dimension == 0 ? 20 : preset.Dimension;
            Assert.Same(preset, VectorPreset.Find(preset.Name));
            using var index = new VectorIndex(new(ElementType.Float32, preset.Metric, dimension), new() { Graph = preset.Graph });
            var vector = new float[dimension];
            vector[^1] = 1;
            Assert.True(index.Put(1, vector, new(1)));
            Assert.InRange(preset.Codes(dimension).Quantization.SubCount, 1, dimension);
            Assert.InRange(preset.RerankCount, 10, 1000);
        }
        Assert.Equal(5, VectorPreset.Find("low-latency").Codes(20).Quantization.SubCount);
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => VectorPreset.Find("nonsense")).Code);
    }
}
