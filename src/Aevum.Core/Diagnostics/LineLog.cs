// LineLog: a line for each thing that is told, to a writer.
//
//   text   2026-11-21T22:05:06.123Z warning certificate not reloaded file=/etc/a.pem why="expected a certificate"
//   json   {"time":"2026-11-21T22:05:06.123Z","level":"warning","message":"certificate not reloaded","file":"/etc/a.pem","why":"expected a certificate"}
//
// Always true: one thing is one line, whatever its fields hold; lines of several threads do not mix; a writer that fails is not an error here.

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Aevum.Core.Diagnostics;

public sealed class LineLog(TextWriter target, TimeProvider time, LogLevel least, bool asJson) : ILog
{
    static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Has to stand in quotes, or would end the line or the field.
    static readonly SearchValues<char> s_quoted = SearchValues.Create(" \"=\\\r\n\t\0\u001b\u0085\u2028\u2029");

    readonly Lock _gate = new();

    public bool Logs(LogLevel level) => level >= least && level < LogLevel.Off && least < LogLevel.Off;

    public void Write(LogLevel level, string message, params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        if (!Logs(level)) return;
        var moment = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var line = asJson ? AsJson(moment, level, message, fields) : AsText(moment, level, message, fields);
        try
        {
            lock (_gate)
            {
                target.WriteLine(line);
                target.Flush();
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody reads it; the process goes on.
        }
    }

    static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Debug => "debug",
        LogLevel.Info => "info",
        LogLevel.Warning => "warning",
        _ => "error",
    };

    static string AsText(string moment, LogLevel level, string message, ReadOnlySpan<(string Name, object? Value)> fields)
    {
        var text = new StringBuilder($"{moment} {NameOf(level)} {message}");
        foreach (var (name, value) in fields)
        {
            text.Append(' ').Append(name).Append('=');
            var shown = TextOf(value);
            if (shown.Length > 0 && !shown.AsSpan().ContainsAny(s_quoted)) text.Append(shown);
            else text.Append('"').Append(JsonEncodedText.Encode(shown, s_json.Encoder).Value).Append('"');
        }
        return text.ToString();
    }

    static string AsJson(string moment, LogLevel level, string message, ReadOnlySpan<(string Name, object? Value)> fields)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(bytes, s_json);
        writer.WriteStartObject();
        writer.WriteString("time", moment);
        writer.WriteString("level", NameOf(level));
        writer.WriteString("message", message);
        foreach (var (name, value) in fields)
        {
            switch (value)
            {
                case bool truth: writer.WriteBoolean(name, truth); break;
                case int number: writer.WriteNumber(name, number); break;
                case long number: writer.WriteNumber(name, number); break;
                case double number when double.IsFinite(number): writer.WriteNumber(name, number); break;
                default: writer.WriteString(name, TextOf(value)); break;
            }
        }
        writer.WriteEndObject();
        writer.Flush();
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    static string TextOf(object? value) => value switch
    {
        null => "",
        bool truth => truth ? "true" : "false",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
