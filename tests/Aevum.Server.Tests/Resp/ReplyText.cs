using System.Globalization;
using System.Text;

namespace Aevum.Server.Tests.Resp;

/// <summary>Replies as short text: OK, (error) ..., 12, "bulk" as bulk, (nil), [a, b], {k: v}, ~[set], >[push]. Several one behind the other.</summary>
static class ReplyText
{
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var parts = new List<string>();
        while (!bytes.IsEmpty) parts.Add(One(ref bytes));
        return string.Join(' ', parts);
    }

    static string One(ref ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\r\n"u8);
        var kind = (char)bytes[0];
        var line = Encoding.Latin1.GetString(bytes[1..end]);
        bytes = bytes[(end + 2)..];
        switch (kind)
        {
            case '+': return line;
            case '-': return "(error) " + line;
            case ':': return line;
            case ',': return line;
            case '#': return line == "t" ? "true" : "false";
            case '_': return "(nil)";
            case '$' or '=':
                var length = int.Parse(line, CultureInfo.InvariantCulture);
                if (length < 0) return "(nil)";
                var text = Encoding.Latin1.GetString(bytes[..length]);
                Assert.True(bytes[length..].StartsWith("\r\n"u8), "a bulk string does not end where it should");
                bytes = bytes[(length + 2)..];
                return text;
            case '*' or '~' or '>' or '%':
                var count = int.Parse(line, CultureInfo.InvariantCulture);
                if (count < 0) return "(nil)";
                var parts = new List<string>();
                for (var i = 0; i < count; i++) parts.Add(kind == '%' ? $"{One(ref bytes)}: {One(ref bytes)}" : One(ref bytes));
                var inner = string.Join(", ", parts);
                return kind switch { '*' => $"[{inner}]", '~' => $"~[{inner}]", '>' => $">[{inner}]", _ => $"{{{inner}}}" };
            default: throw new Xunit.Sdk.XunitException($"no reply begins with '{kind}'");
        }
    }
}
