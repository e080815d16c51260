// VectorFiles: vectors as other programs leave them, read from front to back.
//
//   fvecs     row after row: the dimension as int32, then that many float32                       all little endian
//   npy       NumPy's file: "\x93NUMPY", version, a header in Python's words, then a matrix in C order: <f4, <f2, <f8, |i1
//   f32, f16  nothing but components, row after row; the dimension is told by whoever reads
//   i8        row after row: a scale as float32, then as many signed bytes as there are components: component = byte x scale
//   ndjson    one object a line: {"key": "a", "vector": [1, 0.5]}; key64 for keys that are no text
//
// Rows without a key of their own are called by their numbers, from 0.
//
// What is not as described is refused with the row's number; nothing is guessed, and nothing is read that a header only claims to be there.

using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aevum.Core.Errors;
using Aevum.Model.Catalog;

namespace Aevum.Cli.Transfer;

/// <param name="Key">Null: the row's number.</param>
readonly record struct VectorOfFile(byte[]? Key, float[] Vector);

sealed partial class VectorFiles(Stream stream, string format, int? dimension) : IDisposable
{
    /// <summary>Every format by its name, which is what such files' names end in, too.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["fvecs", "npy", "f32", "f16", "i8", "ndjson"];

    const int HeaderBytesMax = 64 << 10;
    const int LineBytesMax = 8 << 20;

    readonly BufferedStream _stream = new(stream, 1 << 20);

    /// <summary>Rows there are; 0: nobody knows before the end.</summary>
    public long Total { get; private set; }

    /// <summary>Bytes read so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Every vector, in order.</summary>
    /// <exception cref="BadRowException">What comes next is no row.</exception>
    /// <exception cref="AevumException">InvalidArgument: the file is none of the format, or its dimension is not known.</exception>
    public IEnumerable<VectorOfFile> Read() => format switch
    {
        "fvecs" => ReadFvecs(),
        "npy" => ReadNpy(),
        "f32" or "f16" => ReadRaw(format, Required()),
        "i8" => ReadScaled(Required()),
        _ => ReadLines(),
    };

    int Required() => dimension ?? throw new AevumException(ErrorCode.InvalidArgument, $"--dim says how many components a row of {format} has");

    static int Checked(long dimension) => dimension is >= 1 and <= CollectionOptions.DimensionMax ? (int)dimension
        : throw new BadRowException($"its dimension is {dimension}, where 1 to {CollectionOptions.DimensionMax} are possible");

    // False: the file ends here. A part of a row is an error.
    bool TryFill(Span<byte> target)
    {
        var read = _stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
        Bytes += read;
        if (read == 0) return false;
        return read == target.Length ? true : throw new BadRowException($"the file ends {target.Length - read} bytes before its end");
    }

    IEnumerable<VectorOfFile> ReadFvecs()
    {
        var head = new byte[sizeof(int)];
        while (TryFill(head))
        {
            var components = Checked(BinaryPrimitives.ReadInt32LittleEndian(head));
            if (dimension is { } wanted && wanted != components) throw new BadRowException($"it has {components} components where {wanted} are asked for");
            var row = new byte[components * sizeof(float)];
            if (!TryFill(row)) throw new BadRowException("the file ends behind its dimension");
            yield return new VectorOfFile(null, FloatsOf(row, "<f4"));
        }
    }

    IEnumerable<VectorOfFile> ReadRaw(string element, int components)
    {
        var type = element == "f16" ? "<f2" : "<f4";
        var row = new byte[components * SizeOf(type)];
        Total = LeftIn(row.Length);
        while (TryFill(row)) yield return new VectorOfFile(null, FloatsOf(row, type));
    }

    IEnumerable<VectorOfFile> ReadScaled(int components)
    {
        var row = new byte[sizeof(float) + components];
        Total = LeftIn(row.Length);
        while (TryFill(row))
        {
            var scale = BinaryPrimitives.ReadSingleLittleEndian(row);
            var vector = FloatsOf(row.AsSpan(sizeof(float)), "|i1");
            for (var i = 0; i < vector.Length; i++) vector[i] *= scale;
            yield return new VectorOfFile(null, vector);
        }
    }

    // Of a pipe nobody knows.
    long LeftIn(int rowBytes) => stream.CanSeek ? (stream.Length - Bytes) / rowBytes : 0;

    IEnumerable<VectorOfFile> ReadNpy()
    {
        var (type, rows, components) = ReadNpyHeader();
        if (dimension is { } wanted && wanted != components) Throw.Invalid($"the file's rows have {components} components where {wanted} are asked for");
        var row = new byte[components * SizeOf(type)];
        Total = rows;
        for (long i = 0; i < rows; i++)
        {
            if (!TryFill(row)) throw new BadRowException($"the file ends before row {i} of {rows}");
            yield return new VectorOfFile(null, FloatsOf(row, type));
        }
    }

    (string Type, long Rows, int Components) ReadNpyHeader()
    {
        var start = new byte[8];
        var isWhole = _stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length;
        if (!isWhole || start[0] != 0x93 || !start.AsSpan(1, 5).SequenceEqual("NUMPY"u8)) Throw.Invalid("this is no npy file");
        Bytes += start.Length;
        var length = new byte[start[6] == 1 ? 2 : 4];
        if (start[6] is < 1 or > 3 || !TryFill(length)) Throw.Invalid($"npy files of version {start[6]} are not known");
        var headerBytes = length.Length == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(length) : BinaryPrimitives.ReadUInt32LittleEndian(length);
        if (headerBytes is 0 or > HeaderBytesMax) Throw.Invalid($"the npy file's header has {headerBytes} bytes");
        var bytes = new byte[headerBytes];
        if (!TryFill(bytes)) Throw.Invalid("the npy file ends inside its header");
        var header = Encoding.Latin1.GetString(bytes);
        var type = Descr().Match(header).Groups[1].Value;
        if (type is not ("<f4" or "<f2" or "<f8" or "|i1")) Throw.Invalid($"the npy file holds \"{type}\" where <f4, <f2, <f8 or |i1 are known");
        if (!Order().IsMatch(header)) Throw.Invalid("the npy file is in Fortran's order; numpy.ascontiguousarray turns it");
        var shape = Shape().Match(header);
        if (!shape.Success || !long.TryParse(shape.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var rows)
            || !int.TryParse(shape.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var components))
            throw new AevumException(ErrorCode.InvalidArgument, "the npy file holds no matrix of rows and components");
        if (components is < 1 or > CollectionOptions.DimensionMax) Throw.Invalid($"the npy file's rows have {components} components");
        return (type, rows, components);
    }

    IEnumerable<VectorOfFile> ReadLines()
    {
        var line = new List<byte>();
        while (true)
        {
            line.Clear();
            int next;
            while ((next = _stream.ReadByte()) >= 0 && next != '\n')
            {
                if (line.Count == LineBytesMax) throw new BadRowException("it is longer than any row can be");
                line.Add((byte)next);
            }
            Bytes += line.Count + 1;
            if (line.Count > 0 && !line.TrueForAll(b => b is (byte)' ' or (byte)'\t' or (byte)'\r')) yield return ReadLine(CollectionsMarshal.AsSpan(line));
            if (next < 0) yield break;
        }
    }

    static VectorOfFile ReadLine(ReadOnlySpan<byte> line)
    {
        byte[]? key = null;
        float[]? vector = null;
        try
        {
            var reader = new Utf8JsonReader(line);
            using var document = JsonDocument.ParseValue(ref reader);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new BadRowException("it is no object");
            foreach (var property in document.RootElement.EnumerateObject())
            {
                switch (property.Name)
                {
                    case "key": key = Encoding.UTF8.GetBytes(property.Value.GetString() ?? throw new BadRowException("its key is no text")); break;
                    case "key64": key = property.Value.GetBytesFromBase64(); break;
                    case "vector": vector = [.. property.Value.EnumerateArray().Select(component => component.GetSingle())]; break;
                    default: throw new BadRowException($"\"{property.Name}\" is none of key, key64 and vector");
                }
            }
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or FormatException)
        {
            throw new BadRowException("it is no object with a key and a vector: " + wrong.Message);
        }
        return new VectorOfFile(key, vector ?? throw new BadRowException("it has no vector"));
    }

    public void Dispose() => _stream.Dispose();

    static int SizeOf(string type) => type switch { "<f2" => 2, "|i1" => 1, "<f8" => 8, _ => 4 };

    static float[] FloatsOf(ReadOnlySpan<byte> row, string type)
    {
        var vector = new float[row.Length / SizeOf(type)];
        for (var i = 0; i < vector.Length; i++)
            vector[i] = type switch
            {
                "<f2" => (float)BinaryPrimitives.ReadHalfLittleEndian(row[(2 * i)..]),
                "|i1" => (sbyte)row[i],
                "<f8" => (float)BinaryPrimitives.ReadDoubleLittleEndian(row[(8 * i)..]),
                _ => BinaryPrimitives.ReadSingleLittleEndian(row[(4 * i)..]),
            };
        return vector;
    }

    [GeneratedRegex("'descr':\\s*'([^']*)'")]
    private static partial Regex Descr();

    [GeneratedRegex("'fortran_order':\\s*False")]
    private static partial Regex Order();

    [GeneratedRegex("'shape':\\s*\\(\\s*(\\d+)\\s*,\\s*(\\d+)\\s*,?\\s*\\)")]
    private static partial Regex Shape();
}
