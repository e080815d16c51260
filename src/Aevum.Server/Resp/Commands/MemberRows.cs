// MemberRows: names, with values (a hash, a sorted set's scores) or without (a set), each there once. Packed in the order in which they came (a sorted
// set in that of its scores); large in the order of MemberPosition.
//
// Cursors are positions: a scan hands out all names of a position together and says where the next ones begin, so it needs nothing to be
// remembered, and a name that is there all the time is handed out exactly once, however the object changes meanwhile.
//
// A fair draw from a large object: a place of the order is drawn, and one of the few rows behind it (DrawnFrom), so that the width of the gap in
// front of a row, which differs from row to row, hardly matters.

using Aevum.Core.Bytes;
using Aevum.Core.Scheduling;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands;

abstract class MemberRows : StructureRows
{
    const byte Family = 1;
    const int DrawnFrom = 16;

    // Where the next element may be that is put, if nothing was changed since.
    int _behindLastPut;
    int _changesAtLastPut = -1;

    protected abstract bool HasValues { get; }

    protected override int EntriesPerElement => HasValues ? 2 : 1;

    /// <param name="value">Valid until rows are read or the object is changed.</param>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        if (!IsLarge) return TryFind(name, out value, out _, out _, out _);
        value = default;
        if (!Call.Rows.TryRead(KeyOf(name), out var row)) return false;
        value = row.Bytes;
        return true;
    }

    public bool Contains(ReadOnlySpan<byte> name) => TryGet(name, out _);

    /// <summary>Puts a name in, or gives it another value.</summary>
    /// <returns>True: it was not there.</returns>
    public virtual bool Put(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value = default)
    {
        if (IsLarge)
        {
            var key = KeyOf(name);
            var isNew = !Call.Rows.TryRead(key, out _);
            if (isNew) Count++;
            if (isNew || HasValues) Call.Writes.Put(key, value);
            return isNew;
        }
        // Whoever gives several names gives them mostly in the order in which they came the first time.
        int valueStart = 0, end = 0;
        var isThere = _changesAtLastPut == Packed.Changes && TryFindAt(_behindLastPut, name, out valueStart, out end);
        if (!isThere) isThere = TryFind(name, out _, out _, out valueStart, out end);
        if (!isThere)
        {
            var count = Count;
            Packed.Append(name);
            if (HasValues) Packed.Append(value);
            Count = count + 1;
        }
        else if (!HasValues)
        {
            return false;
        }
        else
        {
            Packed.Replace(valueStart, end, value);
            (_behindLastPut, _changesAtLastPut) = (valueStart + PackedEntries.SizeOf(value.Length), Packed.Changes);
        }
        Outgrow();
        return !isThere;
    }

    /// <summary>Puts a name in that is not there: nobody looks.</summary>
    public void PutNew(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value = default)
    {
        var count = Count;
        if (IsLarge)
        {
            Call.Writes.Put(KeyOf(name), value);
        }
        else
        {
            Packed.Append(name);
            if (HasValues) Packed.Append(value);
        }
        Count = count + 1;
        Outgrow();
    }

    /// <returns>False: it was not there.</returns>
    public virtual bool Remove(ReadOnlySpan<byte> name)
    {
        if (IsLarge)
        {
            var key = KeyOf(name);
            if (!Call.Rows.TryRead(key, out _)) return false;
            Call.Writes.Delete(key);
            Count--;
            return true;
        }
        if (!TryFind(name, out _, out var start, out _, out var end)) return false;
        var count = Count;
        Packed.Remove(start, end);
        Count = count - 1;
        return true;
    }

    // ------------------------------------------------------------------------------------------------ walking

    /// <summary>Hands every name with its value to a visitor.</summary>
    public void ForEach(ElementVisitor visit)
    {
        if (IsLarge) ScanRows(Family, default, default, (own, value) => visit(NameOf(own), value));
        else ForEachPacked(visit);
    }

    /// <summary>Hands some names to a visitor, from a position on.</summary>
    /// <param name="position">0: from the beginning.</param>
    /// <param name="count">About how many; a packed object is handed out whole.</param>
    /// <returns>The position to go on from; 0: that was all.</returns>
    public ulong Scan(ulong position, long count, ElementVisitor visit)
    {
        if (!IsLarge)
        {
            ForEachPacked(visit);
            return 0;
        }
        if (position >= MemberPosition.End) return 0;
        Span<byte> start = stackalloc byte[MemberPosition.Bytes];
        MemberPosition.Write(start, position);
        ulong next = 0, last = 0;
        ScanRows(Family, start, default, (own, value) =>
        {
            var name = NameOf(own);
            var at = MemberPosition.Read(own);
            if (count <= 0 && at != last)
            {
                next = at;
                return false;
            }
            count--;
            last = at;
            return visit(name, value);
        });
        return next;
    }

    /// <summary>All of it.</summary>
    public List<(byte[] Name, byte[] Value)> ToList()
    {
        var all = new List<(byte[], byte[])>((int)Math.Min(Count, 1 << 20));
        ForEach((name, value) =>
        {
            all.Add((name.ToArray(), value.ToArray()));
            return true;
        });
        return all;
    }

    // ------------------------------------------------------------------------------------------------ drawing

    /// <summary>Draws different ones.</summary>
    public List<(byte[] Name, byte[] Value)> DrawDistinct(SeededRandom random, long count)
    {
        if (count >= Count) return ToList();
        if (!IsLarge || FieldsExpire || count > Count / 32)
        {
            var all = ToList();
            count = Math.Min(count, all.Count);   // fields that expire: some may be gone since they were counted
            for (var i = 0; i < count; i++)
            {
                var j = random.Next(i, all.Count);
                (all[i], all[j]) = (all[j], all[i]);
            }
            all.RemoveRange((int)count, all.Count - (int)count);
            return all;
        }
        var drawn = new List<(byte[] Name, byte[] Value)>();
        var seen = new HashSet<byte[]>(KeyComparer.Instance);
        while (drawn.Count < count)
        {
            var one = Draw(random);
            if (seen.Add(one.Name)) drawn.Add(one);
        }
        return drawn;
    }

    /// <summary>Draws, each time from all.</summary>
    public List<(byte[] Name, byte[] Value)> DrawAny(SeededRandom random, long count)
    {
        var drawn = new List<(byte[], byte[])>();
        var all = IsLarge && !FieldsExpire && count < Count / 32 ? null : ToList();
        if (all is { Count: 0 }) return drawn;
        for (var i = 0L; i < count; i++) drawn.Add(all is null ? Draw(random) : all[random.Next(all.Count)]);
        return drawn;
    }

    /// <summary>Draws one. There is one.</summary>
    public (byte[] Name, byte[] Value) Draw(SeededRandom random)
    {
        var near = new List<(byte[], byte[])>(DrawnFrom);
        if (!IsLarge)
        {
            var nth = random.Next(Count);
            ForEachPacked((name, value) =>
            {
                if (nth-- > 0) return true;
                near.Add((name.ToArray(), value.ToArray()));
                return false;
            });
            return near[0];
        }
        Span<byte> place = stackalloc byte[MemberPosition.Bytes];
        MemberPosition.Write(place, random.NextUInt64() & (MemberPosition.End - 1));
        var want = (int)Math.Min(Count, DrawnFrom);
        bool Keep(ReadOnlySpan<byte> own, ReadOnlySpan<byte> value)
        {
            near.Add((NameOf(own).ToArray(), value.ToArray()));
            return near.Count < want;
        }
        ScanRows(Family, place, default, Keep);
        if (near.Count < want) ScanRows(Family, default, place, Keep);   // behind the last comes the first
        if (near.Count == 0) throw Malformed("a large object has no rows");
        return near[random.Next(near.Count)];
    }

    // ------------------------------------------------------------------------------------------------ where it lies

    protected ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> name)
    {
        var own = OwnKey(Family, MemberPosition.Bytes + name.Length);
        MemberPosition.Write(own, MemberPosition.Of(name));
        name.CopyTo(own[MemberPosition.Bytes..]);
        return RowKey(own.Length);
    }

    /// <summary>What the key of an element's row has behind its head's.</summary>
    public static void WriteElementKey(Span<byte> target, ulong incarnation, ReadOnlySpan<byte> name)
    {
        StructureKey.WriteElementPrefix(target, incarnation, Family);
        MemberPosition.Write(target[StructureKey.ElementPrefixBytes..], MemberPosition.Of(name));
        name.CopyTo(target[(StructureKey.ElementPrefixBytes + MemberPosition.Bytes)..]);
    }

    static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> own) =>
        own.Length >= MemberPosition.Bytes ? own[MemberPosition.Bytes..] : throw Malformed("an element's key is too short");

    protected override void WriteRows(ReadOnlySpan<byte> packed)
    {
        var at = 0;
        while (TryReadElement(packed, ref at, out var name, out var value, out _)) Call.Writes.Put(KeyOf(name), value);
    }

    void ForEachPacked(ElementVisitor visit)
    {
        var at = 0;
        while (TryReadElement(Packed.Entries, ref at, out var name, out var value, out _))
            if (!visit(name, value)) return;
    }

    protected bool TryFind(ReadOnlySpan<byte> wanted, out ReadOnlySpan<byte> value, out int start, out int valueStart, out int end)
    {
        start = 0;
        end = 0;
        var packed = Packed.Entries;
        while (TryReadElement(packed, ref end, out var name, out value, out valueStart))
        {
            if (name.SequenceEqual(wanted)) return true;
            start = end;
        }
        return false;
    }

    // True if the element at a place, at which one begins, has that name.
    bool TryFindAt(int at, ReadOnlySpan<byte> wanted, out int valueStart, out int end)
    {
        end = at;
        return TryReadElement(Packed.Entries, ref end, out var name, out _, out valueStart) && name.SequenceEqual(wanted);
    }

    protected virtual bool TryReadElement(
        ReadOnlySpan<byte> packed, scoped ref int at, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out int valueStart)
    {
        value = default;
        valueStart = at;
        if (!PackedEntries.TryRead(packed, ref at, out name)) return false;
        valueStart = at;
        if (HasValues && !PackedEntries.TryRead(packed, ref at, out value)) throw Malformed("a field without a value");
        return true;
    }
}
