// BitmapFormat: a bitmap as bytes and back (docs/formats/bitmap.md). Little endian.
//
//   [header, 24 bytes]  [directory, 8 bytes a container]  [data of the containers, back to back]  [CRC-32C of all before]
//
// The reader trusts nothing: what it gives back keeps every invariant of a Bitmap, the smallest form of each container included, so equal
// sets have equal bytes and whatever was read is written again as the same bytes. What it allocates is bounded by the bytes it was given.

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Core.Bitmaps;

public static class BitmapFormat
{
    public const int HeaderBytes = 24;
    public const int ChecksumBytes = 4;

    /// <summary>`AvBm` in ASCII.</summary>
    const uint Magic = 0x6D427641;

    const ushort Version = 1;
    const int EntryBytes = 8;

    /// <summary>How many bytes <see cref="Write"/> writes.</summary>
    public static long Size(Bitmap bitmap)
    {
        long bytes = HeaderBytes + ChecksumBytes + ((long)EntryBytes * bitmap.Keys.Length);
        foreach (var container in bitmap.Containers) bytes += container.DataBytes;
        return bytes;
    }

    public static byte[] ToBytes(Bitmap bitmap)
    {
        var bytes = new byte[Size(bitmap)];
        Write(bitmap, bytes);
        return bytes;
    }

    /// <param name="target">At least <see cref="Size"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Bitmap bitmap, Span<byte> target)
    {
        var size = (int)Size(bitmap);   // at most 2^29 and some
        if (target.Length < size) Throw.Invalid($"{target.Length} bytes are too few for a bitmap of {size}");
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(target[6..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], size);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], bitmap.Keys.Length);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], bitmap.Count);
        var at = HeaderBytes;
        for (var i = 0; i < bitmap.Keys.Length; i++, at += EntryBytes)
        {
            ref readonly var container = ref bitmap.Containers[i];
            BinaryPrimitives.WriteUInt16LittleEndian(target[at..], bitmap.Keys[i]);
            target[at + 2] = (byte)container.Kind;
            target[at + 3] = 0;
            BinaryPrimitives.WriteInt32LittleEndian(target[(at + 4)..], container.Kind == ContainerKind.Runs ? container.Runs.Length / 2 : container.Count);
        }
        foreach (var container in bitmap.Containers)
        {
            WriteData(container, target[at..]);
            at += container.DataBytes;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(target[at..], Crc32C.Compute(target[..at]));
        return size;
    }

    /// <summary>Reads the bitmap that <paramref name="bytes"/> begin with.</summary>
    /// <param name="consumed">How many bytes it took; more may follow.</param>
    /// <param name="source">What to call the bytes in an error.</param>
    /// <exception cref="AevumException">Corruption; UnsupportedFormat.</exception>
    public static Bitmap Read(ReadOnlySpan<byte> bytes, out int consumed, string source = "bitmap")
    {
        if (bytes.Length < HeaderBytes + ChecksumBytes) Throw.Corruption(source, bytes.Length, "the whole of a bitmap's header");
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic) Throw.Corruption(source, 0, "a bitmap's first four bytes");
        var version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version != Version) Throw.UnsupportedFormat(source, $"bitmap {version}", $"{Version}");
        var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (size < HeaderBytes + ChecksumBytes || size > (uint)bytes.Length) Throw.Corruption(source, 8, "a length within the bytes that are there");
        bytes = bytes[..(int)size];
        var body = bytes[..^ChecksumBytes];
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[body.Length..]) != Crc32C.Compute(body))
            Throw.Corruption(source, body.Length, "the checksum of the bitmap");
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]) != 0) Throw.Corruption(source, 6, "zeros");
        var bitmap = ReadBody(body, source);
        consumed = (int)size;
        return bitmap;
    }

    static Bitmap ReadBody(ReadOnlySpan<byte> body, string source)
    {
        var count = BinaryPrimitives.ReadUInt32LittleEndian(body[12..]);
        if (count > (body.Length - HeaderBytes) / EntryBytes) Throw.Corruption(source, 12, "a number of containers that fit");
        var keys = new ushort[count];
        var containers = new Container[count];
        var dataAt = HeaderBytes + ((int)count * EntryBytes);
        for (var i = 0; i < keys.Length; i++)
        {
            var at = HeaderBytes + (i * EntryBytes);
            keys[i] = BinaryPrimitives.ReadUInt16LittleEndian(body[at..]);
            if (i > 0 && keys[i] <= keys[i - 1]) Throw.Corruption(source, at, "keys that rise");
            if (body[at + 3] != 0) Throw.Corruption(source, at + 3, "zero");
            var length = BinaryPrimitives.ReadUInt32LittleEndian(body[(at + 4)..]);
            containers[i] = ReadContainer(body, (ContainerKind)body[at + 2], length, at, dataAt, source);
            dataAt += containers[i].DataBytes;
        }
        if (dataAt != body.Length) Throw.Corruption(source, dataAt, "the end of the last container");
        var bitmap = count == 0 ? Bitmap.Empty : new Bitmap(keys, containers);
        if (BinaryPrimitives.ReadInt64LittleEndian(body[16..]) != bitmap.Count) Throw.Corruption(source, 16, "the number of members");
        return bitmap;
    }

    static Container ReadContainer(ReadOnlySpan<byte> body, ContainerKind kind, uint length, int entryAt, int dataAt, string source)
    {
        var (least, most, unit) = kind switch
        {
            ContainerKind.Array => (1u, (uint)Container.ArrayCountMax, sizeof(ushort)),
            ContainerKind.Words => ((uint)Container.ArrayCountMax + 1, (uint)Container.ChunkSize, 0),
            ContainerKind.Runs => (1u, (uint)Container.RunCountMax, 2 * sizeof(ushort)),
            _ => (1u, 0u, 0),
        };
        if (length < least || length > most) Throw.Corruption(source, entryAt + 2, "a form and a length that it may have");
        var dataBytes = kind == ContainerKind.Words ? Container.WordCount * sizeof(ulong) : (int)length * unit;
        if (dataBytes > body.Length - dataAt) Throw.Corruption(source, entryAt + 4, "containers that end within the bitmap");
        var data = body.Slice(dataAt, dataBytes);
        Container container;
        bool rises;
        int runs;
        switch (kind)
        {
            case ContainerKind.Words:
                var words = new ulong[Container.WordCount];
                ReadNumbers(data, words);
                container = Container.OfWords(words, (int)length);
                rises = WordRange.Count(words, 0, Container.ChunkSize - 1) == (int)length;
                runs = ContainerForms.CountRuns(words);
                break;
            case ContainerKind.Array:
                var values = new ushort[length];
                ReadNumbers(data, values);
                container = Container.OfArray(values);
                rises = Rises(values);
                runs = ContainerForms.CountRuns(values);
                break;
            default:
                var pairs = new ushort[2 * length];
                ReadNumbers(data, pairs);
                rises = AreRuns(pairs);
                container = Container.OfRuns(pairs, rises ? ContainerForms.CountMembers(pairs) : 1);
                runs = (int)length;
                break;
        }
        if (!rises) Throw.Corruption(source, dataAt, kind == ContainerKind.Words ? "as many bits as the directory says" : "members that rise");
        if (ContainerForms.Smallest(container.Count, runs) != kind) Throw.Corruption(source, entryAt + 2, "the form of the fewest bytes");
        return container;
    }

    static bool Rises(ReadOnlySpan<ushort> values)
    {
        for (var i = 1; i < values.Length; i++)
            if (values[i] <= values[i - 1]) return false;
        return true;
    }

    // Runs that touch would be one run.
    static bool AreRuns(ReadOnlySpan<ushort> pairs)
    {
        for (var i = 0; i < pairs.Length; i += 2)
            if (pairs[i] > pairs[i + 1] || (i > 0 && pairs[i] < pairs[i - 1] + 2)) return false;
        return true;
    }

    static void WriteData(in Container container, Span<byte> target)
    {
        if (BitConverter.IsLittleEndian)
        {
            container.Data.CopyTo(target);
            return;
        }
        if (container.Kind == ContainerKind.Words)
            for (var i = 0; i < container.Words.Length; i++) BinaryPrimitives.WriteUInt64LittleEndian(target[(8 * i)..], container.Words[i]);
        else
            for (var i = 0; i < container.Values.Length; i++) BinaryPrimitives.WriteUInt16LittleEndian(target[(2 * i)..], container.Values[i]);
    }

    static void ReadNumbers(ReadOnlySpan<byte> data, ulong[] numbers)
    {
        data.CopyTo(MemoryMarshal.AsBytes(numbers.AsSpan()));
        if (!BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(numbers, numbers);
    }

    static void ReadNumbers(ReadOnlySpan<byte> data, ushort[] numbers)
    {
        data.CopyTo(MemoryMarshal.AsBytes(numbers.AsSpan()));
        if (!BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(numbers, numbers);
    }
}
