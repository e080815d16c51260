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

    const ushort Version = 2;

    public static byte[] ToBytes(Quantizer quantizer)
    {
        var dimension = quantizer.Dimension;
        var payload = quantizer switch
        {
            ScalarQuantizer => sizeof(float) * (1 + dimension),
            ProductQuantizer product => 12 + (sizeof(float) * product.Centroids.Length) + TurnBytes(product.Turn),
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
                BinaryPrimitives.WriteInt32LittleEndian(target[8..], product.Turn is null ? 0 : product.Turn.Axes.Length / dimension);
                WriteFloats(product.Centroids, target[12..]);
                if (product.Turn is not null) WriteTurn(product.Turn, target[(12 + (4 * product.Centroids.Length))..]);
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

    /// <summary>Another of the same.</summary>
    public static Quantizer Copy(Quantizer quantizer) => FromBytes(ToBytes(quantizer));

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
                if (payload.Length < 12) Throw.Corruption(source, HeaderBytes, "the numbers of parts, centroids and axes");
                var subCount = BinaryPrimitives.ReadInt32LittleEndian(payload);
                var centroidCount = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
                if (subCount < 1 || subCount > Math.Min(dimension, ProductQuantizer.SubCountMax)) Throw.Corruption(source, HeaderBytes, "a number of parts");
                if (centroidCount is not (256 or 16)) Throw.Corruption(source, HeaderBytes + 4, "256 or 16 centroids");
                var axes = BinaryPrimitives.ReadInt32LittleEndian(payload[8..]);
                if (axes < 0 || axes > dimension || (axes > 0 && (shape.Metric == Metric.L1 || dimension > ProductTurn.DimensionMax)))
                    Throw.Corruption(source, HeaderBytes + 8, "a number of axes");
                var turnAt = 12 + (4L * dimension * centroidCount);
                RequireLength(payload, turnAt + (axes == 0 ? 0 : (4L * dimension * axes) + (4L * dimension)), source);
                var centroids = ReadFloats(payload[12..], dimension * centroidCount, HeaderBytes + 12, source);
                var turn = axes == 0 ? null : ReadTurn(payload[(int)turnAt..], dimension, axes, HeaderBytes + (int)turnAt, source);
                return new ProductQuantizer(shape, subCount, centroidCount, centroids, turn);
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

    static int TurnBytes(ProductTurn? turn) => turn is null ? 0 : sizeof(float) * (turn.Axes.Length + turn.Dimension);

    static void WriteTurn(ProductTurn turn, Span<byte> target)
    {
        WriteFloats(turn.Axes, target);
        for (var i = 0; i < turn.Dimension; i++) BinaryPrimitives.WriteInt32LittleEndian(target[(4 * (turn.Axes.Length + i))..], turn.Order[i]);
    }

    static ProductTurn ReadTurn(ReadOnlySpan<byte> payload, int dimension, int count, int at, string source)
    {
        var axes = ReadFloats(payload, dimension * count, at, source);
        if (!ProductTurn.AreOrthonormal(axes, dimension)) Throw.Corruption(source, at, "axes of length 1 at right angles");
        var order = new int[dimension];
        var seen = new bool[dimension];
        for (var i = 0; i < dimension; i++)
        {
            order[i] = BinaryPrimitives.ReadInt32LittleEndian(payload[(4 * (axes.Length + i))..]);
            if ((uint)order[i] >= (uint)dimension || seen[order[i]]) Throw.Corruption(source, at + (4 * (axes.Length + i)), "each component once");
            seen[order[i]] = true;
        }
        return new(axes, order);
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
