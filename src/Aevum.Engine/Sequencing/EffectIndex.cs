// EffectIndex: finds what a batch that is being decided has already done to a key, so that later steps see earlier ones.
//
// A hash table over the effects in a WriteBatch: chains of entries, the newest of a bucket first, each naming where its effect begins in the
// batch's bytes. A range delete removes covered effects from the batch and so moves the others: then the table is built anew.
// A batch without reads never fills it.

using Aevum.Core.Batches;
using Aevum.Core.Bytes;

namespace Aevum.Engine.Sequencing;

sealed class EffectIndex(WriteBatch batch)
{
    struct Entry
    {
        public uint Hash;
        public int Offset;
        public int Next;    // entry number + 1; 0: the chain's end
    }

    Entry[] _entries = new Entry[16];
    int[] _buckets = new int[32];    // entry number + 1
    readonly List<int> _ranges = [];
    int _count;
    int _indexed;     // bytes of the batch that are in the table; 0: nothing is

    /// <summary>To be called when the batch is emptied, cut short, or has had effects removed.</summary>
    public void Forget()
    {
        if (_indexed == 0) return;
        Array.Clear(_buckets);
        _ranges.Clear();
        _count = 0;
        _indexed = 0;
    }

    /// <summary>True if range deletes of the batch cover the key.</summary>
    public bool IsRangeDeleted(ReadOnlySpan<byte> key)
    {
        foreach (var offset in _ranges)
        {
            var range = batch.EffectAt(offset);
            if (key.SequenceCompareTo(range.Key) >= 0 && key.SequenceCompareTo(range.Value) < 0) return true;
        }
        return false;
    }

    /// <summary>The batch's newest effect on a key, or the one before a given one.</summary>
    /// <param name="at">0 to begin; then what the last call left.</param>
    /// <returns>False if there is none (left).</returns>
    public bool TryFind(scoped ReadOnlySpan<byte> key, scoped ref int at, out Effect effect)
    {
        if (at == 0) CatchUp();
        effect = default;
        if (_count == 0) return false;
        var hash = (uint)HashOf(key);
        for (var number = at == 0 ? _buckets[hash & (uint)(_buckets.Length - 1)] : _entries[at - 1].Next; number != 0; number = _entries[number - 1].Next)
        {
            ref readonly var entry = ref _entries[number - 1];
            if (entry.Hash != hash) continue;
            effect = batch.EffectAt(entry.Offset);
            if (!effect.Key.SequenceEqual(key)) continue;
            at = number;
            return true;
        }
        return false;
    }

    /// <summary>The effect that an earlier <see cref="TryFind"/> left the place of.</summary>
    public Effect EffectOf(int at) => batch.EffectAt(_entries[at - 1].Offset);

    /// <summary>Where it begins in the batch's bytes.</summary>
    public int OffsetOf(int at) => _entries[at - 1].Offset;

    /// <summary>The distinct keys in [start, end) that the batch has effects on, in order.</summary>
    public SortedSet<byte[]> KeysIn(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        CatchUp();
        var keys = new SortedSet<byte[]>(KeyComparer.Instance);
        for (var i = 0; i < _count; i++)
        {
            var key = batch.EffectAt(_entries[i].Offset).Key;
            if (key.SequenceCompareTo(start) >= 0 && (end.IsEmpty || key.SequenceCompareTo(end) < 0)) keys.Add(key.ToArray());
        }
        return keys;
    }

    void CatchUp()
    {
        var encoded = batch.Encoded;
        if (_indexed == encoded.Length || batch.Count == 0) return;
        var reader = new BatchReader(encoded);
        if (_indexed != 0) reader.SkipTo(_indexed, _count + _ranges.Count);
        for (var offset = reader.Consumed; reader.TryRead(out var effect); offset = reader.Consumed)
        {
            if (effect.Kind == EffectKind.DeleteRange) _ranges.Add(offset);
            else Add((uint)HashOf(effect.Key), offset);
        }
        _indexed = encoded.Length;
    }

    void Add(uint hash, int offset)
    {
        if (_count == _entries.Length) Grow();
        ref var bucket = ref _buckets[hash & (uint)(_buckets.Length - 1)];
        _entries[_count] = new Entry { Hash = hash, Offset = offset, Next = bucket };
        bucket = ++_count;
    }

    void Grow()
    {
        Array.Resize(ref _entries, 2 * _entries.Length);
        _buckets = new int[2 * _entries.Length];
        for (var i = 0; i < _count; i++)
        {
            ref var bucket = ref _buckets[_entries[i].Hash & (uint)(_buckets.Length - 1)];
            _entries[i].Next = bucket;
            bucket = i + 1;
        }
    }

    static unsafe ulong HashOf(ReadOnlySpan<byte> key)
    {
        fixed (byte* bytes = key) return KeyHash.Compute(bytes, key.Length);
    }
}
