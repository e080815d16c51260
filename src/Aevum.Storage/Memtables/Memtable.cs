// Memtable: what was written and not yet flushed, in memory, ordered by key, every version kept.
//
//   key -> MemtableTree -> KeyRecord (first version, key and value side by side) -> chain of newer versions
//   range deletes       -> MemtableRangeDeletes, beside the tree
//
// One writer at a time applies; readers on any thread look up and walk beside it, take no lock and never hold it up. What a reader may
// see is not decided here: every version is kept under its system time, and readers say up to which time they look. A writer publishes a
// time to readers only after Apply for it has returned, so that a batch becomes visible as a whole.
//
// Always true:
//   (1) versions of one key rise from Apply to Apply; of equal ones (a batch that touches a key twice) the later effect is the newer one;
//   (2) range deletes are older than single-key effects of the same time (WriteBatch): nothing here depends on it, readers may;
//   (3) writing a key and looking one up allocate no managed memory;
//   (4) all memory goes back to the pool in Dispose, and nothing before. The owner counts who still reads.
//
// Not here: visibility and merging of sources (TreeIterator), when to flush and who owns it (the tree's version set).

using System.Runtime.CompilerServices;
using Aevum.Core.Batches;
using Aevum.Core.Bytes;
using Aevum.Core.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Storage.Iterators;

namespace Aevum.Storage.Memtables;

sealed unsafe class Memtable : IDisposable
{
    /// <summary>Keys that <see cref="Prefetch"/> takes at a time.</summary>
    public const int PrefetchMax = 64;

    // Of a version: its header, links and a small value.
    const int PrefetchedBytes = 192;

    readonly MemtableTree _tree;
    readonly VersionReuse _reuse;
    readonly long _number = RecordHints.NewOwner();
    Arena _records;
    RecordPlaces _places;
    MemtableRangeDeletes? _rangeDeletes;

    public Memtable(ArenaPool pool, MemtableOptions? options = null)
    {
        options ??= MemtableOptions.Default;
        _records = new Arena(pool, options.FirstRecordChunkBytes);
        _tree = new MemtableTree(pool, options.FirstNodeChunkBytes);
        _places = new RecordPlaces(pool);
        if (options.PlaceSlots > 0) _places.Begin(options.PlaceSlots);
        _reuse = new VersionReuse { Forgets = options.Forgets, RoundBytes = options.ReuseRoundBytes };
    }

    internal MemtableTree Tree => _tree;

    /// <summary>Native bytes of the tables that say where keys are (<see cref="RecordPlaces"/>).</summary>
    internal long PlaceBytes => _places.AllocatedBytes;

    internal bool HasPlaces => _places.Table != null;

    /// <summary>The <see cref="MemtableOptions.PlaceSlots"/> for the memtable that comes after this one: as many as here, if keys were written
    /// again.</summary>
    public int PlaceSlotsForNext => VersionsWritten > 2 * KeyCount ? _places.Slots : 0;

    /// <summary>Memory of versions that nobody wants any more. The writer's.</summary>
    public VersionReuse Reuse => _reuse;

    /// <summary>Native bytes held, used or not. Range deletes live in managed memory and are not counted: see <see cref="RangeDeleteCount"/>.</summary>
    public long AllocatedBytes => _records.AllocatedBytes + _tree.AllocatedBytes + _places.AllocatedBytes;

    /// <summary>Effects applied: versions of keys and range deletes.</summary>
    public long Count => VersionCount + RangeDeleteCount;

    /// <summary>Distinct keys.</summary>
    public long KeyCount { get; private set; }

    /// <summary>Versions of keys: what a cursor walks over.</summary>
    public long VersionCount { get; private set; }

    /// <summary>Versions of keys that were written, those included that have gone again.</summary>
    public long VersionsWritten => VersionCount + _reuse.Gone;

    /// <summary>Versions that delete their key.</summary>
    public long DeleteCount { get; private set; }

    /// <summary>Versions that are merge operands.</summary>
    public long MergeCount { get; private set; }

    /// <summary>Versions that expire.</summary>
    public long ExpiryCount { get; private set; }

    public int RangeDeleteCount => _rangeDeletes?.Count ?? 0;

    /// <summary>Bytes of keys and values as they were given, every version with its key: about what a sorted table of it will take.</summary>
    public long PayloadBytes { get; private set; }

    /// <summary>Bytes of batches applied: about what the log has of it.</summary>
    public long AppliedBytes { get; private set; }

    /// <summary>The least version here; ulong.MaxValue if there is none.</summary>
    public ulong MinVersion { get; private set; } = ulong.MaxValue;

    /// <summary>The greatest version here; 0 if there is none.</summary>
    public ulong MaxVersion { get; private set; }

    public bool IsEmpty => MaxVersion == 0 && MinVersion == ulong.MaxValue;

    public bool HasRangeDeletes => _rangeDeletes is not null;

    /// <summary>All range deletes added so far, in a few immutable sets: for those who only look, for whom one set would be dear.</summary>
    public IReadOnlyList<RangeDeletes> RangeDeleteSets => Volatile.Read(ref _rangeDeletes)?.Sets() ?? [];

    /// <summary>All range deletes added so far, as one immutable set. Built when asked for; asking again without a new one is free.</summary>
    public RangeDeletes RangeDeletes => Volatile.Read(ref _rangeDeletes)?.Snapshot() ?? RangeDeletes.Empty;

    /// <summary>The greatest version at most <paramref name="at"/> of a range delete over <paramref name="key"/>; 0 if there is none.</summary>
    public ulong NewestRangeDeleteOver(ReadOnlySpan<byte> key, ulong at) => Volatile.Read(ref _rangeDeletes)?.NewestCovering(key, at) ?? 0;

    /// <summary>Writes one effect down. Its version is not below any that its key has.</summary>
    public void Apply(in Effect effect, ulong version)
    {
        if (effect.Kind == EffectKind.DeleteRange) AddRangeDelete(effect.Key, effect.Value, version);
        else Add(effect.Kind, effect.Key, version, effect.Expiry.Value, effect.Value);
    }

    /// <summary>Writes down a whole batch, encoded as <see cref="WriteBatch"/> says, under the time it carries.</summary>
    /// <param name="encoded">Trusted: it came from a WriteBatch, or its checksum was verified.</param>
    /// <returns>How many effects it held.</returns>
    public int ApplyBatch(ReadOnlySpan<byte> encoded)
    {
        Invariant.Require(encoded.Length >= WriteBatch.HeaderBytes, "a batch has a header");
        fixed (byte* start = encoded)
        {
            var version = Unsafe.ReadUnaligned<ulong>(start);
            var count = Unsafe.ReadUnaligned<int>(start + 8);
            var at = start + WriteBatch.HeaderBytes;
            for (var i = 0; i < count; i++)
            {
                var tag = *at++;
                var kind = (EffectKind)(tag & WriteBatch.KindMask);
                var keyLength = (int)Varint.ReadTrusted(ref at);
                var key = at;
                at += keyLength;
                ulong expiry = 0;
                if ((tag & WriteBatch.ExpiryFlag) != 0)
                {
                    expiry = Unsafe.ReadUnaligned<ulong>(at);
                    at += sizeof(ulong);
                }
                var valueLength = kind == EffectKind.Delete ? 0 : (int)Varint.ReadTrusted(ref at);
                var value = at;
                at += valueLength;
                if (kind == EffectKind.DeleteRange) AddRangeDelete(new(key, keyLength), new(value, valueLength), version);
                else AddCore(kind, key, keyLength, version, expiry, value, valueLength);
            }
            Invariant.Require(at == start + encoded.Length, "a batch ends with its last effect");
            AppliedBytes += encoded.Length;
            return count;
        }
    }

    /// <summary>Adds a version of one key: a put, a merge operand or a delete.</summary>
    /// <param name="expiry">0 if it never expires.</param>
    /// <exception cref="AevumException">LimitExceeded: the key has 16 MiB or more.</exception>
    public void Add(EffectKind kind, ReadOnlySpan<byte> key, ulong version, ulong expiry, ReadOnlySpan<byte> value)
    {
        fixed (byte* keyPointer = key)
        fixed (byte* valuePointer = value)
            AddCore(kind, keyPointer, key.Length, version, expiry, valuePointer, value.Length);
    }

    /// <summary>All keys of [<paramref name="start"/>, <paramref name="end"/>) are absent from <paramref name="version"/> on.</summary>
    public void AddRangeDelete(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end, ulong version)
    {
        if (start.SequenceCompareTo(end) >= 0) return;
        if (_rangeDeletes is null) Volatile.Write(ref _rangeDeletes, new MemtableRangeDeletes());
        _rangeDeletes!.Add(new RangeDelete(start.ToArray(), end.ToArray(), version));
        PayloadBytes += start.Length + end.Length;
        NoteVersion(version);
    }

    /// <summary>The newest version of a key that is at most <paramref name="at"/>, of whatever kind: a delete is found as one.</summary>
    /// <remarks>Range deletes are asked for apart: <see cref="HasRangeDeletes"/>, <see cref="NewestRangeDeleteOver"/>.</remarks>
    public bool TryFind(ReadOnlySpan<byte> key, ulong at, out FoundVersion found)
    {
        fixed (byte* pointer = key)
        {
            var record = RecordHints.Find(_number, pointer, key.Length);
            return TryShow(record != null ? record : FindRecord(pointer, key.Length), at, out found);
        }
    }

    KeyRecord* FindRecord(byte* key, int length)
    {
        var table = _places.Table;
        if (table == null && KeyCount < RecordPlaces.KeysMin) return _tree.Find(key, length);
        var hash = RecordPlaces.HashOf(key, length);
        var record = table == null ? null : RecordPlaces.Find(table, hash, key, length);
        if (record != null) return record;
        record = _tree.Find(key, length);
        if (record != null) _places.Note(hash, record, KeyCount);
        return record;
    }

    /// <summary>Looks up many keys at once: the same answers as <see cref="TryFind"/>, with the cache misses of several lookups side by side.
    /// Worth it for a few keys and more, in memtables beyond a few MiB.</summary>
    /// <param name="found">As long as <paramref name="keys"/>. Where nothing is found ValuePointer is null; elsewhere it never is.</param>
    /// <returns>How many were found.</returns>
    [SkipLocalsInit]
    public int FindMany(ReadOnlySpan<NativeKey> keys, ulong at, Span<FoundVersion> found)
    {
        const int part = 64;
        Span<nint> records = stackalloc nint[part];
        var hits = 0;
        for (var from = 0; from < keys.Length; from += part)
        {
            var count = Math.Min(part, keys.Length - from);
            FindRecords(keys.Slice(from, count), records);
            for (var i = 0; i < count; i++)
                if (TryShow((KeyRecord*)records[i], at, out found[from + i])) hits++;
        }
        return hits;
    }

    /// <summary>Asks memory for what lookups of the newest versions of these keys will read.</summary>
    /// <param name="keys">At most <see cref="PrefetchMax"/>. Those that are not here are moved to the front.</param>
    /// <returns>How many are not here.</returns>
    [SkipLocalsInit]
    public int Prefetch(Span<NativeKey> keys)
    {
        Span<nint> records = stackalloc nint[PrefetchMax];
        FindRecords(keys, records);
        var absent = 0;
        for (var i = 0; i < keys.Length; i++)
        {
            var record = (KeyRecord*)records[i];
            if (record == null)
            {
                keys[absent++] = keys[i];
                continue;
            }
            RecordHints.Keep(_number, keys[i].Pointer, keys[i].Length, record);
            var newest = (byte*)KeyRecord.LoadNewest(record);
            for (var line = 0; line < PrefetchedBytes; line += 64) MemtableTree.Prefetch(newest + line);
        }
        return absent;
    }

    // The records of at most PrefetchMax keys, null where there is none: those that have a known place first, the others by walking down together.
    [SkipLocalsInit]
    void FindRecords(ReadOnlySpan<NativeKey> keys, Span<nint> records)
    {
        var table = _places.Table;
        if (table == null && KeyCount < RecordPlaces.KeysMin)
        {
            _tree.FindMany(keys, records[..keys.Length]);
            return;
        }
        Span<ulong> hashes = stackalloc ulong[PrefetchMax];
        Span<NativeKey> missed = stackalloc NativeKey[PrefetchMax];
        Span<byte> places = stackalloc byte[PrefetchMax];
        var misses = 0;
        for (var i = 0; i < keys.Length; i++) hashes[i] = RecordPlaces.HashOf(keys[i].Pointer, keys[i].Length);
        if (table != null)
        {
            for (var i = 0; i < keys.Length; i++) RecordPlaces.PrefetchLine(table, hashes[i]);
            for (var i = 0; i < keys.Length; i++)
            {
                var guess = RecordPlaces.Guess(table, hashes[i]);
                records[i] = (nint)guess;
                MemtableTree.Prefetch(guess);
                MemtableTree.Prefetch((byte*)guess + 64);
            }
        }
        for (var i = 0; i < keys.Length; i++)
        {
            if (table != null && records[i] != 0 && RecordPlaces.Is((KeyRecord*)records[i], keys[i].Pointer, keys[i].Length)) continue;
            missed[misses] = keys[i];
            places[misses++] = (byte)i;
        }
        if (misses == 0) return;
        Span<nint> walked = stackalloc nint[PrefetchMax];
        _tree.FindMany(missed[..misses], walked);
        for (var i = 0; i < misses; i++)
        {
            var place = places[i];
            records[place] = walked[i];
            if (walked[i] != 0) _places.Note(hashes[place], (KeyRecord*)walked[i], KeyCount);
        }
    }

    /// <summary>A cursor over all versions. It sees every entry that was there when it was positioned, and may see later ones.</summary>
    public VersionCursor NewCursor() => new MemtableCursor(this);

    /// <summary>Gives all memory back. Whoever still reads would read garbage: the owner waits for them first.</summary>
    public void Dispose()
    {
        _places.Release();
        _tree.Release();
        _records.Release();
    }

    void AddCore(EffectKind kind, byte* key, int keyLength, ulong version, ulong expiry, byte* value, int valueLength)
    {
        var record = RecordHints.Find(_number, key, keyLength);
        TreeNode* leaf = null;
        var position = 0;
        var table = _places.Table;
        var hash = 0UL;
        if (record == null && table != null)
        {
            hash = RecordPlaces.HashOf(key, keyLength);
            record = RecordPlaces.Find(table, hash, key, keyLength);
        }
        if (record == null)
        {
            record = _tree.Locate(key, keyLength, out leaf, out position);
            if (record != null && KeyCount >= RecordPlaces.KeysMin)
                _places.Note(table != null ? hash : RecordPlaces.HashOf(key, keyLength), record, KeyCount);
        }
        if (record == null)
        {
            record = NewRecord(kind, key, keyLength, version, expiry, value, valueLength);
            _tree.Insert(leaf, position, record);
            if (table != null) RecordPlaces.Keep(table, hash, record);
            KeyCount++;
        }
        else
        {
            Push(record, kind, version, expiry, value, valueLength);
        }
        VersionCount++;
        PayloadBytes += keyLength + valueLength;
        if (kind != EffectKind.Put) CountOther(kind);
        if (expiry != 0) ExpiryCount++;
        NoteVersion(version);
    }

    KeyRecord* NewRecord(EffectKind kind, byte* key, int keyLength, ulong version, ulong expiry, byte* value, int valueLength)
    {
        if (keyLength > KeyRecord.KeyBytesMax) Throw.Limit("the key's length", keyLength, KeyRecord.KeyBytesMax);
        var expiryFlag = expiry == 0 ? 0 : VersionNode.ExpiryFlag;
        var record = (KeyRecord*)_records.Allocate(Aligned((nint)KeyRecord.HeaderBytes + (nint)expiryFlag + keyLength + valueLength));
        var first = &record->First;
        first->Version = version;
        first->ValueLength = (uint)valueLength;
        first->Meta = (uint)kind | expiryFlag | VersionNode.FirstFlag | ((uint)keyLength << VersionNode.GapShift);
        if (expiry != 0) *(ulong*)((byte*)record + KeyRecord.HeaderBytes) = expiry;
        var target = KeyRecord.Key(record);
        Unsafe.CopyBlockUnaligned(target, key, (uint)keyLength);
        Unsafe.CopyBlockUnaligned(target + keyLength, value, (uint)valueLength);
        record->Newest = first;
        return record;
    }

    void Push(KeyRecord* record, EffectKind kind, ulong version, ulong expiry, byte* value, int valueLength)
    {
        var top = record->Newest;
        Invariant.Require(top->Version <= version, "versions of one key rise");
        var expiryFlag = expiry == 0 ? 0 : VersionNode.ExpiryFlag;
        if (!top->IsFirst) VersionCount -= _reuse.Cut(record, top);
        var bytes = VersionNode.BytesFor((nint)expiryFlag, valueLength);
        var node = (VersionNode*)_reuse.Take(bytes);
        if (node == null) node = (VersionNode*)_records.Allocate(bytes);
        node->Version = version;
        node->ValueLength = (uint)valueLength;
        node->Meta = (uint)kind | expiryFlag | ((uint)VersionLinks.Bytes << VersionNode.GapShift);
        if (expiry != 0) *(ulong*)((byte*)node + VersionNode.HeaderBytes) = expiry;
        VersionNode.LinkAbove(node, top);
        Unsafe.CopyBlockUnaligned(VersionNode.Value(node), value, (uint)valueLength);
        KeyRecord.StoreNewest(record, node);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool TryShow(KeyRecord* record, ulong at, out FoundVersion found)
    {
        var node = record == null ? null : VersionNode.NewestAtMost(KeyRecord.LoadNewest(record), at);
        if (node == null)
        {
            found = default;
            return false;
        }
        found.ValuePointer = VersionNode.Value(node);
        found.ValueLength = (int)node->ValueLength;
        found.Kind = node->Kind;
        found.Version = node->Version;
        found.Expiry = VersionNode.Expiry(node);
        found.End = 0;
        return true;
    }

    void CountOther(EffectKind kind)
    {
        if (kind == EffectKind.Delete) DeleteCount++;
        else MergeCount++;
    }

    void NoteVersion(ulong version)
    {
        if (version < MinVersion) MinVersion = version;
        if (version > MaxVersion) MaxVersion = version;
    }

    static nint Aligned(nint bytes) => (bytes + 7) & ~(nint)7;
}
