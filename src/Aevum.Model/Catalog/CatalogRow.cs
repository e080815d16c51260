// CatalogRow: a row of the catalog outside of its snapshot: as it was read, as a commit left it, as a batch will leave it.
//
// Not here: what rows mean (CatalogKey, CatalogValues), what they make together (CatalogSnapshot).

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Catalog;

/// <summary>A row of the catalog as it was read, or as a commit left it.</summary>
/// <param name="Key">The whole key, its keyspace included.</param>
/// <param name="Value">Null: the row was deleted.</param>
/// <param name="Version">When that was written or deleted.</param>
public readonly record struct CatalogRow(byte[] Key, byte[]? Value, SystemTime Version)
{
    /// <summary>Where all rows of the catalog lie: first key, and first key behind.</summary>
    public static (byte[] Start, byte[] End) Range()
    {
        var (start, end) = KeyLayout.RangeOf(SystemKeyspaces.Catalog);
        return (start, end!);
    }

    /// <summary>The catalog's rows among the effects of an encoded batch: what one who follows the applied stream gives to
    /// <see cref="CatalogSnapshot.Apply"/>. Empty if the batch changes nothing in the catalog.</summary>
    /// <exception cref="CorruptionException">The bytes are no batch, or it does to the catalog what is never done to it: a merge, a range
    /// delete, a row that expires.</exception>
    public static IReadOnlyList<CatalogRow> ChangedBy(ReadOnlySpan<byte> encodedBatch)
    {
        var reader = new BatchReader(encodedBatch);
        return ChangedBy(ref reader, reader.SystemTime);
    }

    /// <summary>What a batch will make of the catalog's rows if every step of it is done. Procedures are not asked.</summary>
    /// <param name="version">What the rows shall be told to have.</param>
    public static IReadOnlyList<CatalogRow> PlannedBy(StepBatch batch, SystemTime version)
    {
        var rows = new List<CatalogRow>();
        if (batch.IsPlain)
        {
            var reader = new BatchReader(batch.Effects.Encoded);
            return ChangedBy(ref reader, version);
        }
        for (var i = 0; i < batch.Count; i++)
        {
            var step = batch.StepAt(i);
            if (step.Kind is StepKind.Put or StepKind.Delete && CatalogKey.IsOfCatalog(step.Key))
                rows.Add(new CatalogRow(step.Key.ToArray(), step.Kind == StepKind.Put ? step.Value.ToArray() : null, version));
        }
        return rows;
    }

    /// <summary>Reads a keyspace's row; for rows of keyspaces that are gone, which no snapshot holds.</summary>
    /// <exception cref="CorruptionException">The row is malformed.</exception>
    public static KeyspaceEntry DecodeKeyspace(KeyspaceId id, ReadOnlySpan<byte> value) => CatalogValues.DecodeKeyspace(id, value, SystemTime.None);

    /// <summary>The same of a batch that was committed here. Empty if it was not. What procedures wrote is not seen.</summary>
    public static IReadOnlyList<CatalogRow> ChangedBy(StepBatch batch)
    {
        if (batch.Status != CommitStatus.Committed) return [];
        if (batch.IsPlain)
        {
            var reader = new BatchReader(batch.Effects.Encoded);
            return ChangedBy(ref reader, batch.Time);
        }
        List<CatalogRow>? rows = null;
        for (var i = 0; i < batch.Count; i++)
        {
            var step = batch.StepAt(i);
            if (step.Kind is not (StepKind.Put or StepKind.Delete) || !CatalogKey.IsOfCatalog(step.Key)) continue;
            if (batch.ResultOf(i).Status != StepStatus.Done) continue;
            (rows ??= []).Add(new CatalogRow(step.Key.ToArray(), step.Kind == StepKind.Put ? step.Value.ToArray() : null, batch.Time));
        }
        return rows ?? (IReadOnlyList<CatalogRow>)[];
    }

    static IReadOnlyList<CatalogRow> ChangedBy(ref BatchReader reader, SystemTime time)
    {
        var (start, end) = Range();
        List<CatalogRow>? rows = null;
        while (reader.TryRead(out var effect))
        {
            var touches = effect.Kind == EffectKind.DeleteRange
                ? effect.Key.SequenceCompareTo(end) < 0 && effect.Value.SequenceCompareTo(start) > 0
                : CatalogKey.IsOfCatalog(effect.Key);
            if (!touches) continue;
            if (effect.Kind is not (EffectKind.Put or EffectKind.Delete) || effect.Expiry != SystemTime.None)
                throw new CorruptionException($"a batch does to the catalog what is never done to it: {effect.Kind}, expiry {effect.Expiry}");
            (rows ??= []).Add(new CatalogRow(effect.Key.ToArray(), effect.Kind == EffectKind.Put ? effect.Value.ToArray() : null, time));
        }
        return rows ?? (IReadOnlyList<CatalogRow>)[];
    }
}
