// Tree, describing: what there is in it, for statistics and for walks over history: sizes by level, bytes of a range, keys that ever were.

using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

/// <summary>The tables of one level.</summary>
/// <param name="History">True: of superseded versions.</param>
/// <param name="Level">0 to 6.</param>
/// <param name="Tables">How many files.</param>
/// <param name="Bytes">Their length.</param>
/// <param name="Versions">Versions and range deletes in them.</param>
public sealed record LevelShape(bool History, int Level, int Tables, long Bytes, long Versions);

/// <summary>What a tree holds.</summary>
/// <param name="Levels">Those with tables.</param>
/// <param name="MemtableBytes">Memory taken by what is not in tables yet.</param>
/// <param name="MemtableVersions">Versions and range deletes in it.</param>
public sealed record TreeShape(IReadOnlyList<LevelShape> Levels, long MemtableBytes, long MemtableVersions);

public sealed partial class Tree
{
    /// <summary>Counts what is there now.</summary>
    public TreeShape Describe()
    {
        var state = AcquireState();
        try
        {
            var levels = new List<LevelShape>();
            foreach (var history in (bool[])[false, true])
                for (var level = 0; level < TreeVersion.LevelCount; level++)
                {
                    var tables = state.Version.Picture.Shape(history)[level];
                    if (tables.Length == 0) continue;
                    levels.Add(new(history, level, tables.Length, TreeVersion.Bytes(tables), tables.Sum(t => t.Entries + t.RangeDeletes)));
                }
            var memtables = state.Frozen.Append(state.Active).Where(m => !m.Table.IsEmpty).ToList();
            var remembered = state.Remembered?.Table.AllocatedBytes ?? 0;
            return new(levels, memtables.Sum(m => m.Table.AllocatedBytes) + remembered, memtables.Sum(m => m.Table.Count));
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>About how many bytes of tables, history tables included, hold the keys of [start, end): whole blocks are counted.</summary>
    /// <param name="end">Null: to the end.</param>
    public long ApproximateBytes(byte[] start, byte[]? end)
    {
        var state = AcquireState();
        try
        {
            long bytes = 0;
            foreach (var table in state.Version.Levels.Concat(state.Version.History).SelectMany(t => t))
            {
                if (!table.Meta.Overlaps(start, end, endExclusive: true)) continue;
                using var lease = table.Acquire();
                bytes += lease.Reader.ApproximateBytes(start, end);
            }
            return bytes;
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>Keys of [start, end) of which any version is kept, deleted ones too, in order.</summary>
    /// <param name="end">Null: to the end.</param>
    /// <param name="limit">At most so many; who wants more asks again from behind the last one.</param>
    public IReadOnlyList<byte[]> ListKeys(byte[] start, byte[]? end, int limit)
    {
        var state = AcquireState();
        try
        {
            var keys = new List<byte[]>();
            var sources = TreeSources.Open(state, ulong.MaxValue, withHistory: true, fillCache: true);
            using var cursor = sources.Cursor;
            for (cursor.Seek(start, ulong.MaxValue); cursor.Valid; cursor.Next())
            {
                if (end is not null && cursor.Key.SequenceCompareTo(end) >= 0) break;
                if (keys.Count > 0 && cursor.Key.SequenceEqual(keys[^1])) continue;
                if (keys.Count == limit) break;
                keys.Add(cursor.Key.ToArray());
            }
            return keys;
        }
        finally
        {
            state.Release();
        }
    }
}
