// TableInspection: aevum inspect table PATH: footer, properties, range deletes, versions in order; then what a verification of the whole says.

using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Storage.Caching;
using Aevum.Storage.Tables;

namespace Aevum.Cli.Inspection;

static class TableInspection
{
    const long CacheBytes = 8 << 20;

    public static bool Run(IFileSystem files, string path, Dump dump)
    {
        dump.Field("file", path);
        dump.Field("bytes", files.FileLength(path));
        using var cache = new BlockCache(CacheBytes);
        using var table = TableReader.Open(files, path, TableReader.AnyTableId, cache);
        var footer = table.Footer;
        dump.Field("data", $"0 to {footer.DataLength}");
        dump.Field("filter", Part(footer.Filter));
        dump.Field("range delete block", Part(footer.RangeDeletes));
        dump.Field("index", Part(footer.Index) + (table.IsPartitioned ? ", partitioned" : ""));
        dump.Field("property block", Part(footer.Properties));
        foreach (var (name, value) in table.Properties.Numbers) dump.Field(name, IsTime(name) ? InspectCommand.Time(value) : value);
        dump.Field("key.smallest", ByteText.OfStoredKey(table.Properties.SmallestKey));
        dump.Field("key.largest", ByteText.OfStoredKey(table.Properties.LargestKey));
        foreach (var (name, value) in table.Properties.Others) dump.Field(name, ByteText.OfValue(value));

        dump.Begin("range deletes");
        foreach (var range in table.RangeDeletes.Flatten())
            dump.Item(("start", ByteText.OfStoredKey(range.Start)), ("end", ByteText.OfStoredKey(range.End)), ("version", InspectCommand.Time(range.Version)));
        dump.End();
        AddVersions(dump, table);
        var problems = table.Verify();
        dump.Begin("problems");
        foreach (var problem in problems) dump.Item(("at", problem.Offset), ("damage", problem.Text));
        dump.End();
        return problems.Count == 0;
    }

    static void AddVersions(Dump dump, TableReader table)
    {
        dump.Begin("versions");
        var left = (long)table.Properties.Entries;
        try
        {
            using var cursor = table.CreateCursor(TableCursorOptions.Bypass);
            for (cursor.SeekToFirst(); cursor.Valid && dump.WantsItems; cursor.Next(), left--)
                dump.Item(
                    ("key", ByteText.OfStoredKey(cursor.Key)), ("version", InspectCommand.Time(cursor.Version)),
                    ("kind", cursor.Kind.ToString().ToLowerInvariant()),
                    ("expiry", InspectCommand.Time(cursor.Expiry)), ("end", InspectCommand.Time(cursor.End)), ("value", ByteText.OfValue(cursor.Value)));
        }
        catch (CorruptionException)
        {
            // The verification that follows names the block.
        }
        if (!dump.WantsItems) dump.Skip(left);
        dump.End();
    }

    static bool IsTime(string property) => property is "version.min" or "version.max" or "expiry.min" or "expiry.max" or "end.max";

    static string Part(BlockHandle handle) => handle.IsNone ? "none" : $"{handle.Offset}, {handle.Length} bytes";
}
