// DemoData: reads WordNet as demo/README.md describes it: synsets and edges as lines, vectors as rows.
//
// Two shapes of vectors are known: a scale and 128 signed bytes (the part that comes with the program), and 128 float16 (the whole). Both
// are handed out in the first one.
//
// What is not as described is refused with file and line; nothing is guessed.

using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using Aevum.Core.Errors;

namespace Aevum.Cli.Demo;

/// <summary>A set of words that mean one thing.</summary>
readonly record struct Synset(int Id, string PartOfSpeech, int Category, string Words, string Gloss);

readonly record struct Edge(int From, string Symbol, int To);

sealed class DemoData
{
    /// <summary>A scale (float32) and 128 signed bytes.</summary>
    public const int VectorBytes = sizeof(float) + Dimensions;

    /// <summary>Components of a vector.</summary>
    public const int Dimensions = 128;
    const int HalfRowBytes = Dimensions * 2;

    DemoData(string directory) => Directory = directory;

    public string Directory { get; }

    /// <summary>The data in <paramref name="given"/>, else all of WordNet where it is among the data sets, else what came with the program.</summary>
    public static DemoData Find(string? given, string programDirectory, string? datasets)
    {
        if (given is not null) return new DemoData(given);
        var whole = string.IsNullOrEmpty(datasets) ? null : Path.Combine(datasets, "wordnet");
        return new DemoData(whole is not null && System.IO.Directory.Exists(whole) ? whole : Path.Combine(programDirectory, "demo"));
    }

    public IEnumerable<Synset> Synsets()
    {
        var (path, count) = ("synsets.tsv.gz", 0);
        foreach (var fields in Rows(path, 5))
        {
            var id = Number(path, count + 1, fields[0], count, count);
            yield return new Synset(id, fields[1], Number(path, count + 1, fields[2], 0, 44), fields[3], fields[4]);
            count++;
        }
    }

    /// <param name="synsets">How many synsets there are: both ends must be one.</param>
    public IEnumerable<Edge> Edges(int synsets)
    {
        var (path, line) = ("edges.tsv.gz", 0);
        foreach (var fields in Rows(path, 3))
        {
            line++;
            yield return new Edge(Number(path, line, fields[0], 0, synsets - 1), fields[1], Number(path, line, fields[2], 0, synsets - 1));
        }
    }

    /// <summary>The components of such a row.</summary>
    public static void Decode(ReadOnlySpan<byte> row, Span<float> vector)
    {
        var scale = BinaryPrimitives.ReadSingleLittleEndian(row);
        for (var i = 0; i < Dimensions; i++) vector[i] = scale * (sbyte)row[sizeof(float) + i];
    }

    /// <summary>Row i is the vector of synset i. The array is overwritten by the next row.</summary>
    public IEnumerable<byte[]> Vectors(int synsets)
    {
        var bytes = Path.Combine(Directory, "vectors-128.i8");
        var isWhole = !File.Exists(bytes);
        var path = isWhole ? Path.Combine(Directory, "vectors-128.f16") : bytes;
        var rowBytes = isWhole ? HalfRowBytes : VectorBytes;
        using var file = Open(path);
        if (file.Length != (long)rowBytes * synsets) Throw.Corruption(path, file.Length, $"{synsets} vectors of {rowBytes} bytes");
        var row = new byte[rowBytes];
        var vector = new byte[VectorBytes];
        for (var i = 0; i < synsets; i++)
        {
            file.ReadExactly(row);
            if (isWhole) Quantise(row, vector);
            yield return isWhole ? vector : row;
        }
    }

    // The greatest component becomes 127.
    static void Quantise(ReadOnlySpan<byte> halves, Span<byte> target)
    {
        Span<float> components = stackalloc float[Dimensions];
        var max = 0f;
        for (var i = 0; i < Dimensions; i++)
        {
            components[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(halves[(i * 2)..]);
            max = Math.Max(max, Math.Abs(components[i]));
        }
        var scale = max / 127;
        BinaryPrimitives.WriteSingleLittleEndian(target, scale);
        for (var i = 0; i < Dimensions; i++) target[sizeof(float) + i] = (byte)(sbyte)(scale == 0 ? 0 : MathF.Round(components[i] / scale));
    }

    IEnumerable<string[]> Rows(string name, int fieldCount)
    {
        using var reader = new StreamReader(new GZipStream(Open(Path.Combine(Directory, name)), CompressionMode.Decompress));
        for (var line = 1; reader.ReadLine() is { } text; line++)
        {
            var fields = text.Split('\t');
            if (fields.Length != fieldCount) Wrong(name, line, $"{fieldCount} fields");
            yield return fields;
        }
    }

    static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AevumException(ErrorCode.NotFound, $"the demo data cannot be read: {e.Message}", e);
        }
    }

    int Number(string name, int line, string text, int min, int max)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < min || number > max)
            Wrong(name, line, min == max ? $"{min}" : $"a number from {min} to {max}");
        return number;
    }

    void Wrong(string name, int line, string expected) =>
        throw new CorruptionException($"{Path.Combine(Directory, name)} line {line}: expected {expected}");
}
