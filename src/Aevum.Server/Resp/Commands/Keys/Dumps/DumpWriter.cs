// DumpWriter: an object in the plain encodings of Redis' files, version 10 (7.0), which every Redis since 5.0 reads but for the version at the end:
// strings as they are, lists, sets, hashes and sorted sets element by element. What is read back: DumpReader.

using System.Buffers.Binary;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Keys.Dumps;

sealed class DumpWriter
{
    const ushort Version = 10;

    byte[] _bytes = new byte[256];
    int _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    /// <summary>Begins: type, and of all but a string the number of elements.</summary>
    public void Begin(StructureKind kind, long count = 0)
    {
        _length = 0;
        Room(1)[0] = kind switch
        {
            StructureKind.String => 0,
            StructureKind.List => 1,
            StructureKind.Set => 2,
            StructureKind.Hash => 4,
            StructureKind.Stream => (byte)DumpReader.Type.StreamListpacks2,
            _ => 5,
        };
        _length++;
        if (kind != StructureKind.String) Length(count);
    }

    public void String(ReadOnlySpan<byte> text)
    {
        Length(text.Length);
        text.CopyTo(Room(text.Length));
        _length += text.Length;
    }

    public void Score(double score)
    {
        BinaryPrimitives.WriteDoubleLittleEndian(Room(sizeof(double)), score);
        _length += sizeof(double);
    }

    /// <summary>Version and checksum.</summary>
    public void End()
    {
        BinaryPrimitives.WriteUInt16LittleEndian(Room(DumpReader.FooterBytes), Version);
        _length += sizeof(ushort);
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(_length), Crc64.Of(Written));
        _length += sizeof(ulong);
    }

    /// <summary>A number of 64 bits, in the form of a length.</summary>
    public void Number(ulong number)
    {
        if (number <= long.MaxValue)
        {
            Length((long)number);
            return;
        }
        var room = Room(1 + sizeof(ulong));
        room[0] = 0x81;
        BinaryPrimitives.WriteUInt64BigEndian(room[1..], number);
        _length += 1 + sizeof(ulong);
    }

    /// <summary>Bytes as they are.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Milliseconds since 1970.</summary>
    public void Time(long milliseconds)
    {
        BinaryPrimitives.WriteInt64LittleEndian(Room(sizeof(long)), milliseconds);
        _length += sizeof(long);
    }

    void Length(long length)
    {
        var room = Room(1 + sizeof(ulong));
        if (length < 1 << 6)
        {
            room[0] = (byte)length;
            _length += 1;
        }
        else if (length < 1 << 14)
        {
            BinaryPrimitives.WriteUInt16BigEndian(room, (ushort)(0x4000 | length));
            _length += 2;
        }
        else if (length <= uint.MaxValue)
        {
            room[0] = 0x80;
            BinaryPrimitives.WriteUInt32BigEndian(room[1..], (uint)length);
            _length += 5;
        }
        else
        {
            room[0] = 0x81;
            BinaryPrimitives.WriteInt64BigEndian(room[1..], length);
            _length += 9;
        }
    }

    Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes) Array.Resize(ref _bytes, Math.Max(_length + bytes, 2 * _bytes.Length));
        return _bytes.AsSpan(_length);
    }
}
