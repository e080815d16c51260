// Dump: a nested description, printed as indented text or as one JSON object. A command says once what there is; both forms follow.
//
//   Field("entries", 12)          entries        12                      "entries": 12
//   Begin("blocks") ... End()     blocks                                 "blocks": [
//   Item(fields)                    offset 0  bytes 812                      {"offset": 0, "bytes": 812},
//
// Numbers of 64 bits that are times, and ids, go as text: JSON numbers have 53 bits.

using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Cli.Terminals;

namespace Aevum.Cli.Inspection;

sealed class Dump : IDisposable
{
    readonly Terminal _terminal;
    readonly MemoryStream? _stream;
    readonly Utf8JsonWriter? _json;
    readonly int _limit;
    long _items;
    bool _inList;

    /// <param name="limit">Items printed of each list; the others are counted.</param>
    public Dump(Terminal terminal, bool json, int limit)
    {
        _terminal = terminal;
        _limit = limit;
        if (!json) return;
        _stream = new MemoryStream();
        _json = new Utf8JsonWriter(_stream, JsonOptions.Writing);
        _json.WriteStartObject();
    }

    public void Field(string name, object? value)
    {
        // Damage met in the middle of a list ends it.
        if (_inList) End();
        if (_json is not null) WriteJson(name, value);
        else _terminal.Out.WriteLine($"{name,-18} {Text(value)}");
    }

    public void Begin(string list)
    {
        _items = 0;
        _inList = true;
        if (_json is not null) _json.WriteStartArray(list);
        else _terminal.Out.WriteLine($"{list}");
    }

    /// <summary>True while items of this list are still printed; making others would be for nothing.</summary>
    public bool WantsItems => _inList && _items < _limit;

    /// <summary>Adds an item to the list that was begun.</summary>
    public void Item(params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        if (_items++ >= _limit) return;
        if (_json is not null)
        {
            _json.WriteStartObject();
            foreach (var (name, value) in fields) WriteJson(name, value);
            _json.WriteEndObject();
            return;
        }
        var line = new StringBuilder(" ");
        foreach (var (name, value) in fields)
            if (value is not null) line.Append(' ').Append(_terminal.Paint(Tone.Quiet, name)).Append(' ').Append(Text(value)).Append(' ');
        _terminal.Out.WriteLine(line.ToString().TrimEnd());
    }

    /// <summary>Counts items that were not made because none are wanted any more.</summary>
    public void Skip(long count) => _items += count;

    public void End()
    {
        _inList = false;
        var left = Math.Max(0, _items - _limit);
        if (_json is not null)
        {
            _json.WriteEndArray();
            return;
        }
        if (_items == 0) _terminal.Out.WriteLine("  none");
        if (left > 0) _terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  ... and {left:N0} more (--limit {_limit})"));
    }

    public void Dispose()
    {
        if (_json is null) return;
        if (_inList) _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Dispose();
        _terminal.Out.WriteLine(Encoding.UTF8.GetString(_stream!.ToArray()));
    }

    static string Text(object? value) => value switch
    {
        null => "none",
        long or int or uint or ulong => string.Format(CultureInfo.InvariantCulture, "{0:N0}", value),
        bool truth => truth ? "yes" : "no",
        _ => value.ToString() ?? "",
    };

    void WriteJson(string name, object? value)
    {
        name = name.Replace(' ', '_');
        switch (value)
        {
            case null: _json!.WriteNull(name); break;
            case bool truth: _json!.WriteBoolean(name, truth); break;
            case int number: _json!.WriteNumber(name, number); break;
            case uint number: _json!.WriteNumber(name, number); break;
            case long number when Math.Abs(number) < 1L << 53: _json!.WriteNumber(name, number); break;
            case ulong number when number < 1UL << 53: _json!.WriteNumber(name, number); break;
            default: _json!.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }
}
