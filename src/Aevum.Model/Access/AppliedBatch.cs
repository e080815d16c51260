// AppliedBatch: what a subscription gives: a batch of the applied stream as its range shows it, or a piece of the snapshot before it. A view over
// the subscription's memory, valid until its next call.
//
//   SnapshotRow    one key with its value: Time is the value's version; one effect, a put
//   SnapshotEnd    the snapshot is complete and the token valid: Time is the moment that it shows; no effects
//   Committed      what a batch did in the range, in the batch's order; at least one effect
//
// Always true: range deletes are clipped to the range; every other key lies in it. A range delete is older than all single-key effects of its
// batch (WriteBatch, rule 2), wherever it stands among them.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.History;

namespace Aevum.Model.Access;

public enum AppliedKind : byte
{
    Committed = 0,
    SnapshotRow = 1,
    SnapshotEnd = 2,
}

public readonly ref struct AppliedBatch
{
    public AppliedKind Kind { get; init; }

    /// <summary>The shard it comes from; 0 for the end of a snapshot of several.</summary>
    public uint Shard { get; init; }

    /// <summary>Where it stands in its shard's stream; at a snapshot's end the batch that the stream goes on behind (0: of several shards, see the
    /// token); of a snapshot's rows 0.</summary>
    public ulong Position { get; init; }

    public SystemTime Time { get; init; }

    /// <summary>What it did, encoded as batches are (docs/formats/batch.md), range deletes not yet clipped. Empty for all but Committed.</summary>
    public ReadOnlySpan<byte> Encoded { get; init; }

    /// <summary>The row of the commit's note; empty if it has none.</summary>
    public ReadOnlySpan<byte> Note { get; init; }

    /// <summary>Of a snapshot's row.</summary>
    public Effect Row { get; init; }

    /// <summary>What the effects are clipped to.</summary>
    public StreamRange Range { get; init; }

    /// <summary>How many effects there are.</summary>
    public int Count => Kind switch
    {
        AppliedKind.Committed => new BatchReader(Encoded).Count,
        AppliedKind.SnapshotRow => 1,
        _ => 0,
    };

    /// <summary>For <c>foreach</c>: nothing is allocated.</summary>
    public AppliedEffects GetEnumerator() => new(this);

    /// <summary>Who committed it, and why; null if that was not said. Allocates.</summary>
    /// <exception cref="Core.Errors.CorruptionException">The note is malformed.</exception>
    public CommitNote? ReadNote() => Note.IsEmpty ? null : CommitNotes.Decode(Note, out _);
}

public ref struct AppliedEffects
{
    readonly AppliedBatch _batch;
    BatchReader _reader;
    Effect _current;
    bool _ended;

    internal AppliedEffects(AppliedBatch batch)
    {
        _batch = batch;
        _ended = batch.Kind == AppliedKind.SnapshotEnd;
        if (batch.Kind == AppliedKind.Committed) _reader = new BatchReader(batch.Encoded);
    }

    public readonly Effect Current => _current;

    public bool MoveNext()
    {
        if (_ended) return false;
        if (_batch.Kind == AppliedKind.SnapshotRow)
        {
            _current = _batch.Row;
            return _ended = true;
        }
        if (!_reader.TryRead(out _current)) return false;
        if (_current.Kind == EffectKind.DeleteRange) Clip();
        return true;
    }

    void Clip()
    {
        var range = _batch.Range;
        var start = _current.Key;
        var end = _current.Value;
        if (start.SequenceCompareTo(range.Start) < 0) start = range.Start;
        if (range.HasEnd && end.SequenceCompareTo(range.End) > 0) end = range.End;
        _current = new Effect { Kind = EffectKind.DeleteRange, Key = start, Value = end };
    }
}
