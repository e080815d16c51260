// ByteText: keys and values as people see them, and back.
//
//   value   text where it is text (UTF-8 without control characters but tab, line feed and carriage return, which appear as \t \n \r), else
//           0x and the first bytes in hex, with the length
//   key     as it is where it is one plain word, else in double quotes with \" \\ \t \n \r and \xNN for bytes that are no text; what is
//           shown for a key can be typed back
//
// Nothing shown can hold a control character, so no stored byte can play with the terminal.

using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Aevum.Core.Errors;
using Aevum.Model.Keyspace;

namespace Aevum.Cli.Terminals;

static class ByteText
{
    const int HexBytesMax = 32;

    public static string OfValue(ReadOnlySpan<byte> value)
    {
        if (IsText(value)) return Escape(Encoding.UTF8.GetString(value), quotes: false);
        var shown = value[..Math.Min(value.Length, HexBytesMax)];
        var rest = value.Length > HexBytesMax ? "..." : "";
        return string.Create(CultureInfo.InvariantCulture, $"0x{Convert.ToHexStringLower(shown)}{rest} ({value.Length} bytes)");
    }

    public static string OfKey(ReadOnlySpan<byte> key)
    {
        if (IsText(key))
        {
            var text = Encoding.UTF8.GetString(key);
            var plain = text.Length > 0 && text[0] != '#' && !text.Any(c => char.IsWhiteSpace(c) || c == '"');
            return plain ? text : $"\"{Escape(text, quotes: true)}\"";
        }
        var escaped = new StringBuilder("\"");
        foreach (var b in key)
        {
            if (b is >= 0x20 and < 0x7F and not (byte)'"' and not (byte)'\\') escaped.Append((char)b);
            else escaped.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
        }
        return escaped.Append('"').ToString();
    }

    /// <summary>A key as it lies in a tree: of a database it begins with its keyspace's two ids, which are shown before it as 1/2:key. Ids of namespaces are
    /// small, so such a key begins with a zero byte; one of a single tree that does so too is shown in the same way.</summary>
    public static string OfStoredKey(ReadOnlySpan<byte> key) =>
        key.Length >= KeyspaceId.PrefixBytes && key[0] == 0 && KeyspaceId.TryRead(key, out var keyspace)
            ? $"{keyspace}:{(key.Length == KeyspaceId.PrefixBytes ? "" : OfKey(key[KeyspaceId.PrefixBytes..]))}" : OfKey(key);

    /// <summary>The words of a line: separated by white space; in double quotes anything, with the escapes above.</summary>
    /// <exception cref="AevumException">InvalidArgument: a quote is not closed, or an escape is none.</exception>
    public static List<byte[]> SplitWords(string line)
    {
        var words = new List<byte[]>();
        var word = new List<byte>();
        for (var at = 0; at < line.Length;)
        {
            if (char.IsWhiteSpace(line[at]))
            {
                at++;
                continue;
            }
            word.Clear();
            while (at < line.Length && !char.IsWhiteSpace(line[at]))
            {
                if (line[at] == '"') ReadQuoted(line, ref at, word);
                else AddText(line, ref at, word);
            }
            words.Add([.. word]);
        }
        return words;
    }

    static void ReadQuoted(string line, ref int at, List<byte> word)
    {
        for (at++; ;)
        {
            if (at >= line.Length) Throw.Invalid("a quote is not closed");
            if (line[at] == '"')
            {
                at++;
                return;
            }
            if (line[at] != '\\')
            {
                AddText(line, ref at, word);
                continue;
            }
            var escape = at + 1 < line.Length ? line[at + 1] : ' ';
            switch (escape)
            {
                case '"' or '\\': word.Add((byte)escape); break;
                case 't': word.Add((byte)'\t'); break;
                case 'n': word.Add((byte)'\n'); break;
                case 'r': word.Add((byte)'\r'); break;
                case 'x' when TryHexByte(line.AsSpan(at + 2), out var b):
                    word.Add(b);
                    at += 2;
                    break;
                default: Throw.Invalid($"'\\{escape}' is no escape: \\\" \\\\ \\t \\n \\r and \\xNN are"); break;
            }
            at += 2;
        }
    }

    static bool TryHexByte(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        return text.Length >= 2 && byte.TryParse(text[..2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    static void AddText(string line, ref int at, List<byte> word)
    {
        var length = char.IsSurrogatePair(line, at) ? 2 : 1;
        word.AddRange(Encoding.UTF8.GetBytes(line, at, length));
        at += length;
    }

    static bool IsText(ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes)) return false;
        foreach (var rune in Encoding.UTF8.GetString(bytes).EnumerateRunes())
            if (rune.Value is not (9 or 10 or 13) && Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or
                UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned)
                return false;
        return true;
    }

    static string Escape(string text, bool quotes)
    {
        if (quotes) text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return text.Replace("\t", "\\t", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)
            .Replace("\r", "\\r", StringComparison.Ordinal);
    }
}
