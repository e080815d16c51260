// BlockPosition: the walk over a table's index, which a cursor does apart from the walk inside a block.
//
// With one level it is a number in the resident index. With two it holds the lease of the partition it stands in and loads the next where
// one ends. For reads at a time it passes over blocks, and whole partitions unread, that hold nothing visible then, or nothing so old.
//
// Always true while Valid: the leaf it looks at is resident or leased, and the number lies within it.

using Aevum.Storage.Caching;

namespace Aevum.Storage.Tables;

/// <summary>A place among the data blocks of a table: a walk over the index, one or two levels high.</summary>
/// <remarks>A mutable struct inside a cursor: holds the lease of the index partition it stands in.</remarks>
unsafe struct BlockPosition(TableReader table, ulong? at, ulong ceiling) : IDisposable
{
    BlockLease _partitionLease;

    // The partition that _leaf looks at; -1: none is loaded.
    int _partition = -1;
    IndexBlock _leaf;
    int _i;

    /// <summary>False before the first and after the last block.</summary>
    public bool Valid;

    public readonly BlockHandle Handle => _leaf.Handle(_i);

    public readonly ulong Ordinal => _leaf.FirstOrdinal + (ulong)_i;

    /// <summary>The version up to which this block holds the key that the next block goes on with; 0 if the next starts with another
    /// key.</summary>
    public readonly ulong TieVersion => _leaf.TieVersion(_i);

    /// <summary>To the only block that can hold the first entry at or after the target; if that one has nothing to show, to the
    /// next.</summary>
    public void Seek(byte* key, int keyLength, ulong version)
    {
        ref readonly var top = ref table.Top;
        Valid = false;
        if (top.Count == 0) return;
        var i = top.LowerBound(key, keyLength, version);
        if (i == top.Count) return;
        if (!table.IsPartitioned)
        {
            SetLeaf(i);
        }
        else
        {
            if (!IsVisible(in top, i))
            {
                SeekPartitionFrom(i + 1);
                return;
            }
            SetLeaf(i);
            i = _leaf.LowerBound(key, keyLength, version);
            // Only an index that contradicts itself gets here.
            if (i == _leaf.Count)
            {
                SeekPartitionFrom(_partition + 1);
                return;
            }
        }
        _i = i;
        Valid = true;
        if (!IsVisible(in _leaf, i)) MoveNext();
    }

    void SeekPartitionFrom(int partition)
    {
        ref readonly var top = ref table.Top;
        for (; partition < top.Count; partition++)
        {
            if (!IsVisible(in top, partition)) continue;
            SetLeaf(partition);
            _i = -1;
            Valid = true;
            MoveNext();
            return;
        }
        Valid = false;
    }

    readonly bool IsVisible(in IndexBlock index, int i) =>
        (ceiling == ulong.MaxValue || index.VersionMin(i) <= ceiling) && (at is not { } time || index.MayBeVisible(i, time));

    public void SeekToFirst()
    {
        Valid = table.Top.Count > 0;
        if (!Valid) return;
        if (table.IsPartitioned)
        {
            SeekPartitionFrom(0);
            return;
        }
        SetLeaf(0);
        _i = -1;
        MoveNext();
    }

    public void SeekToLast()
    {
        Valid = table.Top.Count > 0;
        if (!Valid) return;
        if (table.IsPartitioned)
        {
            SeekPartitionBackFrom(table.Top.Count - 1);
            return;
        }
        SetLeaf(0);
        _i = _leaf.Count;
        MovePrev();
    }

    void SeekPartitionBackFrom(int partition)
    {
        for (; partition >= 0; partition--)
        {
            if (!IsVisible(in table.Top, partition)) continue;
            SetLeaf(partition);
            _i = _leaf.Count;
            Valid = true;
            MovePrev();
            return;
        }
        Valid = false;
    }

    public void MoveNext()
    {
        while (++_i < _leaf.Count)
            if (IsVisible(in _leaf, _i)) return;
        if (table.IsPartitioned) SeekPartitionFrom(_partition + 1);
        else Valid = false;
    }

    public void MovePrev()
    {
        while (--_i >= 0)
            if (IsVisible(in _leaf, _i)) return;
        if (table.IsPartitioned) SeekPartitionBackFrom(_partition - 1);
        else Valid = false;
    }

    /// <summary>Where the neighbour of this block lies, if it is in the same part of the index and may be visible.</summary>
    public readonly bool TryPeek(int step, out BlockHandle handle)
    {
        handle = default;
        var i = _i + step;
        if ((uint)i >= (uint)_leaf.Count || !IsVisible(in _leaf, i)) return false;
        handle = _leaf.Handle(i);
        return true;
    }

    void SetLeaf(int partition)
    {
        if (!table.IsPartitioned)
        {
            _leaf = table.Top;
            return;
        }
        if (partition == _partition) return;
        _partition = -1;
        table.Source.Read(table.Top.Handle(partition), 0, BlockContent.IndexPartition, fillCache: true, ref _partitionLease);
        _leaf = new(_partitionLease.Memory);
        _partition = partition;
    }

    public void Dispose()
    {
        _partitionLease.Dispose();
        _partition = -1;
        Valid = false;
    }
}
