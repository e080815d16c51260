// ConfigFile: the one file of a configuration: JSON (RFC 8259) of sections of keys, with comments and commas at ends allowed.
//
//   {
//     // where and how
//     "data": { "directory": "/var/lib/aevum", "sync": "always" },
//     "resp": { "listen": ["127.0.0.1:6379", "[::1]:6379"], "clients-max": 5000 },
//   }
//
// Values are texts, numbers, true and false, and lists of texts. What is wrong is told with its line, and reading goes on, so that all of it is told at
// once; only where the text is no JSON does it end there.

using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Aevum.Core.Errors;
using Aevum.Core.Files;

namespace Aevum.Server.Hosting.Configuration;

/// <param name="Name">section.key as it stands in the file.</param>
/// <param name="Text">A list's elements, apart by commas.</param>
/// <param name="Line">From 1.</param>
readonly record struct FileEntry(string Name, string Text, int Line);

static class ConfigFile
{
    const long BytesMax = 1 << 20;

    /// <param name="problems">Takes what is wrong with the file as a whole, file and line first.</param>
    /// <exception cref="AevumException">NotFound, InputOutput: it cannot be read.</exception>
    public static List<FileEntry> Read(IFileSystem files, string path, List<string> problems)
    {
        if (files.FileLength(path) > BytesMax) Throw.Limit($"the length of {path}", files.FileLength(path), BytesMax);
        return Read(files.ReadAllBytes(path), path, problems);
    }

    public static List<FileEntry> Read(ReadOnlySpan<byte> bytes, string path, List<string> problems)
    {
        var entries = new List<FileEntry>();
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        if (bytes.Trim(" \t\r\n"u8).IsEmpty) return entries;
        if (!Utf8.IsValid(bytes))
        {
            problems.Add($"{path}: expected text in UTF-8");
            return entries;
        }
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 16 });
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) problems.Add($"{path}: expected sections in braces, as in {{\"data\": {{\"sync\": \"os\"}}}}");
            else ReadSections(ref reader, bytes, path, entries, problems);
            while (reader.Read()) { }   // what stands behind the end is no JSON
        }
        catch (JsonException wrong)
        {
            problems.Add($"{path}:{wrong.LineNumber + 1}: {wrong.Message.Split(" LineNumber")[0]}");
        }
        catch (InvalidOperationException)
        {
            problems.Add($"{path}:{LineOf(reader, bytes)}: a text there is half a character (\\ud800 to \\udfff stand in pairs)");
        }
        return entries;
    }

    static void ReadSections(ref Utf8JsonReader reader, ReadOnlySpan<byte> bytes, string path, List<FileEntry> entries, List<string> problems)
    {
        var seen = new HashSet<string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var section = reader.GetString()!;
            var line = LineOf(reader, bytes);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                problems.Add($"{path}:{line}: \"{section}\" is a section: expected its keys in braces");
                reader.Skip();
                continue;
            }
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = $"{section}.{reader.GetString()}";
                line = LineOf(reader, bytes);
                reader.Read();
                if (TextOf(ref reader) is not { } text) problems.Add($"{path}:{line}: {name}: expected a text, a number, true, false or a list of texts");
                else if (!seen.Add(name)) problems.Add($"{path}:{line}: {name} stands there twice");
                else entries.Add(new FileEntry(name, text, line));
            }
        }
    }

    // Null: it is nothing that a key can be.
    static string? TextOf(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String: return reader.GetString();
            case JsonTokenType.Number: return Encoding.UTF8.GetString(reader.ValueSpan);
            case JsonTokenType.True: return "true";
            case JsonTokenType.False: return "false";
            case JsonTokenType.StartArray:
                var texts = new List<string>();
                var isOfTexts = true;
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    if (reader.TokenType == JsonTokenType.String) texts.Add(reader.GetString()!);
                    else
                    {
                        isOfTexts = false;
                        reader.Skip();
                    }
                }
                return isOfTexts ? string.Join(',', texts) : null;
            default:
                reader.Skip();
                return null;
        }
    }

    static int LineOf(Utf8JsonReader reader, ReadOnlySpan<byte> bytes) => bytes[..(int)reader.TokenStartIndex].Count((byte)'\n') + 1;
}
