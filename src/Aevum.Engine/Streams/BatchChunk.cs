// BatchChunk: some of the next batches of a stream, as a range shows them, copied out of the log.
//
//   bytes      per batch: header | effects that touch the range | note         encoded as batches are (docs/formats/batch.md)
//   entries    where each lies, with its position and time
//
// Why a copy: a view into the log would pin its segment for as long as the consumer thinks, and the segments behind that one would pile up, since
// they are recycled in order. A chunk is bounded (and emptied before it is filled again), so a subscriber costs the same however far it is behind.
//
// Always true: what touches nothing of the range has no entry; memory is kept from one filling to the next, unless a huge batch made it grow.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Access;
using Aevum.Model.History;
using Aevum.Model.Keyspace;

namespace Aevum.Engine.Streams;

sealed class BatchChunk(StreamRange range)
{
    /// <summary>Nothing is added to a chunk that holds so much.</summary>
    const int BytesMax = 64 << 10;

    /// <summary>More memory than this is not kept for the next filling.</summary>
    const int KeptBytesMax = 1 << 20;

    const int EntriesMax = 1024;

    record struct Entry(StreamPosition Position, SystemTime Time, int Offset, int Length, int NoteLength);

    readonly List<Entry> _entries = [];
    byte[] _bytes = [];
    int _used;
    int _taken;

    public bool IsEmpty => _taken == _entries.Count;

    public bool IsFull => _used >= BytesMax || _entries.Count >= EntriesMax;

    /// <summary>What it takes at the moment.</summary>
    public long MemoryBytes => _bytes.Length;

    /// <summary>The time of the batch that is next.</summary>
    public SystemTime NextTime => _entries[_taken].Time;

    public void Clear()
    {
        _entries.Clear();
        _used = _taken = 0;
        if (_bytes.Length > KeptBytesMax) _bytes = [];
    }

    /// <summary>Takes the next batch out. The views stay valid until the chunk is cleared.</summary>
    public AppliedBatch Take(out StreamPosition position)
    {
        var entry = _entries[_taken++];
        position = entry.Position;
        return new AppliedBatch
        {
            Kind = AppliedKind.Committed,
            Shard = position.Shard,
            Position = position.Position,
            Time = entry.Time,
            Encoded = _bytes.AsSpan(entry.Offset, entry.Length),
            Note = _bytes.AsSpan(entry.Offset + entry.Length, entry.NoteLength),
            Range = range,
        };
    }

    /// <summary>Copies what a batch does in the range.</summary>
    /// <returns>False, and nothing is added, if it does nothing there.</returns>
    /// <exception cref="Core.Errors.CorruptionException">The bytes are no batch.</exception>
    public bool Add(StreamPosition position, ReadOnlySpan<byte> encoded)
    {
        var batch = new BatchReader(encoded);
        var offset = _used;
        var count = 0;
        var at = batch.Consumed;
        var stretch = at;              // where effects begin that touch the range and are not copied yet
        ReadOnlySpan<byte> note = default;
        while (batch.TryRead(out var effect))
        {
            if (effect.Kind == EffectKind.Put && IsNote(effect.Key)) note = effect.Value;
            if (Touches(effect))
            {
                if (count++ == 0) _used += WriteBatch.HeaderBytes;
            }
            else
            {
                Copy(encoded[stretch..at]);
                stretch = batch.Consumed;
            }
            at = batch.Consumed;
        }
        if (count == 0) return false;
        Copy(encoded[stretch..at]);
        encoded[..WriteBatch.HeaderBytes].CopyTo(_bytes.AsSpan(offset));
        WriteBatch.SetCount(_bytes.AsSpan(offset), count);
        var length = _used - offset;
        Copy(note);
        _entries.Add(new(position, batch.SystemTime, offset, length, note.Length));
        return true;
    }

    bool Touches(in Effect effect) =>
        effect.Kind == EffectKind.DeleteRange ? range.Overlaps(effect.Key, effect.Value) : range.Contains(effect.Key);

    static bool IsNote(ReadOnlySpan<byte> key) =>
        key.Length == CommitNotes.KeyBytes && KeyspaceId.TryRead(key, out var keyspace) && keyspace == SystemKeyspaces.Notes;

    void Copy(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        var needed = _used + (long)bytes.Length;
        if (needed > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(needed, Math.Max(BytesMax, 2L * _bytes.Length))));
        bytes.CopyTo(_bytes.AsSpan(_used));
        _used += bytes.Length;
    }
}
