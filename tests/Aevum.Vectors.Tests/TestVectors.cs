using Aevum.Core.Scheduling;

namespace Aevum.Vectors.Tests;

/// <summary>Made-up vectors that every element type holds exactly.</summary>
static class TestVectors
{
    /// <summary>Components that the shape's element type can hold; never zero everywhere.</summary>
    public static float[] Random(VectorShape shape, SeededRandom random)
    {
        var vector = new float[shape.Dimension];
        for (var i = 0; i < vector.Length; i++)
            vector[i] = shape.Element switch
            {
                ElementType.Float32 => (float)Normal(random),
                ElementType.Float16 => (float)(Half)Normal(random),
                ElementType.Int8 => random.Next(-128, 128),
                _ => random.Next(2),
            };
        if (Array.TrueForAll(vector, c => c == 0)) vector[0] = 1;
        return vector;
    }

    /// <summary>The stored form of a made-up vector.</summary>
    public static byte[] Stored(VectorShape shape, SeededRandom random)
    {
        var stored = new byte[shape.Bytes];
        VectorEncoder.Encode(shape, Random(shape, random), stored);
        return stored;
    }

    public static double Normal(SeededRandom random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
