// StructureRows: an object with parts while a command works on it: opened by its key, changed, saved. Whether its elements lie packed in the head or
// are rows of their own, whoever uses it does not see.
//
//   Open      reads the head; a packed object is copied, so nothing of it is read again
//   change    packed: in memory; large: rows are written at once, the head stays as it was
//   Save      writes the head, once however much was changed; an object without elements goes
//
// Always true after Save: the head's count is the number of elements; the key kept its expiry; an object that was large is large, or gone.
// A packed object becomes large when it outgrows PackedEntries' bounds, with the system time of the command as incarnation. If rows of that
// incarnation are there already (made and dropped earlier in the same batch), with the next one that has none.
//
// Not here: what an element is (MemberRows, ListRows, SortedSetRows, StreamRows). Bytes: docs/formats/structures.md.

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Structures;

namespace Aevum.Server.Resp.Commands;

/// <summary>Sees one element. The spans are valid during the call; it must not write rows.</summary>
/// <returns>False to stop.</returns>
delegate bool ElementVisitor(ReadOnlySpan<byte> element, ReadOnlySpan<byte> value);

abstract class StructureRows
{
    /// <summary>A read of a large object that touches more elements than this runs beside the loop.</summary>
    public const int SlowElements = 1000;

    byte[] _key = new byte[256];   // behind whose first bytes, the home, keys of elements are put together
    int _homeLength;
    byte[] _head = [];             // of an object that was renamed: its own head's key
    int _headLength;               // 0: the home is the head's own key
    long _count;
    SystemTime _rowExpiry;

    protected DataCall Call { get; private set; } = null!;

    protected abstract StructureKind Kind { get; }

    /// <summary>Entries that make up one packed element.</summary>
    protected virtual int EntriesPerElement => 1;

    /// <summary>Bytes that the kind adds to a large head.</summary>
    protected virtual int RestBytes => 0;

    /// <summary>True of a packed object that stays so although it has outgrown the bounds of its kind: somebody asked for that.</summary>
    protected virtual bool StaysPacked => false;

    /// <summary>True of a kind that is never packed, and is there also without elements.</summary>
    protected virtual bool IsAlwaysLarge => false;

    /// <summary>A packed object's entries.</summary>
    protected PackedBuffer Packed { get; } = new();

    /// <summary>True if the key held the object when it was opened.</summary>
    public bool Exists { get; private set; }

    public bool IsLarge { get; private set; }

    public ulong Incarnation { get; private set; }

    /// <summary>When the head that was read was written.</summary>
    protected SystemTime Version { get; private set; }

    /// <summary>The key's expiry, which changes keep.</summary>
    public SystemTime Expiry { get; set; }

    /// <summary>True: some fields of a hash have expiries of their own.</summary>
    public bool FieldsExpire { get; protected set; }

    /// <summary>When the last field is gone, if all expire; None: some field stays.</summary>
    protected virtual SystemTime FieldsUntil => SystemTime.None;

    /// <summary>Elements.</summary>
    public long Count
    {
        get => _count >= 0 ? _count : _count = PackedEntries.Count(Packed.Entries) / EntriesPerElement;
        protected set => _count = value;
    }

    public ReadOnlySpan<byte> HeadKey => _headLength == 0 ? HomeKey : _head.AsSpan(0, _headLength);

    /// <summary>The head's key behind which elements lie.</summary>
    protected ReadOnlySpan<byte> HomeKey => _key.AsSpan(0, _homeLength);

    // ------------------------------------------------------------------------------------------------ open, save

    /// <summary>Begins with what a key holds, or with nothing.</summary>
    /// <returns>False: it holds something else; the reply says so.</returns>
    public bool TryOpen(DataCall call, ReadOnlySpan<byte> userKey)
    {
        Begin(call, userKey);
        if (!call.Rows.TryRead(HeadKey, out var row))
        {
            call.SignalMiss(userKey);
            return true;
        }
        var head = StructureHead.Read(row.Bytes);
        if (head.Kind != Kind)
        {
            call.WrongType();
            return false;
        }
        Load(head, row);
        return true;
    }

    void Load(in StructureHead head, in FoundValue row)
    {
        Exists = true;
        Expiry = head.ExpiryOf(row.Expiry);
        _rowExpiry = row.Expiry;
        Version = row.Version;
        FieldsExpire = head.FieldsExpire;
        IsLarge = head.IsLarge;
        if (!head.IsLarge)
        {
            if (IsAlwaysLarge) throw Malformed("a head is packed that should not be");
            LoadPacked(head.Rest);
            return;
        }
        Incarnation = head.Incarnation;
        _count = head.Count;
        if (!head.Home.IsEmpty) MoveTo(head.Home);
        if (head.Count < (IsAlwaysLarge ? 0 : 1) || head.Rest.Length != RestBytes) throw DataCall.Corrupt("the head of a large object");
        ReadRest(head.Rest);
    }

    // Elements lie elsewhere than behind the head.
    void MoveTo(ReadOnlySpan<byte> home)
    {
        if (_head.Length < _homeLength) _head = new byte[_key.Length];
        HomeKey.CopyTo(_head);
        _headLength = _homeLength;
        var needed = home.Length + StructureKey.ElementPrefixBytes;
        if (_key.Length < needed) _key = new byte[Math.Max(needed, 2 * _key.Length)];
        home.CopyTo(_key);
        _homeLength = home.Length;
    }

    // What comes from now on lies behind the head again.
    void MoveHome()
    {
        if (_headLength == 0) return;
        if (_key.Length < _headLength + StructureKey.ElementPrefixBytes) _key = new byte[2 * (_headLength + StructureKey.ElementPrefixBytes)];
        _head.AsSpan(0, _headLength).CopyTo(_key);
        (_homeLength, _headLength) = (_headLength, 0);
    }

    /// <summary>Begins with the entries of a packed row.</summary>
    protected virtual void LoadPacked(ReadOnlySpan<byte> entries)
    {
        Packed.Load(Kind, entries);
        _count = -1;
    }

    /// <summary>Begins with nothing, in the place of whatever a key holds, which is put down.</summary>
    public void Replace(DataCall call, ReadOnlySpan<byte> userKey)
    {
        if (call.Beside is { } beside)
        {
            Begin(call, userKey);
            Exists = beside.Replace(HeadKey);
            return;
        }
        call.ForgetElements(userKey);
        Begin(call, userKey);
        Exists = call.Rows.TryRead(HeadKey, out _);
    }

    void Begin(DataCall call, ReadOnlySpan<byte> userKey)
    {
        Call = call;
        var needed = StructureKey.HeadBytesMax(userKey.Length) + StructureKey.ElementPrefixBytes;
        if (_key.Length < needed) _key = new byte[Math.Max(needed, 2 * _key.Length)];
        _headLength = 0;
        _homeLength = StructureKey.WriteHead(_key, call.Keyspace, userKey);
        LoadNothing();
    }

    void LoadNothing()
    {
        Exists = false;
        IsLarge = false;
        Incarnation = 0;
        Expiry = default;
        _rowExpiry = default;
        Version = default;
        FieldsExpire = false;
        Packed.Load(Kind, default);
        _count = 0;
    }

    /// <summary>Writes the head.</summary>
    public void Save()
    {
        BeforeSave();
        if ((IsLarge ? Count : Packed.Length) == 0 && !IsAlwaysLarge)
        {
            if (Exists) Call.Writes.Delete(HeadKey);
            if (IsLarge && _headLength > 0) Call.Writes.Delete(StructureKey.OwnerOf(HomeKey, Incarnation));   // nothing is left that anybody could have
            return;
        }
        if (!IsLarge && !FieldsExpire && !KeyExpiry.IsFar(Expiry))
        {
            Call.Writes.Put(HeadKey, Packed.Row, Expiry);
            return;
        }
        var entries = IsLarge ? default : PackedToWrite;
        var bodyBytes = IsLarge ? StructureHead.LargeBytes + RestBytes : entries.Length;
        var home = IsLarge && _headLength > 0 ? HomeKey : default;
        var headBytes = StructureHead.PrefixBytesMax + home.Length + bodyBytes;
        Span<byte> head = headBytes <= 256 ? stackalloc byte[headBytes] : new byte[headBytes];
        var at = StructureHead.WritePrefix(head, Kind, IsLarge, Expiry, FieldsExpire, FieldsUntil, out var rowExpiry, home);
        if (IsLarge)
        {
            StructureHead.WriteLarge(head[at..], Incarnation, Count);
            WriteRest(head[(at + StructureHead.LargeBytes)..]);
            // The row goes with the last field: what is then left of the others may be collected.
            if (FieldsExpire && rowExpiry != _rowExpiry && rowExpiry != SystemTime.None) Elements.PutDown(Call, HomeKey, Incarnation, rowExpiry);
        }
        else
        {
            entries.CopyTo(head[at..]);
        }
        Call.Writes.Put(HeadKey, head[..(at + bodyBytes)], rowExpiry);
    }

    /// <summary>What is still to be written before the head is.</summary>
    protected virtual void BeforeSave()
    {
    }

    /// <summary>The entries as they stand in the row.</summary>
    protected virtual ReadOnlySpan<byte> PackedToWrite => Packed.Entries;

    /// <summary>Takes all elements away. Those that are rows are put down for the collector.</summary>
    public void Clear()
    {
        if (IsLarge) Elements.PutDown(Call, HomeKey, Incarnation);
        MoveHome();
        IsLarge = false;
        FieldsExpire = false;
        Packed.Load(Kind, default);
        _count = 0;
    }

    protected virtual void ReadRest(ReadOnlySpan<byte> rest)
    {
    }

    protected virtual void WriteRest(Span<byte> rest)
    {
    }

    /// <summary>Looks whether the head of a large object is still the one that was read: others may commit between two reads of a view.</summary>
    /// <returns>False: it was not, and this is of what the key holds now: of the object after a change, of another one, or of nothing.</returns>
    protected bool IsCurrent() => LookAgain(takesChanges: true);

    /// <summary>Looks whether a large object is there still, changed or not: where it has gone the collector may have taken some of its rows already.</summary>
    /// <returns>False: it is not, and this is of what the key holds now.</returns>
    protected bool IsThereStill() => LookAgain(takesChanges: false);

    bool LookAgain(bool takesChanges)
    {
        var isThere = Call.Rows.TryRead(HeadKey, out var row);
        if (isThere && row.Version == Version) return true;
        var head = isThere ? StructureHead.Read(row.Bytes) : default;
        if (isThere && head.IsLarge && head.Kind == Kind && head.Incarnation == Incarnation)
        {
            if (!takesChanges) return true;
            (Version, _count) = (row.Version, head.Count);
            return false;
        }
        if (Call.IsStep) return true;   // it sees one moment and what it wrote itself, and the head is written last
        MoveHome();
        LoadNothing();
        if (isThere && head.Kind == Kind) Load(head, row);
        return false;
    }

    // ------------------------------------------------------------------------------------------------ growing

    /// <summary>To be called when something was added: makes a packed object large that has outgrown its bounds.</summary>
    protected void Outgrow()
    {
        // Where there are few bytes there are few elements, and nobody need count them.
        if (IsLarge || Packed.Length <= PackedEntries.ElementsMax) return;
        if ((Packed.Length <= PackedEntries.BytesMax && Count <= PackedEntries.ElementsMax) || StaysPacked) return;
        BecomeLarge();
        WriteRows(Packed.Entries);
    }

    /// <summary>From now on elements are rows.</summary>
    protected void BecomeLarge()
    {
        Incarnation = Elements.UnusedIncarnation(Call, HeadKey);
        IsLarge = true;
        if (Expiry != SystemTime.None) Elements.PutDown(Call, HeadKey, Incarnation, Expiry);   // until now there was nothing to put down
    }

    /// <summary>Writes the rows of packed entries. The object is large already.</summary>
    protected abstract void WriteRows(ReadOnlySpan<byte> packed);

    // ------------------------------------------------------------------------------------------------ rows

    /// <summary>The key of an element's row, up to its own part, for which room is made.</summary>
    /// <returns>The own part, to be written.</returns>
    protected Span<byte> OwnKey(byte family, int length)
    {
        var needed = _homeLength + StructureKey.ElementPrefixBytes + length;
        if (_key.Length < needed) Array.Resize(ref _key, Math.Max(needed, 2 * _key.Length));
        StructureKey.WriteElementPrefix(_key.AsSpan(_homeLength), Incarnation, family);
        return _key.AsSpan(_homeLength + StructureKey.ElementPrefixBytes, length);
    }

    /// <summary>The whole key of the row whose own part was written last.</summary>
    protected ReadOnlySpan<byte> RowKey(int ownLength) => _key.AsSpan(0, _homeLength + StructureKey.ElementPrefixBytes + ownLength);

    /// <summary>Hands the rows of a family to a visitor, own parts and values.</summary>
    /// <param name="start">The first own part; empty: from the beginning.</param>
    /// <param name="end">The own part to end before; empty: to the end.</param>
    protected void ScanRows(byte family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, ElementVisitor visit, bool descending = false)
    {
        start.CopyTo(OwnKey(family, start.Length));
        var first = RowKey(start.Length).ToArray();
        if (end.IsEmpty) OwnKey((byte)(family + 1), 0);
        else end.CopyTo(OwnKey(family, end.Length));
        var last = RowKey(end.Length).ToArray();
        Call.Rows.Scan(first, last, new RowVisitor(_homeLength + StructureKey.ElementPrefixBytes, visit), descending);
    }

    /// <summary>Deletes the rows of a family in a range of own parts.</summary>
    protected void DeleteRows(byte family, ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        start.CopyTo(OwnKey(family, start.Length));
        var first = RowKey(start.Length).ToArray();
        end.CopyTo(OwnKey(family, end.Length));
        Call.Writes.DeleteRange(first, RowKey(end.Length));
    }

    sealed class RowVisitor(int prefixBytes, ElementVisitor visit) : IRowVisitor
    {
        public bool Visit(ReadOnlySpan<byte> key, in FoundValue value) => visit(key[prefixBytes..], value.Bytes);
    }

    // ------------------------------------------------------------------------------------------------ how slow

    /// <summary>True if a key holds a large object of more elements than a loop should walk over.</summary>
    public static bool IsSlowToWalk(DataCall call, ReadOnlySpan<byte> userKey) =>
        call.TryReadHead(userKey, out var head, out _) && head.IsLarge && head.Count > SlowElements;

    protected static CorruptionException Malformed(string what) => (CorruptionException)DataCall.Corrupt(what);
}
