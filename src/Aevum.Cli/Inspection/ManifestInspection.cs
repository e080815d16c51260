// ManifestInspection: aevum inspect manifest PATH: each record of a manifest as the edit it holds, in order.

using System.Text;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Versions;

namespace Aevum.Cli.Inspection;

static class ManifestInspection
{
    const int NameBytesMax = 64;

    public static bool Run(IFileSystem files, string path, Dump dump)
    {
        if (files.DirectoryExists(path)) path = InForce(files, path);
        dump.Field("file", path);
        var bytes = files.ReadAllBytes(path);
        dump.Field("bytes", bytes.Length);
        dump.Begin("edits");
        long cut;
        try
        {
            cut = Manifest.ReadRecords(path, bytes, (offset, content) => AddEdit(dump, offset, content.Length, VersionEditCodec.Decode(content)));
        }
        finally
        {
            dump.End();
        }
        dump.Field("unfinished bytes", cut);
        return true;
    }

    // What CURRENT names is not trusted to be a name: only a manifest's is followed.
    static string InForce(IFileSystem files, string directory)
    {
        var shards = FilePaths.Combine(directory, "shards");
        if (files.DirectoryExists(shards))
        {
            var folders = files.ListDirectories(shards);
            if (folders.Count != 1) Throw.Invalid($"{directory} has {folders.Count} shards, each with a manifest: give one of {shards}");
            directory = FilePaths.Combine(shards, folders[0]);
        }
        var current = FilePaths.Combine(directory, Manifest.CurrentName);
        var text = files.ReadAllBytes(current);
        var name = Encoding.ASCII.GetString(text, 0, Math.Min(text.Length, NameBytesMax)).TrimEnd('\n');
        if (!name.StartsWith(Manifest.Prefix, StringComparison.Ordinal) || name.AsSpan(Manifest.Prefix.Length).ContainsAnyExceptInRange('0', '9'))
            Throw.Corruption(current, 0, "the name of a manifest");
        return FilePaths.Combine(directory, name);
    }

    static void AddEdit(Dump dump, long offset, int length, VersionEdit edit)
    {
        dump.Item(
            ("offset", offset), ("bytes", length), ("added", edit.Added.Count), ("removed", edit.Removed.Count),
            ("applied position", edit.AppliedPosition), ("greatest time", edit.GreatestTime is { } time ? InspectCommand.Time(time) : null),
            ("next table", edit.NextTableId is { } next ? $"{next:x16}" : null), ("database", edit.DatabaseId), ("timeline", edit.Timeline));
        foreach (var (keyspace, floor) in edit.Floors) dump.Item(("floor of", $"{keyspace:x16}"), ("time", InspectCommand.Time(floor)));
        foreach (var (history, level, id) in edit.Removed) dump.Item(("remove", $"{id:x16}"), ("level", Level(history, level)));
        foreach (var (history, level, table) in edit.Added)
            dump.Item(
                ("add", $"{table.Id:x16}"), ("level", Level(history, level)), ("bytes", table.FileBytes), ("entries", table.Entries),
                ("range deletes", table.RangeDeletes), ("smallest", ByteText.OfStoredKey(table.Smallest)), ("largest", ByteText.OfStoredKey(table.Largest)),
                ("from", InspectCommand.Time(table.MinVersion)), ("to", InspectCommand.Time(table.MaxVersion)),
                ("last end", InspectCommand.Time(table.MaxEnd)));
    }

    static string Level(bool history, int level) => history ? $"history {level}" : $"{level}";
}
