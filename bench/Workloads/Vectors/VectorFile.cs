// VectorFile: vectors as the C++ side reads them too, in native memory.
//
//   dimension and count as uint32, then float32 components, little-endian, row after row

using System.Runtime.InteropServices;
using Aevum.Bench.Workloads.Engines;

namespace Aevum.Bench.Workloads.Vectors;

sealed unsafe class VectorFile : IDisposable
{
    const int HeaderBytes = 8;

    float* _components;

    VectorFile(string path, int dimension, int count)
    {
        Path = path;
        Dimension = dimension;
        Count = count;
        _components = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(64, (long)dimension * count * sizeof(float)), 64);
    }

    ~VectorFile() => Dispose();

    public string Path { get; }

    public int Dimension { get; }

    public int Count { get; }

    public float* Row(int row) => _components + ((nint)row * Dimension);

    public ReadOnlySpan<float> Vector(int row) => new(Row(row), Dimension);

    public static VectorFile Read(string path)
    {
        using var file = File.OpenRead(path);
        Span<uint> header = stackalloc uint[2];
        file.ReadExactly(MemoryMarshal.AsBytes(header));
        var vectors = new VectorFile(path, (int)header[0], (int)header[1]);
        if (file.Length != HeaderBytes + (4L * header[0] * header[1])) throw new BenchException($"{path} is {file.Length} bytes long");
        for (var row = 0; row < vectors.Count; row++) file.ReadExactly(new Span<byte>(vectors.Row(row), 4 * vectors.Dimension));
        return vectors;
    }

    /// <summary>Writes rows under another name and renames, so that a file with the right name is whole.</summary>
    /// <param name="fill">Writes row i into the span.</param>
    public static void Write(string path, int dimension, int count, RowWriter fill)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        var part = path + ".part";
        using (var file = new FileStream(part, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
        {
            file.Write(MemoryMarshal.AsBytes((ReadOnlySpan<uint>)[(uint)dimension, (uint)count]));
            var row = new float[dimension];
            for (var i = 0; i < count; i++)
            {
                fill(i, row);
                file.Write(MemoryMarshal.AsBytes<float>(row));
            }
        }
        File.Move(part, path, overwrite: true);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_components);
        _components = null;
        GC.SuppressFinalize(this);
    }
}

delegate void RowWriter(int row, Span<float> components);
