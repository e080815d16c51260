// ExportHeader: the line before the rows of a keyspace: where they come from and what the keyspace was told, so that an import can make it again.
//
//   {"aevum": "export", "format": 1, "database", "namespace", "keyspace", "holds": "structures"?, "kind": "values" | "history",
//    "as_of", "prefix"?, "history_floor"?, "options": {"history": "forever" | "none" | "7.00:00:00", "compression"?,
//    "merge_operator"?, "default_time_to_live"?}}
//
// Properties that are not known here are for people, or for later programs.

using System.Globalization;
using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Catalog;

namespace Aevum.Cli.Transfer;

/// <param name="IsHistory">All versions, with their times.</param>
/// <param name="AsOf">When it was written, or as of when.</param>
/// <param name="Floor">From when on history is whole; None: from the beginning.</param>
/// <param name="Prefix">What the exported keys begin with; null: all were.</param>
sealed record ExportHeader(
    Guid Database, string Namespace, string Keyspace, bool IsHistory, SystemTime AsOf, KeyspaceOptions Options,
    SystemTime Floor = default, byte[]? Prefix = null,
    KeyspaceKind Kind = KeyspaceKind.KeyValue)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString(RowJson.HeaderName, RowJson.ExportKind);
        json.WriteNumber("format", 1);
        json.WriteString("database", Database);
        json.WriteString("namespace", Namespace);
        json.WriteString("keyspace", Keyspace);
        if (Kind == KeyspaceKind.Structures) json.WriteString("holds", "structures");
        json.WriteString("kind", IsHistory ? "history" : "values");
        json.WriteString("as_of", AsOf.ToString());
        if (Prefix is not null) json.WriteBytes("prefix", Prefix);
        if (Floor != SystemTime.None) json.WriteString("history_floor", Floor.ToString());
        json.WriteStartObject("options");
        json.WriteString("history", Options.History.ToString());
        if (Options.Compression != KeyspaceCompression.None) json.WriteString("compression", NameOf(Options.Compression));
        if (Options.MergeOperator is { } merge) json.WriteString("merge_operator", merge);
        if (Options.DefaultTimeToLive is { } lives) json.WriteString("default_time_to_live", lives.ToString("c"));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static string NameOf(KeyspaceCompression compression) => compression == KeyspaceCompression.Lz4 ? "lz4" : "brotli";

    /// <summary>A line, if it is a header.</summary>
    /// <exception cref="BadRowException">It is one, and says what makes no sense.</exception>
    public static ExportHeader? TryRead(ReadOnlySpan<byte> line)
    {
        if (RowJson.Read(line) is not null) return null;
        try
        {
            using var document = JsonDocument.Parse(line.ToArray());
            var root = document.RootElement;
            if (!root.TryGetProperty("format", out var format) || format.GetRawText() != "1") throw new BadRowException("the export has another format than 1");
            var isHistory = Text(root, "kind") == "history";
            var floor = root.TryGetProperty("history_floor", out _) ? Time(root, "history_floor") : SystemTime.None;
            return new ExportHeader(
                root.TryGetProperty("database", out var id) && id.TryGetGuid(out var database) ? database : default,
                Text(root, "namespace"), Text(root, "keyspace"), isHistory, Time(root, "as_of"), OptionsOf(root), floor,
                Kind: root.TryGetProperty("holds", out _) && Text(root, "holds") == "structures" ? KeyspaceKind.Structures : KeyspaceKind.KeyValue);
        }
        catch (Exception e) when (e is JsonException or AevumException or InvalidOperationException)
        {
            throw new BadRowException($"the header makes no sense: {e.Message}", e);
        }
    }

    static KeyspaceOptions OptionsOf(JsonElement root)
    {
        if (!root.TryGetProperty("options", out var options)) return new KeyspaceOptions { History = HistoryPolicy.Forever };
        var made = new KeyspaceOptions { History = History(Text(options, "history")) };
        if (options.TryGetProperty("compression", out _))
            made = made with
            {
                Compression = Text(options, "compression") switch
                {
                    "lz4" => KeyspaceCompression.Lz4,
                    "brotli" => KeyspaceCompression.Brotli,
                    var other => throw new BadRowException($"there is no compression \"{other}\""),
                },
            };
        if (options.TryGetProperty("merge_operator", out _)) made = made with { MergeOperator = Text(options, "merge_operator") };
        if (options.TryGetProperty("default_time_to_live", out _)) made = made with { DefaultTimeToLive = Span(Text(options, "default_time_to_live")) };
        return made;
    }

    static HistoryPolicy History(string text) => text switch
    {
        "none" => HistoryPolicy.None,
        "forever" => HistoryPolicy.Forever,
        _ => HistoryPolicy.For(Span(text)),
    };

    static TimeSpan Span(string text) => TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var span)
        ? span : throw new BadRowException($"\"{text}\" is no duration");

    static string Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : throw new BadRowException($"the header has no \"{name}\"");

    static SystemTime Time(JsonElement parent, string name) =>
        SystemTimeText.TryParse(Text(parent, name), out var time) ? time : throw new BadRowException($"\"{name}\" of the header is no system time");
}
