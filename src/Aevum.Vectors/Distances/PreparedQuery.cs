// PreparedQuery: a query in the form that costs least to compare with many stored vectors. Made once a search.
//
//   Float32, Bit     as stored
//   Float16          float32 components, then 1 / length where the shape carries it: the query is widened once, not at each vector
//   Int8             int16 components, then 1 / length where the shape carries it: the same
//
// DistanceDispatch.RunPrepared gives the kernels that take it.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Aevum.Vectors;

static unsafe class PreparedQuery
{
    /// <summary>Bytes of a prepared query of <paramref name="shape"/>.</summary>
    public static int Bytes(VectorShape shape) => TailOffset(shape) + (shape.Bytes - shape.ElementBytes);

    /// <summary>Where 1 / length stands, if anywhere.</summary>
    public static int TailOffset(VectorShape shape) => shape.Element switch
    {
        ElementType.Float16 => 4 * shape.Dimension,
        ElementType.Int8 => 2 * shape.Dimension,
        _ => shape.ElementBytes,
    };

    /// <param name="stored">A stored vector.</param>
    /// <param name="prepared">At least <see cref="Bytes"/>; not the memory of <paramref name="stored"/>.</param>
    public static void Write(VectorShape shape, ReadOnlySpan<byte> stored, Span<byte> prepared)
    {
        Debug.Assert(stored.Length >= shape.Bytes && prepared.Length >= Bytes(shape));
        fixed (byte* source = stored, target = prepared) Write(shape, source, target);
    }

    public static void Write(VectorShape shape, byte* stored, byte* prepared)
    {
        switch (shape.Element)
        {
            case ElementType.Float16:
                for (var i = 0; i < shape.Dimension; i++)
                    Unsafe.WriteUnaligned(prepared + ((nint)i * 4), (float)Unsafe.ReadUnaligned<Half>(stored + ((nint)i * 2)));
                break;
            case ElementType.Int8:
                for (var i = 0; i < shape.Dimension; i++) Unsafe.WriteUnaligned(prepared + ((nint)i * 2), (short)(sbyte)stored[i]);
                break;
            default:
                Unsafe.CopyBlockUnaligned(prepared, stored, (uint)shape.Bytes);
                return;
        }
        if (shape.CarriesInverseLength)
            Unsafe.WriteUnaligned(prepared + TailOffset(shape), Unsafe.ReadUnaligned<float>(stored + shape.ElementBytes));
    }
}
