// HashRows: a hash: fields with values, and some of the fields with expiries of their own.
//
//   packed    field, value, expiry take turns (expiry: nothing, or 8 bytes of a system time); only while a field has one: else field, value
//   large     a field's row has the field's expiry as its own, so it is gone by itself at any moment one looks at; and for each such field there is a row
//             in family 3, expiry | field, in the order of time
//
// What a head says of a large hash was true when it was written: fields that expired since are counted in family 3, from its beginning to now, when the
// hash is opened, and taken away by whoever writes next. When every field expires the head's row goes with the last one (StructureHead), so EXISTS,
// TYPE, SCAN and DBSIZE look at heads alone and are right. A hash without such fields has none of all this, and pays nothing for it.
//
// Always true of a large head with the flag: its rest is the number of rows in family 3; each of them has a field's row, until its time has come.
// Fields' expiries end in the year 2255, as system time does: later ones are taken for that.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Time;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands.Hashes;

/// <summary>A hash: fields with values.</summary>
sealed class HashRows : MemberRows
{
    const byte ExpiryFamily = 3;
    const int ExpiryBytes = sizeof(ulong);
    const int AskedBytesMax = 128 << 10;
    const int FewDue = 64;   // up to so many are deleted one by one: a range costs readers more

    readonly Dictionary<byte[], SystemTime> _expiries = new(KeyComparer.Instance);   // of a packed one
    readonly PackedBuffer _triples = new();
    readonly List<byte[]> _due = [];
    bool _areMoreDue;
    long _expiring;          // of a large one: rows in family 3 that are not due

    protected override StructureKind Kind => StructureKind.Hash;

    protected override bool HasValues => true;

    protected override int RestBytes => FieldsExpire ? sizeof(long) : 0;

    // Who raises Redis' bounds of a small hash wants what that means there: one piece, and fields in the order in which they came. Each change writes the
    // piece anew, so there is an end to it.
    protected override bool StaysPacked
    {
        get
        {
            var (countMax, bytesMax) = (Call.Settings.HashEntries, Call.Settings.HashValueBytes);
            if (!countMax.IsRaised && !bytesMax.IsRaised) return false;
            if (Count > countMax.Value || Packed.Length > AskedBytesMax) return false;
            var at = 0;
            while (PackedEntries.TryRead(Packed.Entries, ref at, out var entry))
                if (entry.Length > bytesMax.Value) return false;
            return true;
        }
    }

    // ------------------------------------------------------------------------------------------------ fields

    /// <summary>Puts a field in, which then lives as long as the hash.</summary>
    public override bool Put(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value = default)
    {
        ForgetExpiry(name);
        return base.Put(name, value);
    }

    /// <summary>The same for a field that keeps its expiry, if it has one.</summary>
    public void PutKeepingExpiry(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (IsLarge && TryGetExpiry(name, out var expiry) && expiry != SystemTime.None) Call.Writes.Put(KeyOf(name), value, expiry);
        else base.Put(name, value);
    }

    public override bool Remove(ReadOnlySpan<byte> name)
    {
        ForgetExpiry(name);
        return base.Remove(name);
    }

    /// <param name="expiry">None: it has none.</param>
    /// <returns>False: there is no such field.</returns>
    public bool TryGetExpiry(ReadOnlySpan<byte> name, out SystemTime expiry)
    {
        expiry = default;
        if (!IsLarge)
        {
            if (FieldsExpire) _expiries.TryGetValue(name.ToArray(), out expiry);
            return Contains(name);
        }
        if (!Call.Rows.TryRead(KeyOf(name), out var row)) return false;
        expiry = row.Expiry;
        return true;
    }

    /// <summary>Gives a field, which is there, an expiry.</summary>
    /// <param name="expiry">None: takes it away.</param>
    public void SetExpiry(ReadOnlySpan<byte> name, SystemTime expiry)
    {
        if (!FieldsExpire) BeginExpiries();
        if (!IsLarge)
        {
            if (expiry == SystemTime.None) _expiries.Remove(name.ToArray());
            else _expiries[name.ToArray()] = expiry;
            return;
        }
        ForgetExpiry(name);
        if (!Call.Rows.TryRead(KeyOf(name), out var row)) throw Malformed("a field that was there is not");
        Call.Writes.Put(KeyOf(name), row.Bytes, expiry);
        if (expiry == SystemTime.None) return;
        Call.Writes.Put(ExpiryKeyOf(name, expiry), default);
        _expiring++;
    }

    void BeginExpiries()
    {
        FieldsExpire = true;
        _expiries.Clear();
        _due.Clear();
        _areMoreDue = false;
        _expiring = 0;
    }

    void ForgetExpiry(ReadOnlySpan<byte> name)
    {
        if (!FieldsExpire) return;
        if (!IsLarge)
        {
            _expiries.Remove(name.ToArray());
            return;
        }
        if (!TryGetExpiry(name, out var expiry) || expiry == SystemTime.None) return;
        Call.Writes.Delete(ExpiryKeyOf(name, expiry));
        _expiring--;
    }

    // ------------------------------------------------------------------------------------------------ where it lies

    protected override SystemTime FieldsUntil =>
        !FieldsExpire || (IsLarge ? _expiring : _expiries.Count) != Count ? SystemTime.None : IsLarge ? LastExpiry() : _expiries.Values.Max();

    SystemTime LastExpiry()
    {
        var last = SystemTime.None;
        ScanRows(ExpiryFamily, default, default, (own, _) =>
        {
            last = ExpiryOf(own);
            return false;
        }, descending: true);
        return last;
    }

    protected override void LoadPacked(ReadOnlySpan<byte> entries)
    {
        if (!FieldsExpire)
        {
            base.LoadPacked(entries);
            return;
        }
        base.LoadPacked(default);
        BeginExpiries();
        var at = 0;
        while (PackedEntries.TryRead(entries, ref at, out var name))
        {
            if (!PackedEntries.TryRead(entries, ref at, out var value) || !PackedEntries.TryRead(entries, ref at, out var time) ||
                time.Length is not (0 or ExpiryBytes)) throw Malformed("a field with an expiry");
            var expiry = time.IsEmpty ? SystemTime.None : ExpiryOf(time);
            if (expiry != SystemTime.None && expiry <= Call.Now) continue;
            Packed.Append(name);
            Packed.Append(value);
            if (expiry != SystemTime.None) _expiries[name.ToArray()] = expiry;
        }
    }

    protected override ReadOnlySpan<byte> PackedToWrite
    {
        get
        {
            if (!FieldsExpire) return base.PackedToWrite;
            _triples.Load(Kind, default);
            Span<byte> time = stackalloc byte[ExpiryBytes];
            var at = 0;
            while (TryReadElement(Packed.Entries, ref at, out var name, out var value, out _))
            {
                _triples.Append(name);
                _triples.Append(value);
                var expires = _expiries.TryGetValue(name.ToArray(), out var expiry);
                BinaryPrimitives.WriteUInt64BigEndian(time, expiry.Value);
                _triples.Append(expires ? time : default);
            }
            return _triples.Entries;
        }
    }

    protected override void WriteRows(ReadOnlySpan<byte> packed)
    {
        base.WriteRows(packed);
        if (!FieldsExpire) return;
        _expiring = 0;
        foreach (var (name, expiry) in _expiries) SetExpiry(name, expiry);
    }

    protected override void ReadRest(ReadOnlySpan<byte> rest)
    {
        if (!FieldsExpire) return;
        BeginExpiries();
        _expiring = BinaryPrimitives.ReadInt64LittleEndian(rest);
        CountDue();
    }

    void CountDue()
    {
        Span<byte> end = stackalloc byte[ExpiryBytes];
        BinaryPrimitives.WriteUInt64BigEndian(end, Call.Now.Value + 1);
        var due = 0L;
        ScanRows(ExpiryFamily, default, end, (own, _) =>
        {
            if (due++ < FewDue) _due.Add(own.ToArray());
            return true;
        });
        _areMoreDue = due > FewDue;
        _expiring -= due;
        if (_expiring < 0 || Count < due) throw Malformed("expiries of fields");
        Count -= due;
    }

    protected override void WriteRest(Span<byte> rest)
    {
        if (FieldsExpire) BinaryPrimitives.WriteInt64LittleEndian(rest, _expiring);
    }

    protected override void BeforeSave()
    {
        if (!FieldsExpire) return;
        if (IsLarge && _areMoreDue)
        {
            Span<byte> start = stackalloc byte[ExpiryBytes], end = stackalloc byte[ExpiryBytes];
            start.Clear();
            BinaryPrimitives.WriteUInt64BigEndian(end, Call.Now.Value + 1);
            DeleteRows(ExpiryFamily, start, end);
        }
        else if (IsLarge)
        {
            foreach (var own in _due)
            {
                own.CopyTo(OwnKey(ExpiryFamily, own.Length));
                Call.Writes.Delete(RowKey(own.Length));
            }
        }
        if ((IsLarge ? _expiring : _expiries.Count) == 0) FieldsExpire = false;
    }

    ReadOnlySpan<byte> ExpiryKeyOf(ReadOnlySpan<byte> name, SystemTime expiry)
    {
        var own = OwnKey(ExpiryFamily, ExpiryBytes + name.Length);
        BinaryPrimitives.WriteUInt64BigEndian(own, expiry.Value);
        name.CopyTo(own[ExpiryBytes..]);
        return RowKey(own.Length);
    }

    static SystemTime ExpiryOf(ReadOnlySpan<byte> own) =>
        own.Length >= ExpiryBytes ? new SystemTime(BinaryPrimitives.ReadUInt64BigEndian(own)) : throw Malformed("an expiry of a field");
}
