// ByteFields, FieldReader, FormatHeader: the small change of the formats of this folder: varints, u64, byte strings, and the first 16 bytes of a file.

using System.Buffers;
using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Errors;

namespace Aevum.Engine.Backup;

sealed class ByteFields
{
    readonly ArrayBufferWriter<byte> _target = new();

    public void Write(ulong value) => _target.Advance(Varint.Write(_target.GetSpan(Varint.MaxBytes64), value));

    public void WriteFixed(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_target.GetSpan(sizeof(ulong)), value);
        _target.Advance(sizeof(ulong));
    }

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        Write((ulong)bytes.Length);
        _target.Write(bytes);
    }

    public byte[] ToArray() => _target.WrittenSpan.ToArray();
}

/// <summary>Reads fields and says in which file, at which byte, something else was found than expected.</summary>
ref struct FieldReader(ReadOnlySpan<byte> bytes, string file, long start)
{
    readonly ReadOnlySpan<byte> _bytes = bytes;
    int _at;

    public ulong Read()
    {
        if (!Varint.TryRead(_bytes[_at..], out ulong value, out var used)) Fail("a number");
        _at += used;
        return value;
    }

    public uint ReadUInt32()
    {
        var value = Read();
        if (value > uint.MaxValue) Fail("a number of 32 bits");
        return (uint)value;
    }

    /// <summary>A count of things that take so many bytes each at least.</summary>
    public int ReadCount(int bytesEach)
    {
        var count = Read();
        if (count > (ulong)((_bytes.Length - _at) / bytesEach)) Fail("a count of what follows");
        return (int)count;
    }

    public long ReadLength()
    {
        var value = Read();
        if (value > long.MaxValue) Fail("a length");
        return (long)value;
    }

    public ulong ReadFixed()
    {
        if (_bytes.Length - _at < sizeof(ulong)) Fail("8 bytes");
        _at += sizeof(ulong);
        return BinaryPrimitives.ReadUInt64LittleEndian(_bytes[(_at - sizeof(ulong))..]);
    }

    public ReadOnlySpan<byte> ReadBytes()
    {
        var length = Read();
        if (length > (ulong)(_bytes.Length - _at)) Fail("a length of what follows");
        _at += (int)length;
        return _bytes.Slice(_at - (int)length, (int)length);
    }

    public Guid ReadGuid()
    {
        var bytes = ReadBytes();
        if (bytes.Length != 16) Fail("a database id");
        return new Guid(bytes, bigEndian: true);
    }

    public readonly void RequireEnd()
    {
        if (_at != _bytes.Length) Fail("the end");
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    public readonly void Fail(string expected) => Throw.Corruption(file, start + _at, expected);
}

/// <summary>Magic, 8 bytes | format version u32 | CRC-32C of those 12 bytes: so that damage is not taken for a later version.</summary>
static class FormatHeader
{
    public const int Bytes = 16;

    public static void Write(Span<byte> target, ReadOnlySpan<byte> magic, uint version)
    {
        magic.CopyTo(target);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], version);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], Crc32C.Compute(target[..12]));
    }

    public static void Read(ReadOnlySpan<byte> source, ReadOnlySpan<byte> magic, uint version, string path, string what)
    {
        if (source.Length < Bytes) Throw.Corruption(path, source.Length, $"the header of {what}");
        if (!source[..8].SequenceEqual(magic)) Throw.Corruption(path, 0, $"the magic number of {what}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[12..]) != Crc32C.Compute(source[..12])) Throw.Corruption(path, 12, "the header's checksum");
        var found = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        if (found != version) Throw.UnsupportedFormat(path, $"{found}", $"{version}");
    }
}
