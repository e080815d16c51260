// SnapshotScan: the rows of a range as of one moment, shard by shard, for a subscription that begins with them.
//
// The moment is held on every shard from before it is named until that shard's rows have been read: history is not forgotten meanwhile, however
// long the subscriber takes. Rows are copied out a chunk at a time, so that nobody but this class ever looks at the tree's memory, which closing
// shards take away.

using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Storage.Iterators;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Streams;

sealed class SnapshotScan : IDisposable
{
    const int BytesMax = 64 << 10;
    const int RowsMax = 1024;

    record struct Row(SystemTime Version, SystemTime Expiry, int Offset, int KeyLength, int ValueLength);

    readonly IReadOnlyList<ShardPart> _parts;
    readonly TreeSnapshot[] _held;
    readonly List<Row> _rows = [];
    TreeIterator? _iterator;
    int _at;              // the part that is being read
    int _rowsPart;        // the part that the rows come from
    byte[] _bytes = [];
    int _used;
    int _taken;

    /// <param name="held">Held since before the moment was named, one a part. Owned from here on.</param>
    public SnapshotScan(IReadOnlyList<ShardPart> parts, TreeSnapshot[] held, SystemTime moment)
    {
        _parts = parts;
        _held = held;
        Moment = moment;
    }

    public SystemTime Moment { get; }

    /// <summary>The next row, if one has been read.</summary>
    public bool TryTake(out AppliedBatch row)
    {
        row = default;
        if (_taken == _rows.Count) return false;
        var next = _rows[_taken++];
        row = new AppliedBatch
        {
            Kind = AppliedKind.SnapshotRow,
            Shard = _parts[_rowsPart].Shard.Id,
            Time = next.Version,
            Row = new Effect
            {
                Kind = EffectKind.Put,
                Key = _bytes.AsSpan(next.Offset, next.KeyLength),
                Value = _bytes.AsSpan(next.Offset + next.KeyLength, next.ValueLength),
                Expiry = next.Expiry,
            },
            Range = _parts[_rowsPart].Range,
        };
        return true;
    }

    /// <summary>Reads more rows, once all were taken.</summary>
    /// <returns>False if there are no more.</returns>
    public bool Fill()
    {
        _rows.Clear();
        _used = _taken = 0;
        while (_at < _parts.Count)
        {
            if (_iterator is null)
            {
                var (shard, range) = _parts[_at];
                _iterator = shard.Tree.Iterate(new IterateOptions
                {
                    Start = range.Start.ToArray(),
                    End = range.HasEnd ? range.End.ToArray() : null,
                    Point = ReadPoint.AsOf(Moment),
                });
                _iterator.SeekToFirst();
            }
            for (; _iterator.Valid && _used < BytesMax && _rows.Count < RowsMax; _iterator.Next()) Copy(_iterator);
            _rowsPart = _at;
            if (!_iterator.Valid) EndPart();
            if (_rows.Count > 0) return true;
        }
        return false;
    }

    void Copy(TreeIterator row)
    {
        var key = row.Key;
        var value = row.Value;
        var needed = _used + (long)key.Length + value.Length;
        if (needed > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(needed, Math.Max(BytesMax, 2L * _bytes.Length))));
        key.CopyTo(_bytes.AsSpan(_used));
        value.CopyTo(_bytes.AsSpan(_used + key.Length));
        _rows.Add(new(row.Version, row.Expiry, _used, key.Length, value.Length));
        _used += key.Length + value.Length;
    }

    void EndPart()
    {
        _iterator!.Dispose();
        _iterator = null;
        _held[_at++].Dispose();
    }

    public void Dispose()
    {
        _iterator?.Dispose();
        _iterator = null;
        foreach (var held in _held) held.Dispose();
        _at = _parts.Count;
    }
}
