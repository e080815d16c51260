// CodebookFormat: a quantizer as bytes and back (docs/formats/codebook.md). Little endian.
//
//   [header, 48 bytes]  [what the kind has learnt]  [CRC-32C of all before]
//
// The reader trusts nothing: sizes must fit each other and the bytes that are there before anything is allocated, numbers must be finite.

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Vectors.Quantization;

static class CodebookFormat
{
    public const int HeaderBytes = 48;
    public const int ChecksumBytes = 4;

    /// <summary>`AvCb` in ASCII.</summary>
    const uint Magic = 0x62437641;

    const ushort Version = 1;

    public static byte[] ToBytes(Quantizer quantizer)
    {
        var dimension = quantizer.Dimension;
        var payload = quantizer switch
        {
            ScalarQuantizer => sizeof(float) * (1 + dimension),
            ProductQuantizer product => 8 + (sizeof(float) * product.Centroids.Length),
            BinaryQuantizer binary => (sizeof(float) * dimension) + (sizeof(ulong) * binary.Signs.Length),
            _ => throw new AevumException(ErrorCode.InvalidArgument, $"there is no format for {quantizer.GetType().Name}"),
        };
        var bytes = new byte[HeaderBytes + payload + ChecksumBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), Version);
        bytes[6] = (byte)quantizer.Kind;
        bytes[8] = (byte)quantizer.Shape.Element;
        bytes[9] = (byte)quantizer.Shape.Metric;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), dimension);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), bytes.Length);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(24), quantizer.TrainingError);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), quantizer.TrainedOn);
        var target = bytes.AsSpan(HeaderBytes);
        switch (quantizer)
        {
            case ScalarQuantizer scalar:
                BinaryPrimitives.WriteSingleLittleEndian(target, scalar.Step);
                WriteFloats(scalar.Centre, target[4..]);
                break;
            case ProductQuantizer product:
                BinaryPrimitives.WriteInt32LittleEndian(target, product.SubCount);
                BinaryPrimitives.WriteInt32LittleEndian(target[4..], product.CentroidCount);
                WriteFloats(product.Centroids, target[8..]);
                break;
            case BinaryQuantizer binary:
                WriteFloats(binary.Centre, target);
                for (var i = 0; i < binary.Signs.Length; i++)
                    BinaryPrimitives.WriteUInt64LittleEndian(target[((4 * dimension) + (8 * i))..], binary.Signs[i]);
                break;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - ChecksumBytes), Crc32C.Compute(bytes.AsSpan(0, bytes.Length - ChecksumBytes)));
        return bytes;
    }

    /// <param name="bytes">The codebook, and nothing behind it.</param>
    /// <param name="source">What to call the bytes in an error.</param>
    /// <exception cref="AevumException">Corruption; UnsupportedFormat.</exception>
    public static Quantizer FromBytes(ReadOnlySpan<byte> bytes, string source = "codebook")
    {
        if (bytes.Length < HeaderBytes + ChecksumBytes) Throw.Corruption(source, bytes.Length, "the whole of a codebook's header");
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic) Throw.Corruption(source, 0, "a codebook's first four bytes");
        var version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version != Version) Throw.UnsupportedFormat(source, $"codebook {version}", $"{Version}");
        if (BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]) != bytes.Length) Throw.Corruption(source, 16, "the length of the codebook");
        var body = bytes[..^ChecksumBytes];
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[body.Length..]) != Crc32C.Compute(body))
            Throw.Corruption(source, body.Length, "the checksum of the codebook");
        if (bytes[7] != 0 || bytes[10] != 0 || bytes[11] != 0 || BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]) != 0) Throw.Corruption(source, 7, "zeros");
        var (element, metric) = ((ElementType)bytes[8], (Metric)bytes[9]);
        var dimension = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        if (!VectorShape.Supports(element, metric) || element == ElementType.Bit)
            Throw.Corruption(source, 8, "an element type and a metric that are quantized");
        if (dimension is < 1 or > VectorShape.DimensionMax) Throw.Corruption(source, 12, "a dimension");
        var error = BinaryPrimitives.ReadDoubleLittleEndian(bytes[24..]);
        var trainedOn = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]);
        if (!double.IsFinite(error) || error < 0 || trainedOn < 0) Throw.Corruption(source, 24, "how well it was trained");
        var quantizer = ReadPayload((QuantizationKind)bytes[6], new(element, metric, dimension), body[HeaderBytes..], source);
        quantizer.TrainingError = error;
        quantizer.TrainedOn = trainedOn;
        return quantizer;
    }

    static Quantizer ReadPayload(QuantizationKind kind, VectorShape shape, ReadOnlySpan<byte> payload, string source)
    {
        var dimension = shape.Dimension;
        switch (kind)
        {
            case QuantizationKind.Scalar:
                RequireLength(payload, 4L * (1 + dimension), source);
                var step = BinaryPrimitives.ReadSingleLittleEndian(payload);
                if (!float.IsFinite(step) || step < 1e-30f) Throw.Corruption(source, HeaderBytes, "a step above zero");
                return new ScalarQuantizer(shape, ReadFloats(payload[4..], dimension, HeaderBytes + 4, source), step);
            case QuantizationKind.Product:
                if (payload.Length < 8) Throw.Corruption(source, HeaderBytes, "the numbers of parts and centroids");
                var subCount = BinaryPrimitives.ReadInt32LittleEndian(payload);
                var centroidCount = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
                if (subCount < 1 || subCount > Math.Min(dimension, ProductQuantizer.SubCountMax)) Throw.Corruption(source, HeaderBytes, "a number of parts");
                if (centroidCount is not (256 or 16)) Throw.Corruption(source, HeaderBytes + 4, "256 or 16 centroids");
                RequireLength(payload, 8 + (4L * dimension * centroidCount), source);
                return new ProductQuantizer(shape, subCount, centroidCount, ReadFloats(payload[8..], dimension * centroidCount, HeaderBytes + 8, source));
            case QuantizationKind.Binary:
                var words = HadamardRotation.SignWords(dimension);
                RequireLength(payload, (4L * dimension) + (8L * words), source);
                if (shape.Metric == Metric.L1) Throw.Corruption(source, 9, "a metric that codes of one bit estimate");
                var centre = ReadFloats(payload, dimension, HeaderBytes, source);
                var signs = new ulong[words];
                for (var i = 0; i < words; i++) signs[i] = BinaryPrimitives.ReadUInt64LittleEndian(payload[((4 * dimension) + (8 * i))..]);
                return new BinaryQuantizer(shape, centre, signs);
            default:
                Throw.Corruption(source, 6, "a kind of quantization");
                throw null;   // not reached
        }
    }

    static void RequireLength(ReadOnlySpan<byte> payload, long length, string source)
    {
        if (payload.Length != length) Throw.Corruption(source, 16, $"{HeaderBytes + length + ChecksumBytes} bytes");
    }

    static void WriteFloats(ReadOnlySpan<float> values, Span<byte> target)
    {
        MemoryMarshal.AsBytes(values).CopyTo(target);
        if (!BitConverter.IsLittleEndian)
            for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(target[(4 * i)..], values[i]);
    }

    static float[] ReadFloats(ReadOnlySpan<byte> source, int count, int at, string name)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = BinaryPrimitives.ReadSingleLittleEndian(source[(4 * i)..]);
            if (!float.IsFinite(values[i])) Throw.Corruption(name, at + (4 * i), "a finite number");
        }
        return values;
    }
}
