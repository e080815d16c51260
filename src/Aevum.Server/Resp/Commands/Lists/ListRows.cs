// ListRows: values in a row. Packed one behind the other; large each under its index, between a first and a last one that the head names: a push or a
// pop at either end is one row. What comes between two others or goes from there moves those on the shorter side.
//
//   rest of a large head    first index i64 | last index i64       little endian; both inclusive, last - first + 1 is the count
//   own key of a row        index, 8 bytes, as OrderedKey orders signed numbers

using System.Buffers.Binary;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Lists;

/// <summary>Sees one value of a list. It must not write rows.</summary>
/// <returns>False to stop.</returns>
delegate bool ListVisitor(long index, ReadOnlySpan<byte> value);

sealed class ListRows : StructureRows
{
    const byte Family = 1;
    const int IndexBytes = sizeof(long);
    const int RangeDeleteMin = 64;   // rows that go together from which on one range is less than each

    long _first, _last;

    protected override StructureKind Kind => StructureKind.List;

    protected override int RestBytes => 2 * IndexBytes;

    /// <summary>Whether the value goes before all or behind all.</summary>
    public void Push(bool isLeft, ReadOnlySpan<byte> value)
    {
        var count = Count;
        if (IsLarge) Call.Writes.Put(KeyOf(isLeft ? --_first : ++_last), value);
        else Packed.Insert(isLeft ? 0 : Packed.Length, value);
        Count = count + 1;
        Outgrow();
    }

    /// <summary>The value at one end. There is one.</summary>
    /// <returns>Valid until rows are read or the list is changed.</returns>
    public ReadOnlySpan<byte> Peek(bool isLeft) => TryGet(isLeft ? 0 : Count - 1, out var value) ? value : throw Malformed("a list has no end");

    /// <summary>Takes the value at one end away. There is one.</summary>
    public void Drop(bool isLeft)
    {
        var count = Count;
        if (IsLarge)
        {
            Call.Writes.Delete(KeyOf(isLeft ? _first++ : _last--));
        }
        else
        {
            FindPacked(isLeft ? 0 : count - 1, out var start, out var end);
            Packed.Remove(start, end);
        }
        Count = count - 1;
    }

    /// <param name="index">From the first, which is 0.</param>
    /// <param name="value">Valid until rows are read or the list is changed.</param>
    /// <returns>False: there is none.</returns>
    public bool TryGet(long index, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (index < 0 || index >= Count) return false;
        if (!IsLarge)
        {
            value = FindPacked(index, out _, out _);
            return true;
        }
        if (!Call.Rows.TryRead(KeyOf(_first + index), out var row)) throw Malformed("a list has a gap");
        value = row.Bytes;
        return true;
    }

    /// <summary>Gives a place, which is there, another value.</summary>
    public void Put(long index, ReadOnlySpan<byte> value)
    {
        if (IsLarge)
        {
            Call.Writes.Put(KeyOf(_first + index), value);
            return;
        }
        FindPacked(index, out var start, out var end);
        Packed.Replace(start, end, value);
        Outgrow();
    }

    /// <summary>Hands values to a visitor, from a place on, to one end.</summary>
    public void Walk(long from, bool descending, ListVisitor visit)
    {
        if (from < 0 || from >= Count) return;
        if (IsLarge)
        {
            Span<byte> own = stackalloc byte[IndexBytes];
            Write(own, descending ? _first + from + 1 : _first + from);
            bool VisitRow(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => visit(Read(key) - _first, value);
            if (descending) ScanRows(Family, default, own, VisitRow, descending: true);
            else ScanRows(Family, own, default, VisitRow);
            return;
        }
        if (descending)
        {
            Span<int> starts = Count <= 512 ? stackalloc int[(int)Count] : new int[Count];
            var next = 0;
            for (var i = 0; i <= from; i++)
            {
                starts[i] = next;
                PackedEntries.TryRead(Packed.Entries, ref next, out _);
            }
            for (var i = (int)from; i >= 0; i--)
            {
                PackedEntries.TryRead(Packed.Entries, ref starts[i], out var value);
                if (!visit(i, value)) return;
            }
            return;
        }
        FindPacked(from, out var at, out _);
        for (var i = from; PackedEntries.TryRead(Packed.Entries, ref at, out var value); i++)
            if (!visit(i, value)) return;
    }

    /// <summary>Puts a value before the one at a place; the others move.</summary>
    /// <param name="index">0 to <see cref="StructureRows.Count"/>.</param>
    public void Insert(long index, ReadOnlySpan<byte> value)
    {
        var count = Count;
        if (index == 0 || index == count)
        {
            Push(isLeft: index == 0, value);
            return;
        }
        if (!IsLarge)
        {
            FindPacked(index, out var start, out _);
            Packed.Insert(start, value);
        }
        else if (index < count / 2)
        {
            var before = Gather(0, index);
            _first--;
            PutAll(_first, before);
            Call.Writes.Put(KeyOf(_first + index), value);
        }
        else
        {
            var behind = Gather(index, count);
            _last++;
            PutAll(_first + index + 1, behind);
            Call.Writes.Put(KeyOf(_first + index), value);
        }
        Count = count + 1;
        Outgrow();
    }

    /// <summary>Takes values away; the others move together.</summary>
    /// <param name="indexes">In order, each once.</param>
    public void RemoveAt(List<long> indexes)
    {
        var count = Count;
        if (indexes.Count == 0) return;
        if (indexes.Count == count)
        {
            Clear();
            return;
        }
        if (!IsLarge)
        {
            for (var i = indexes.Count - 1; i >= 0; i--)
            {
                FindPacked(indexes[i], out var start, out var end);
                Packed.Remove(start, end);
            }
        }
        else if (count - indexes[0] <= indexes[^1] + 1)
        {
            PutAll(_first + indexes[0], Gather(indexes[0], count, indexes));
            DeleteIndexes(_last - indexes.Count + 1, _last);
            _last -= indexes.Count;
        }
        else
        {
            PutAll(_first + indexes.Count, Gather(0, indexes[^1] + 1, indexes));
            DeleteIndexes(_first, _first + indexes.Count - 1);
            _first += indexes.Count;
        }
        Count = count - indexes.Count;
    }

    /// <summary>Keeps what lies between two places, both inclusive, and in the list.</summary>
    public void Trim(long start, long stop)
    {
        var count = Count;
        if (start > stop)
        {
            Clear();
            return;
        }
        if (!IsLarge)
        {
            FindPacked(stop, out _, out var end);
            Packed.Remove(end, Packed.Length);
            FindPacked(start, out var begin, out _);
            Packed.Remove(0, begin);
        }
        else
        {
            DeleteIndexes(_first + stop + 1, _last);
            DeleteIndexes(_first, _first + start - 1);
            _last = _first + stop;
            _first += start;
        }
        Count = stop - start + 1;
    }

    // ------------------------------------------------------------------------------------------------ where it lies

    protected override void ReadRest(ReadOnlySpan<byte> rest)
    {
        _first = BinaryPrimitives.ReadInt64LittleEndian(rest);
        _last = BinaryPrimitives.ReadInt64LittleEndian(rest[IndexBytes..]);
        if (unchecked(_last - _first + 1) != Count) throw Malformed("the ends of a list");
    }

    protected override void WriteRest(Span<byte> rest)
    {
        BinaryPrimitives.WriteInt64LittleEndian(rest, _first);
        BinaryPrimitives.WriteInt64LittleEndian(rest[IndexBytes..], _last);
    }

    protected override void WriteRows(ReadOnlySpan<byte> packed)
    {
        _first = 0;
        _last = -1;
        var at = 0;
        while (PackedEntries.TryRead(packed, ref at, out var value)) Call.Writes.Put(KeyOf(++_last), value);
    }

    static void Write(Span<byte> own, long index) => BinaryPrimitives.WriteUInt64BigEndian(own, (ulong)(index ^ long.MinValue));

    static long Read(ReadOnlySpan<byte> own) =>
        own.Length == IndexBytes ? (long)BinaryPrimitives.ReadUInt64BigEndian(own) ^ long.MinValue : throw Malformed("an index of a list");

    ReadOnlySpan<byte> KeyOf(long index)
    {
        Write(OwnKey(Family, IndexBytes), index);
        return RowKey(IndexBytes);
    }

    ReadOnlySpan<byte> FindPacked(long index, out int start, out int end)
    {
        end = 0;
        do
        {
            start = end;
            if (!PackedEntries.TryRead(Packed.Entries, ref end, out var value)) throw Malformed("a packed list is too short");
            if (index-- == 0) return value;
        }
        while (true);
    }

    // Copies of the values of [start, end), but for those at some places.
    List<byte[]> Gather(long start, long end, List<long>? without = null)
    {
        var gathered = new List<byte[]>();
        var skip = 0;
        Walk(start, descending: false, (index, value) =>
        {
            if (index >= end) return false;
            while (without is not null && skip < without.Count && without[skip] < index) skip++;
            if (without is null || skip == without.Count || without[skip] != index) gathered.Add(value.ToArray());
            return true;
        });
        return gathered;
    }

    void PutAll(long index, List<byte[]> values)
    {
        foreach (var value in values) Call.Writes.Put(KeyOf(index++), value);
    }

    void DeleteIndexes(long first, long last)
    {
        if (last - first < RangeDeleteMin)
        {
            for (var i = first; i <= last; i++) Call.Writes.Delete(KeyOf(i));
            return;
        }
        Span<byte> start = stackalloc byte[IndexBytes], end = stackalloc byte[IndexBytes];
        Write(start, first);
        Write(end, last + 1);
        DeleteRows(Family, start, end);
    }
}
