// ListpackNode: a node of a stream as Redis keeps and dumps it, put together entry by entry. What the parts are: DumpReader.Streams; how long they are:
// NodeSize. Fields that are those of the first entry are not written again.

using System.Buffers.Binary;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Streams;

sealed class ListpackNode
{
    const int HeaderBytes = 6;
    const byte End = 0xFF;

    readonly List<byte[]> _fields = [];
    byte[] _bytes = new byte[512];
    int _length;
    int _parts;

    /// <param name="fields">Of the first entry, which is still to be added.</param>
    public ListpackNode(StreamId first, ReadOnlySpan<byte> fields)
    {
        First = first;
        EntryFields.Count(fields, out var at);
        for (var isName = true; PackedEntries.TryRead(fields, ref at, out var part); isName = !isName)
            if (isName) _fields.Add(part.ToArray());
    }

    public StreamId First { get; }

    public int Entries { get; private set; }

    /// <summary>Bytes of the entries.</summary>
    public int Length => _length;

    public void Add(StreamId id, ReadOnlySpan<byte> fields)
    {
        var count = EntryFields.Count(fields, out var start);
        var isSame = count == _fields.Count;
        var at = start;
        for (var i = 0; isSame && i < count; i++)
        {
            isSame = PackedEntries.TryRead(fields, ref at, out var name) && name.SequenceEqual(_fields[i]);
            PackedEntries.TryRead(fields, ref at, out _);
        }
        Number(isSame ? 2 : 0);
        Number(unchecked((long)(id.Milliseconds - First.Milliseconds)));
        Number(unchecked((long)(id.Sequence - First.Sequence)));
        if (!isSame) Number(count);
        at = start;
        for (var isName = true; PackedEntries.TryRead(fields, ref at, out var part); isName = !isName)
            if (!isName || !isSame) Text(part);
        Number(isSame ? count + 3 : (2 * count) + 4);
        Entries++;
    }

    /// <summary>The whole of it.</summary>
    public byte[] Bytes()
    {
        var (entries, length, parts) = (_bytes, _length, _parts);
        (_bytes, _length, _parts) = (new byte[512], HeaderBytes, 0);
        Number(Entries);
        Number(0);
        Number(_fields.Count);
        foreach (var field in _fields) Text(field);
        Number(0);
        var all = new byte[_length + length + 1];
        _bytes.AsSpan(0, _length).CopyTo(all);
        entries.AsSpan(0, length).CopyTo(all.AsSpan(_length));
        all[^1] = End;
        BinaryPrimitives.WriteUInt32LittleEndian(all, (uint)all.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(all.AsSpan(4), (ushort)Math.Min(_parts + parts, ushort.MaxValue));
        (_bytes, _length, _parts) = (entries, length, parts);
        return all;
    }

    void Text(ReadOnlySpan<byte> text)
    {
        if (Numbers.TryInteger(text, out var number))
        {
            Number(number);
            return;
        }
        var start = _length;
        var room = Room(text.Length + 10);
        var at = 1;
        if (text.Length < 64)
        {
            room[0] = (byte)(0x80 | text.Length);
        }
        else if (text.Length < 4096)
        {
            BinaryPrimitives.WriteUInt16BigEndian(room, (ushort)(0xE000 | text.Length));
            at = 2;
        }
        else
        {
            room[0] = 0xF0;
            BinaryPrimitives.WriteUInt32LittleEndian(room[1..], (uint)text.Length);
            at = 5;
        }
        text.CopyTo(room[at..]);
        _length += at + text.Length;
        Back(_length - start);
    }

    void Number(long number)
    {
        var start = _length;
        var room = Room(16);
        switch (number)
        {
            case >= 0 and <= 127:
                room[0] = (byte)number;
                _length += 1;
                break;
            case >= -4096 and <= 4095:
                BinaryPrimitives.WriteUInt16BigEndian(room, (ushort)(0xC000 | (number & 0x1FFF)));
                _length += 2;
                break;
            case >= short.MinValue and <= short.MaxValue:
                Wide(room, 0xF1, number, 2);
                break;
            case >= -(1 << 23) and <= (1 << 23) - 1:
                Wide(room, 0xF2, number, 3);
                break;
            case >= int.MinValue and <= int.MaxValue:
                Wide(room, 0xF3, number, 4);
                break;
            default:
                Wide(room, 0xF4, number, 8);
                break;
        }
        Back(_length - start);
    }

    void Wide(Span<byte> room, byte encoding, long number, int bytes)
    {
        room[0] = encoding;
        for (var i = 1; i <= bytes; i++)
        {
            room[i] = (byte)number;
            number >>= 8;
        }
        _length += 1 + bytes;
    }

    // The length of a part once more, seven bits a byte, the lowest last: to be read from behind.
    void Back(int length)
    {
        var bytes = length <= 127 ? 1 : length < 16383 ? 2 : length < 2097151 ? 3 : length < 268435455 ? 4 : 5;
        var room = Room(bytes);
        for (var i = bytes - 1; i >= 0; i--)
        {
            room[i] = (byte)((length & 127) | (i > 0 ? 128 : 0));
            length >>= 7;
        }
        _length += bytes;
        _parts++;
    }

    Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes) Array.Resize(ref _bytes, Math.Max(_length + bytes, 2 * _bytes.Length));
        return _bytes.AsSpan(_length);
    }
}
