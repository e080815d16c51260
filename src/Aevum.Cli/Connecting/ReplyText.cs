// ReplyText: a reply as redis-cli shows it: to a person with what it is and where it stands; to a pipe as it is, one part a line; and as JSON.
//
//   person    "text"   (integer) 5   (nil)   (error) ERR ...   1) first   1~ of a set   1# "key" => "value"
//
// Nothing shown to a person holds a control character, so no stored byte can play with the terminal; verbatim text is the exception Redis makes, and
// there they are taken out too.

using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Aevum.Cli.Connecting;

static class ReplyText
{
    /// <summary>For a person; ends in a line feed.</summary>
    public static string ForPerson(RespReply reply)
    {
        var text = new StringBuilder();
        AddForPerson(text, reply, "");
        return text.ToString();
    }

    static void AddForPerson(StringBuilder text, RespReply reply, string prefix)
    {
        switch (reply.Kind)
        {
            case RespKind.Nil: text.Append("(nil)\n"); break;
            case RespKind.Status: text.Append(Harmless(reply.Text)).Append('\n'); break;
            case RespKind.Error: text.Append("(error) ").Append(Harmless(reply.Text)).Append('\n'); break;
            case RespKind.Integer: text.Append(CultureInfo.InvariantCulture, $"(integer) {reply.Number}\n"); break;
            case RespKind.Double: text.Append("(double) ").Append(Harmless(reply.Text)).Append('\n'); break;
            case RespKind.BigNumber: text.Append(Harmless(reply.Text)).Append('\n'); break;
            case RespKind.Boolean: text.Append(reply.Number == 1 ? "(true)\n" : "(false)\n"); break;
            case RespKind.Verbatim: text.Append(Harmless(Encoding.UTF8.GetString(Unmarked(reply)))).Append('\n'); break;
            case RespKind.Text:
                AddQuoted(text, reply.Bytes);
                text.Append('\n');
                break;
            default: AddParts(text, reply, prefix); break;
        }
    }

    static void AddParts(StringBuilder text, RespReply reply, string prefix)
    {
        var (empty, mark) = reply.Kind switch
        {
            RespKind.Set => ("(empty set)\n", '~'),
            RespKind.Map => ("(empty hash)\n", '#'),
            RespKind.Push => ("(empty push)\n", ')'),
            _ => ("(empty array)\n", ')'),
        };
        if (reply.Parts.Count == 0)
        {
            text.Append(empty);
            return;
        }
        var step = reply.Kind == RespKind.Map ? 2 : 1;
        var digits = (reply.Parts.Count / step).ToString(CultureInfo.InvariantCulture).Length;
        var inner = prefix + new string(' ', digits + 2);
        for (var i = 0; i < reply.Parts.Count; i += step)
        {
            if (i > 0) text.Append(prefix);   // before the first one stands the number of what it is a part of
            text.Append(((i / step) + 1).ToString(CultureInfo.InvariantCulture).PadLeft(digits)).Append(mark).Append(' ');
            AddForPerson(text, reply.Parts[i], inner);
            if (reply.Kind != RespKind.Map) continue;
            text.Length--;
            text.Append(" => ");
            AddForPerson(text, reply.Parts[i + 1], inner);
        }
    }

    static void AddQuoted(StringBuilder text, byte[] bytes)
    {
        text.Append('"');
        foreach (var letter in bytes)
            _ = (char)letter switch
            {
                '\\' or '"' => text.Append('\\').Append((char)letter),
                '\n' => text.Append(@"\n"),
                '\r' => text.Append(@"\r"),
                '\t' => text.Append(@"\t"),
                '\a' => text.Append(@"\a"),
                '\b' => text.Append(@"\b"),
                >= ' ' and <= '~' => text.Append((char)letter),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\x{letter:x2}"),
            };
        text.Append('"');
    }

    static string Harmless(string text) => string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '?' : c));

    // "txt:" stands before the text itself.
    static byte[] Unmarked(RespReply reply) => reply.Bytes.Length >= 4 ? reply.Bytes[4..] : reply.Bytes;

    /// <summary>For a pipe: bytes as they are, parts on lines of their own, of a map a key and its value on one; ends in a line feed.</summary>
    public static void WriteRaw(Stream target, RespReply reply)
    {
        AddRaw(target, reply);
        target.WriteByte((byte)'\n');
    }

    static void AddRaw(Stream target, RespReply reply)
    {
        switch (reply.Kind)
        {
            case RespKind.Nil: break;
            case RespKind.Integer: target.Write(Encoding.ASCII.GetBytes(reply.Number.ToString(CultureInfo.InvariantCulture))); break;
            case RespKind.Boolean: target.Write(reply.Number == 1 ? "(true)"u8 : "(false)"u8); break;
            case RespKind.Verbatim: target.Write(Unmarked(reply)); break;
            case RespKind.Error:
                target.Write(reply.Bytes);
                target.WriteByte((byte)'\n');   // redis-cli leaves a line empty behind an error
                break;
            case RespKind.Map:
                for (var i = 0; i < reply.Parts.Count; i++)
                {
                    if (i > 0) target.WriteByte(i % 2 == 0 ? (byte)'\n' : (byte)' ');
                    AddRaw(target, reply.Parts[i]);
                }
                break;
            case RespKind.Array or RespKind.Set or RespKind.Push:
                for (var i = 0; i < reply.Parts.Count; i++)
                {
                    if (i > 0) target.WriteByte((byte)'\n');
                    AddRaw(target, reply.Parts[i]);
                }
                break;
            default: target.Write(reply.Bytes); break;
        }
    }

    /// <summary>One line of JSON. Bytes that are no text are {"base64": ...}; whole numbers beyond 53 bits, and what is no finite number, are
    /// strings.</summary>
    public static void WriteJson(Utf8JsonWriter json, RespReply reply)
    {
        switch (reply.Kind)
        {
            case RespKind.Nil: json.WriteNullValue(); break;
            case RespKind.Boolean: json.WriteBooleanValue(reply.Number == 1); break;
            case RespKind.Integer when Math.Abs((decimal)reply.Number) < 1L << 53: json.WriteNumberValue(reply.Number); break;
            case RespKind.Integer: json.WriteStringValue(reply.Number.ToString(CultureInfo.InvariantCulture)); break;
            case RespKind.Double when double.TryParse(reply.Bytes, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case RespKind.Error:
                json.WriteStartObject();
                json.WriteString("error", reply.Text);
                json.WriteEndObject();
                break;
            case RespKind.Push:
                json.WriteStartObject();
                json.WritePropertyName("push");
                WriteArray(json, reply.Parts);
                json.WriteEndObject();
                break;
            case RespKind.Array or RespKind.Set: WriteArray(json, reply.Parts); break;
            case RespKind.Map: WriteMap(json, reply.Parts); break;
            case RespKind.Verbatim: WriteBytes(json, Unmarked(reply)); break;
            default: WriteBytes(json, reply.Bytes); break;
        }
    }

    static void WriteArray(Utf8JsonWriter json, IReadOnlyList<RespReply> parts)
    {
        json.WriteStartArray();
        foreach (var part in parts) WriteJson(json, part);
        json.WriteEndArray();
    }

    // An object where all keys are text and differ, else a list of pairs.
    static void WriteMap(Utf8JsonWriter json, IReadOnlyList<RespReply> parts)
    {
        var keys = parts.Where((_, i) => i % 2 == 0).ToArray();
        if (keys.All(k => k.Kind is RespKind.Text or RespKind.Status && Utf8.IsValid(k.Bytes)) && keys.Select(k => k.Text).Distinct().Count() == keys.Length)
        {
            json.WriteStartObject();
            for (var i = 0; i < parts.Count; i += 2)
            {
                json.WritePropertyName(parts[i].Text);
                WriteJson(json, parts[i + 1]);
            }
            json.WriteEndObject();
            return;
        }
        json.WriteStartArray();
        for (var i = 0; i < parts.Count; i += 2) WriteArray(json, [parts[i], parts[i + 1]]);
        json.WriteEndArray();
    }

    static void WriteBytes(Utf8JsonWriter json, byte[] bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            json.WriteStringValue(bytes);
            return;
        }
        json.WriteStartObject();
        json.WriteString("base64", Convert.ToBase64String(bytes));
        json.WriteEndObject();
    }
}
