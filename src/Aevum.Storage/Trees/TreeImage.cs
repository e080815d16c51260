// TreeImage: what a tree is made of, apart from its table files: as bytes that a backup keeps, and back again as a manifest in another directory.
//
// The bytes are one edit of the manifest's format that makes the whole state from nothing (docs/formats/manifest.md).

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

/// <param name="Id">Names the file within its tree.</param>
/// <param name="Bytes">The file's length.</param>
public readonly record struct TreeImageTable(ulong Id, long Bytes);

public sealed class TreeImage
{
    readonly ManifestState _state;
    readonly SortedDictionary<ulong, TableMeta> _tables = [];

    internal TreeImage(ManifestState state)
    {
        _state = state;
        foreach (var table in state.Version.AllTables) _tables[table.Id] = table;
        Tables = [.. _tables.Values.Select(t => new TreeImageTable(t.Id, t.FileBytes))];
    }

    /// <summary>By id.</summary>
    public IReadOnlyList<TreeImageTable> Tables { get; }

    /// <summary>Every effect up to this position is in the tables, no later one is.</summary>
    public ulong AppliedPosition => _state.AppliedPosition;

    /// <summary>The earliest time at which the tables hold all that can be asked for: the greatest in them, and the greatest up to which a job has
    /// dropped what was superseded or had expired.</summary>
    public SystemTime CompleteFrom => new(Math.Max(_state.GreatestTime, _state.Floors.Values.DefaultIfEmpty().Max()));

    public byte[] Encode() => VersionEditCodec.Encode(_state.AsEdit());

    /// <exception cref="CorruptionException">The bytes make no tree.</exception>
    public static TreeImage Decode(ReadOnlySpan<byte> bytes)
    {
        var state = Manifest.Follow(new ManifestState(), VersionEditCodec.Decode(bytes));
        var image = new TreeImage(state);
        if (image._tables.Count != state.Version.AllTables.Count()) throw new CorruptionException("a tree names a table twice");
        return image;
    }

    /// <summary>Makes the manifest of a tree in a directory whose table files are there, synced, under the names of <see cref="TablePathOf"/>.</summary>
    public void WriteManifest(IFileSystem files, string directory) => Manifest.Create(files, directory, _state).Dispose();

    public static string TableFolderOf(string directory) => FilePaths.Combine(directory, TableStore.FolderName);

    public static string TablePathOf(string directory, ulong table) => FilePaths.Combine(TableFolderOf(directory), TableStore.FileNameOf(table));

    internal TableMeta MetaOf(ulong table) => _tables.TryGetValue(table, out var meta) ? meta : throw new AevumException(
        ErrorCode.NotFound, $"the tree names no table {TableStore.FileNameOf(table)}");
}
