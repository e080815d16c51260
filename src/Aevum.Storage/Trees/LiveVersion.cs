// LiveVersion: a TreeVersion with its tables at hand. Immutable; counted: by the tree while current, by every read state made with it.

using Aevum.Core.Diagnostics;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

sealed class LiveVersion
{
    int _references = 1;

    LiveVersion(TreeVersion picture, TableHandle[][] levels, TableHandle[][] history)
    {
        Picture = picture;
        IsEmpty = !picture.AllTables.Any();
        Levels = levels;
        History = history;
    }

    public TreeVersion Picture { get; }

    /// <summary>True if there are no tables.</summary>
    public bool IsEmpty { get; }

    /// <summary>The handles of Picture.Levels, index for index.</summary>
    public TableHandle[][] Levels { get; }

    public TableHandle[][] History { get; }

    IEnumerable<TableHandle> Handles => Levels.Concat(History).SelectMany(level => level);

    /// <summary>Builds a live version, taking over the handles of tables that <paramref name="before"/> already has.</summary>
    public static LiveVersion Create(TreeVersion picture, LiveVersion? before, TableStore store)
    {
        var known = before?.Handles.ToDictionary(h => h.Meta.Id) ?? [];
        TableHandle HandleOf(TableMeta meta)
        {
            if (!known.TryGetValue(meta.Id, out var handle)) return new TableHandle(meta, store);
            handle.AddReference();
            return handle;
        }
        TableHandle[][] All(TableMeta[][] levels) => [.. levels.Select(level => level.Select(HandleOf).ToArray())];
        return new(picture, All(picture.Levels), All(picture.History));
    }

    /// <summary>Marks what <paramref name="after"/> no longer names.</summary>
    public void MarkObsoleteExcept(TreeVersion after)
    {
        var kept = after.AllTables.Select(t => t.Id).ToHashSet();
        foreach (var handle in Handles)
            if (!kept.Contains(handle.Meta.Id)) handle.MarkObsolete();
    }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Require(left >= 0, "a version is released once per reference");
        if (left > 0) return;
        foreach (var handle in Handles) handle.Release();
    }
}
