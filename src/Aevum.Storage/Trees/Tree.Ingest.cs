// Tree, ingest: prebuilt sorted tables become part of the tree as they are, at its last level, without passing log and memtable.
//
// They carry their own versions and must fall into ranges in which the tree holds nothing at all: no version, no range delete, no history.
// Under that rule nothing in them can contradict the order of levels ("higher is newer").

using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Storage.Compaction;
using Aevum.Storage.Tables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

public sealed partial class Tree
{
    /// <summary>Starts a sorted table for <see cref="Ingest"/>. It lies in the tree's directory; if it is not taken in, the next open
    /// removes it.</summary>
    public SortedTableBuilder BuildTable() => new(_store.CreateTable());

    /// <summary>Takes finished tables in, all or none.</summary>
    /// <exception cref="AevumException">InvalidArgument: a table overlaps another one or something that the tree holds.</exception>
    public void Ingest(IReadOnlyList<BuiltTable> tables)
    {
        var metas = tables.Select(t => t.Meta).Order(Comparer<TableMeta>.Create(TableMeta.CompareSmallest)).ToArray();
        if (metas.Length == 0) return;
        for (var i = 1; i < metas.Length; i++)
            if (!metas[i - 1].EndsBefore(metas[i].Smallest)) Throw.Invalid("the tables to take in overlap each other");

        var edit = new VersionEdit { GreatestTime = metas.Max(m => m.MaxVersion) };
        foreach (var meta in metas) edit.Added.Add((false, TreeVersion.LevelCount - 1, meta));

        // A compaction that runs may write one table over the range from two beside it, so compactions pause; a flush only adds to level 0,
        // where ranges may overlap.
        lock (_gate) _compactionHolds++;
        try
        {
            _signal.WaitUntil(() => _closed || !_compactionRuns);
            lock (_installGate)
            {
                lock (_gate)
                {
                    if (_closed) Throw.Closed(_directory);
                    foreach (var meta in metas) RequireEmptyLocked(meta);
                }
                Install(edit, [], bringsNew: true);
                _floors.RaiseAppliedTime(edit.GreatestTime.Value);
            }
        }
        finally
        {
            lock (_gate)
            {
                _compactionHolds--;
                StartCompactionLocked();
            }
        }
    }

    void RequireEmptyLocked(TableMeta meta)
    {
        foreach (var memtable in _frozen.Prepend(_active))
        {
            using var cursor = memtable.Table.NewCursor();
            cursor.Seek(meta.Smallest, ulong.MaxValue);
            if (cursor.Valid && !meta.EndsBefore(cursor.Key)) Throw.Invalid("the tree holds keys in the range of a table to take in");
            if (memtable.Table.HasRangeDeletes && memtable.Table.RangeDeletes.Touches(meta.Smallest, [.. meta.Largest, 0]))
                Throw.Invalid("the tree holds a range delete in the range of a table to take in");
        }
        foreach (var table in _version.Picture.AllTables)
            if (table.Overlaps(meta)) Throw.Invalid($"table {table.Id} overlaps a table to take in");
    }
}

/// <summary>Writes one sorted table. Keys ascend; the versions of a key descend.</summary>
public sealed class SortedTableBuilder : IDisposable
{
    TableOutput? _output;

    internal SortedTableBuilder(TableOutput output) => _output = output;

    public void Put(ReadOnlySpan<byte> key, SystemTime version, ReadOnlySpan<byte> value, SystemTime expiry = default) =>
        Open.Add(key, version.Value, EffectKind.Put, expiry.Value, 0, value);

    public void Delete(ReadOnlySpan<byte> key, SystemTime version) => Open.Add(key, version.Value, EffectKind.Delete, 0, 0, default);

    /// <summary>Closes and syncs the table.</summary>
    public BuiltTable Finish()
    {
        var meta = Open.Finish();
        _output = null;
        return new BuiltTable(meta);
    }

    /// <summary>Removes a table that was not finished.</summary>
    public void Dispose()
    {
        _output?.Abandon();
        _output = null;
    }

    TableOutput Open => _output ?? throw new ObjectDisposedException(nameof(SortedTableBuilder));
}

/// <summary>A finished table, to be taken in by the tree that it was built for.</summary>
public sealed class BuiltTable
{
    internal BuiltTable(TableMeta meta) => Meta = meta;

    internal TableMeta Meta { get; }

    public long FileBytes => Meta.FileBytes;

    /// <summary>Versions in it.</summary>
    public long Entries => Meta.Entries;
}
