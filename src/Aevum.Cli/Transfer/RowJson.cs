// RowJson: rows as JSON, one object a line (NDJSON), both ways.
//
//   key | key64          the key as text, or its bytes in base64 where they are no UTF-8
//   value | value64      the same of the value; not of a delete
//   change               "put" (may be left out), "deleted", "range-deleted"; "deleted": true says the second too
//   time, expiry         system times: decimal strings (written), or RFC 3339 with or without +counter
//   note                 {"actor", "run", "source", "trace", "idempotency_key"}, each text
//
// A file begins with a header, {"aevum": "export", ...}, which tells where it comes from; any reader of NDJSON may pass it over. A property that is
// none of these, or twice there, makes a line bad: what is not understood is not thrown away in silence.

using System.Text;
using System.Text.Json;
using Aevum.Cli.Terminals;
using Aevum.Core.Batches;
using Aevum.Core.Time;
using Aevum.Model.Access;

namespace Aevum.Cli.Transfer;

static class RowJson
{
    public const string HeaderName = "aevum";
    public const string ExportKind = "export";

    static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // ------------------------------------------------------------------------------------------------ writing

    public static void Write(Utf8JsonWriter json, Row row)
    {
        json.WriteStartObject();
        json.WriteBytes("key", row.Key);
        if (row.Change == ValueChange.Put) json.WriteBytes("value", row.Value);
        else json.WriteString("change", NameOf(row.Change));
        if (row.Time != SystemTime.None) json.WriteString("time", row.Time.ToString());
        if (row.Expiry != SystemTime.None) json.WriteString("expiry", row.Expiry.ToString());
        if (row.Note is { } note) WriteNote(json, note);
        json.WriteEndObject();
    }

    public static string NameOf(ValueChange change) => change switch
    {
        ValueChange.Put => "put",
        ValueChange.Deleted => "deleted",
        _ => "range-deleted",
    };

    public static void WriteNote(Utf8JsonWriter json, CommitNote note)
    {
        json.WriteStartObject("note");
        if (note.Actor is not null) json.WriteString("actor", note.Actor);
        if (note.Run is not null) json.WriteString("run", note.Run);
        if (note.Source is not null) json.WriteString("source", note.Source);
        if (note.Trace is not null) json.WriteString("trace", note.Trace);
        if (note.IdempotencyKey is not null) json.WriteString("idempotency_key", note.IdempotencyKey);
        json.WriteEndObject();
    }

    // ------------------------------------------------------------------------------------------------ reading

    /// <summary>A line of a file.</summary>
    /// <returns>Null: it is a header.</returns>
    /// <exception cref="BadRowException">It is neither row nor header.</exception>
    public static Row? Read(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new BadRowException("it is no JSON object");
            var row = new Fields();
            if (!row.Read(ref reader)) return null;
            if (reader.Read()) throw new BadRowException("something follows the object");
            return row.Finish();
        }
        catch (JsonException wrong)
        {
            throw new BadRowException($"it is no JSON: {wrong.Message}", wrong);
        }
        catch (InvalidOperationException wrong)
        {
            // Text that stands for half a character.
            throw new BadRowException("a text is no valid Unicode", wrong);
        }
    }

    // What has been read of a line.
    ref struct Fields
    {
        byte[]? _key, _value;
        ValueChange? _change;
        bool? _isDeleted;
        SystemTime? _time, _expiry;
        CommitNote? _note;

        // False: a header.
        public bool Read(ref Utf8JsonReader reader)
        {
            var isFirst = true;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                if (isFirst && name == HeaderName) return IsHeader(ref reader);
                isFirst = false;
                switch (name)
                {
                    case "key": Once(ref _key, Utf8(ref reader, name), name); break;
                    case "key64": Once(ref _key, Base64(ref reader, name), name); break;
                    case "value": Once(ref _value, Utf8(ref reader, name), name); break;
                    case "value64": Once(ref _value, Base64(ref reader, name), name); break;
                    case "change": Once(ref _change, Change(Text(ref reader, name)), name); break;
                    case "deleted": Once(ref _isDeleted, Truth(ref reader, name), name); break;
                    case "time": Once(ref _time, Time(ref reader, name), name); break;
                    case "expiry": Once(ref _expiry, Time(ref reader, name), name); break;
                    case "note": Once(ref _note, Note(ref reader), name); break;
                    default: throw new BadRowException($"nothing is known of \"{Short(name)}\"");
                }
            }
            return true;
        }

        // Its other properties are for people.
        static bool IsHeader(ref Utf8JsonReader reader)
        {
            if (reader.TokenType != JsonTokenType.String || reader.GetString() != ExportKind) throw new BadRowException("it is a header of another kind");
            while (reader.Read()) { }
            return false;
        }

        public readonly Row Finish()
        {
            if (_key is null) throw new BadRowException("there is no \"key\" or \"key64\"");
            var change = _change ?? (_isDeleted == true ? ValueChange.Deleted : ValueChange.Put);
            if (_isDeleted is { } deleted && deleted != (change != ValueChange.Put))
                throw new BadRowException("\"deleted\" and \"change\" contradict each other");
            if (change == ValueChange.Put && _value is null) throw new BadRowException("there is no \"value\" or \"value64\"");
            if (change != ValueChange.Put && (_value is not null || _expiry is not null)) throw new BadRowException("a delete has no value and no expiry");
            return new Row(_key, change, _value ?? [], _time ?? default, _expiry ?? default, _note);
        }

        static void Once<T>(ref T? field, T value, string name)
        {
            if (field is not null) throw new BadRowException($"\"{name}\" is there twice, or its like");
            field = value;
        }
    }

    static CommitNote Note(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new BadRowException("\"note\" is no object");
        var note = new CommitNote();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            var text = Text(ref reader, name);
            if (Encoding.UTF8.GetByteCount(text) > CommitNote.FieldBytesMax)
                throw new BadRowException($"\"{Short(name)}\" is longer than {CommitNote.FieldBytesMax} bytes");
            note = name switch
            {
                "actor" => note with { Actor = text },
                "run" => note with { Run = text },
                "source" => note with { Source = text },
                "trace" => note with { Trace = text },
                "idempotency_key" => note with { IdempotencyKey = text },
                _ => throw new BadRowException($"nothing is known of \"{Short(name)}\" in a note"),
            };
        }
        return note;
    }

    static string Text(ref Utf8JsonReader reader, string name) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new BadRowException($"\"{Short(name)}\" is no text");

    static byte[] Utf8(ref Utf8JsonReader reader, string name) => Strict.GetBytes(Text(ref reader, name));

    static byte[] Base64(ref Utf8JsonReader reader, string name)
    {
        _ = Text(ref reader, name);
        return reader.TryGetBytesFromBase64(out var bytes) ? bytes : throw new BadRowException($"\"{name}\" is no base64");
    }

    static bool Truth(ref Utf8JsonReader reader, string name) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw new BadRowException($"\"{name}\" is neither true nor false"),
    };

    static ValueChange Change(string name) => name switch
    {
        "put" => ValueChange.Put,
        "deleted" => ValueChange.Deleted,
        "range-deleted" => ValueChange.RangeDeleted,
        _ => throw new BadRowException($"there is no change \"{Short(name)}\""),
    };

    static SystemTime Time(ref Utf8JsonReader reader, string name) =>
        SystemTimeText.TryParse(Text(ref reader, name), out var time)
            ? time : throw new BadRowException($"\"{name}\" is no system time: a decimal string, or RFC 3339");

    static string Short(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
