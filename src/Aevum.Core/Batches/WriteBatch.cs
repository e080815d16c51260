// WriteBatch: effects that become visible together, at one system time. Its bytes are what the log keeps.
//
//   header, 16 bytes     system time u64 | count of effects u32 | flags u32 (zero)        little endian
//   then each effect     tag u8 | key length varint | key | [expiry u64] | [value length varint | value]
//   tag                  bits 0-2 EffectKind, bit 3 an expiry follows the key
//   value                of Put and Merge; of DeleteRange the end of the range (exclusive); Delete has none
//
// Always true:
//   (1) effects act in order: a later effect on a key replaces or folds into an earlier one of the same batch;
//   (2) a range delete never covers an earlier effect of its own batch: adding it removes what it covers. So whoever applies a batch
//       may treat a range delete as older than every single-key effect of the same time.
//
// Not here: preconditions and steps with results, which the sequencer evaluates before it writes effects down.
// Bytes: docs/formats/batch.md. Reading: BatchReader.

using System.Buffers.Binary;
using Aevum.Core.Bytes;
using Aevum.Core.Diagnostics;
using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Core.Batches;

public sealed class WriteBatch
{
    public const int HeaderBytes = 16;
    public const byte ExpiryFlag = 0x08;
    public const byte KindMask = 0x07;

    readonly BatchLimits _limits;
    byte[] _bytes;
    int _length = HeaderBytes;
    int _count;

    public WriteBatch(BatchLimits? limits = null, int capacity = 1024)
    {
        _limits = limits ?? BatchLimits.Default;
        _bytes = new byte[Math.Max(capacity, HeaderBytes)];
    }

    /// <summary>The version that every effect of this batch gets.</summary>
    public SystemTime SystemTime
    {
        get => new(BinaryPrimitives.ReadUInt64LittleEndian(_bytes));
        set => BinaryPrimitives.WriteUInt64LittleEndian(_bytes, value.Value);
    }

    /// <summary>How many effects the batch holds.</summary>
    public int Count => _count;

    /// <summary>True if an effect is a merge, which not every keyspace takes.</summary>
    public bool HasMerges { get; private set; }

    /// <summary>The encoded batch. Valid until the next change.</summary>
    public ReadOnlySpan<byte> Encoded => _bytes.AsSpan(0, _length);

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry = default) => Add(EffectKind.Put, key, value, expiry);

    public void Merge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        Add(EffectKind.Merge, key, operand, default);
        HasMerges = true;
    }

    public void Delete(ReadOnlySpan<byte> key) => Add(EffectKind.Delete, key, default, default);

    /// <summary>Deletes [<paramref name="start"/>, <paramref name="end"/>): one effect, whatever the range holds. An empty range is no effect.</summary>
    public void DeleteRange(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        if (start.SequenceCompareTo(end) >= 0) return;
        if (end.Length > _limits.KeyBytesMax) Throw.Limit("the end key's length", end.Length, _limits.KeyBytesMax);
        RequireRoom(start, end);   // before anything is removed: what is refused leaves the batch as it was
        if (_count > 0) RemoveCovered(start, end);
        Add(EffectKind.DeleteRange, start, end, default);
    }

    /// <summary>One effect by where it begins in <see cref="Encoded"/>.</summary>
    public Effect EffectAt(int offset) => BatchReader.ReadOne(Encoded, offset);

    /// <summary>Gives a put that is in the batch another value, where it stands.</summary>
    /// <param name="offset">Where the put begins in <see cref="Encoded"/>.</param>
    /// <param name="value">As long as the one that is there.</param>
    /// <param name="expiry">None just if the put has none.</param>
    public void Replace(int offset, ReadOnlySpan<byte> value, SystemTime expiry)
    {
        var old = EffectAt(offset);
        Invariant.Require(
            old.Kind == EffectKind.Put && old.Value.Length == value.Length && (old.Expiry == SystemTime.None) == (expiry == SystemTime.None),
            "what replaces a put takes up its place");
        var end = offset + LengthAt(offset);
        value.CopyTo(_bytes.AsSpan(end - value.Length));
        if (expiry != SystemTime.None)
            BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(end - value.Length - Varint.Size((uint)value.Length) - sizeof(ulong)), expiry.Value);
    }

    /// <summary>How many bytes the effect takes up that begins at an offset.</summary>
    public int LengthAt(int offset) => BatchReader.LengthOf(Encoded, offset);

    /// <summary>Writes the bytes of effects back as they were: for whoever takes a <see cref="Replace"/> back.</summary>
    public void Restore(int offset, ReadOnlySpan<byte> bytes) => bytes.CopyTo(_bytes.AsSpan(offset, bytes.Length));

    /// <summary>Takes effects back: what was added since the batch had this length and count. Not across a range delete, which may have
    /// removed some (see <see cref="Load"/>).</summary>
    public void Truncate(int length, int count)
    {
        _length = length;
        _count = count;
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(8), _count);
    }

    /// <summary>Writes the number of effects into the header of an encoded batch.</summary>
    public static void SetCount(Span<byte> encoded, int count) => BinaryPrimitives.WriteInt32LittleEndian(encoded[8..], count);

    /// <summary>Becomes a copy of an encoded batch.</summary>
    public void Load(ReadOnlySpan<byte> encoded)
    {
        var reader = new BatchReader(encoded);
        HasMerges = false;
        while (reader.TryRead(out var effect)) HasMerges |= effect.Kind == EffectKind.Merge;
        if (encoded.Length > _bytes.Length) _bytes = new byte[encoded.Length];
        encoded.CopyTo(_bytes);
        _length = encoded.Length;
        _count = reader.Count;
    }

    /// <summary>Empties the batch and keeps its memory.</summary>
    public void Clear()
    {
        _length = HeaderBytes;
        _count = 0;
        HasMerges = false;
        _bytes.AsSpan(0, HeaderBytes).Clear();
    }

    void Add(EffectKind kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, SystemTime expiry)
    {
        var needed = RequireRoom(key, value);
        if (_length + needed > _bytes.Length) Grow(needed);

        var target = _bytes.AsSpan(_length);
        var at = 1;
        target[0] = (byte)((byte)kind | (expiry == SystemTime.None ? 0 : ExpiryFlag));
        at += Varint.Write(target[at..], (uint)key.Length);
        key.CopyTo(target[at..]);
        at += key.Length;
        if (expiry != SystemTime.None)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(target[at..], expiry.Value);
            at += sizeof(ulong);
        }
        if (kind != EffectKind.Delete)
        {
            at += Varint.Write(target[at..], (uint)value.Length);
            value.CopyTo(target[at..]);
            at += value.Length;
        }
        _length += at;
        _count++;
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(8), _count);
    }

    // Throws if an effect may not be added; else the most bytes that it takes.
    long RequireRoom(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (key.Length > _limits.KeyBytesMax) Throw.Limit("the key's length", key.Length, _limits.KeyBytesMax);
        if (value.Length > _limits.ValueBytesMax) Throw.Limit("the value's length", value.Length, _limits.ValueBytesMax);
        var needed = 1 + Varint.MaxBytes32 + key.Length + sizeof(ulong) + Varint.MaxBytes32 + (long)value.Length;
        if (_count > 0 && _length + needed > _limits.BatchBytesMax) Throw.Limit("the batch's size", _length + needed, _limits.BatchBytesMax);
        return needed;
    }

    void Grow(long needed)
    {
        if (_length + needed > Array.MaxLength) Throw.Limit("the batch's size", _length + needed, Array.MaxLength);
        Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(_length + needed, 2L * _bytes.Length)));
    }

    // Rewrites the buffer without the single-key effects in [start, end), and without what earlier range deletes share with it
    // (those need no change: two range deletes of one time cover the union).
    void RemoveCovered(ReadOnlySpan<byte> start, ReadOnlySpan<byte> end)
    {
        var reader = new BatchReader(Encoded);
        var from = HeaderBytes;
        var to = HeaderBytes;
        var kept = 0;
        HasMerges = false;
        while (reader.TryRead(out var effect))
        {
            var next = reader.Consumed;
            var covered = effect.Kind != EffectKind.DeleteRange && effect.Key.SequenceCompareTo(start) >= 0 && effect.Key.SequenceCompareTo(end) < 0;
            if (!covered)
            {
                if (to != from) _bytes.AsSpan(from, next - from).CopyTo(_bytes.AsSpan(to));
                to += next - from;
                kept++;
                HasMerges |= effect.Kind == EffectKind.Merge;
            }
            from = next;
        }
        _length = to;
        _count = kept;
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(8), _count);
    }
}
