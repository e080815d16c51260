// VectorIndexes: the indexes of a database's vector collections: one for each collection that the catalog names, begun and ended as the catalog changes.

using System.Collections.Concurrent;
using System.Globalization;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Shards;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Vectors;

namespace Aevum.Engine.Indexes;

public sealed class VectorIndexes : IDisposable
{
    const int TailRowsAtClose = 2048;   // some hundred milliseconds

    readonly LocalShards _shards;
    readonly IScheduler _scheduler;
    readonly EngineOptions _options;
    readonly IFileSystem _files;
    readonly string? _directory;
    readonly ConcurrentDictionary<KeyspaceId, CollectionIndex> _indexes = new();
    readonly Lock _gate = new();
    readonly List<CollectionIndex> _ending = [];
    bool _disposed;

    /// <param name="directory">Of all their files, a folder for each; null: they live in memory alone.</param>
    internal VectorIndexes(LocalShards shards, IScheduler scheduler, IFileSystem files, string? directory, EngineOptions options)
    {
        _files = files;
        _directory = directory;
        _shards = shards;
        _scheduler = scheduler;
        _options = options;
        Budget = new MemoryBudget(options.VectorMemoryBytes);
    }

    /// <summary>What indexes take their native memory from.</summary>
    public MemoryBudget Budget { get; }

    /// <summary>In no particular order.</summary>
    public IEnumerable<CollectionIndex> All => _indexes.Values;

    /// <summary>Null: the keyspace is no collection, or is one no more.</summary>
    public CollectionIndex? Find(KeyspaceId keyspace) => _indexes.GetValueOrDefault(keyspace);

    /// <summary>Begins what the catalog names anew, ends what it names no more.</summary>
    internal void Follow(CatalogSnapshot catalog)
    {
        lock (_gate)
        {
            if (_disposed) return;
            foreach (var (id, index) in _indexes)
                if (catalog.FindKeyspace(id) is null && _indexes.TryRemove(id, out _)) EndLocked(index);
            foreach (var keyspace in catalog.Keyspaces)
                if (keyspace.Kind == KeyspaceKind.Vectors && !_indexes.ContainsKey(keyspace.Id))
                    _indexes[keyspace.Id] = new CollectionIndex(
                        _shards, keyspace, _scheduler, _files, FolderOf(keyspace.Id), Budget, _options.VectorTailRows, _options.VectorSealRows);
        }
    }

    // Not waited for: who changes the catalog holds others up.
    void EndLocked(CollectionIndex index)
    {
        index.End(isDropped: true);
        _ending.RemoveAll(ended => ended.IsEnded);
        _ending.Add(index);
    }

    string? FolderOf(KeyspaceId keyspace) => _directory is null
        ? null
        : FilePaths.Combine(_directory, keyspace.Value.ToString("x16", CultureInfo.InvariantCulture));

    /// <summary>At an open: deletes what is left of collections that are gone.</summary>
    internal void DeleteLeftOvers(CatalogSnapshot catalog)
    {
        if (_directory is null || !_files.DirectoryExists(_directory)) return;
        try
        {
            foreach (var folder in _files.ListDirectories(_directory))
                if (!ulong.TryParse(folder, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id)
                    || catalog.FindKeyspace(KeyspaceId.FromValue(id)) is not { Kind: KeyspaceKind.Vectors })
                    _files.DeleteTree(FilePaths.Combine(_directory, folder));
        }
        catch (AevumException)
        {
            // They take space, and nothing else.
        }
    }

    /// <summary>At a close: saves what has changed, but of an index that is far behind: building it is the next open's.</summary>
    internal void SaveForClose()
    {
        foreach (var (_, index) in _indexes)
            if (index.TailRows <= TailRowsAtClose) index.Save();
    }

    /// <summary>Saves every index that has changed (<see cref="CollectionIndex.Save"/>).</summary>
    /// <returns>How many could be saved.</returns>
    /// <exception cref="AevumException">DiskFull, InputOutput.</exception>
    public int SaveAll() => _indexes.Values.Count(index => index.Save());

    public void Dispose()
    {
        lock (_gate) _disposed = true;
        foreach (var (_, index) in _indexes) index.End();
        foreach (var (_, index) in _indexes) index.Dispose();
        foreach (var index in _ending) index.Dispose();
    }
}
