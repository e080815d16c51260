// LevelPicture: a tree's tables drawn as text, for golden scripts:   L0: a-f#9 c-h#8:100   (smallest-largest#id:MiB), H1: ... for history.

using System.Globalization;
using System.Text;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Tests.Compaction;

static class LevelPicture
{
    public static TreeVersion Read(string input)
    {
        var shapes = new[] { TreeVersion.EmptyLevels(), TreeVersion.EmptyLevels() };
        foreach (var line in input.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, tables) = (line[..2], line[3..]);
            shapes[name[0] == 'H' ? 1 : 0][name[1] - '0'] =
                [.. tables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ReadTable)];
        }
        return new TreeVersion(shapes[0], shapes[1]);
    }

    static TableMeta ReadTable(string text)
    {
        var end = text.IndexOf('@', StringComparison.Ordinal);
        var maxEnd = end < 0 ? 0 : ulong.Parse(text.AsSpan(end + 1), CultureInfo.InvariantCulture);
        if (end >= 0) text = text[..end];
        var size = text.IndexOf(':', StringComparison.Ordinal);
        var mebibytes = size < 0 ? 1 : int.Parse(text.AsSpan(size + 1), CultureInfo.InvariantCulture);
        if (size >= 0) text = text[..size];
        var (range, id) = (text[..text.IndexOf('#', StringComparison.Ordinal)], text[(text.IndexOf('#', StringComparison.Ordinal) + 1)..]);
        var keys = range.Split('-');
        return new TableMeta
        {
            Id = ulong.Parse(id, CultureInfo.InvariantCulture),
            FileBytes = (long)mebibytes << 20,
            Smallest = Encoding.ASCII.GetBytes(keys[0]),
            Largest = Encoding.ASCII.GetBytes(keys[1]),
            Entries = 1,
            MinVersion = 1,
            MaxVersion = 1,
            MaxEnd = maxEnd,
        };
    }
}
