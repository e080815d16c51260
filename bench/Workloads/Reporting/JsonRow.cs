// JsonRow: a row as one line of JSON.
//
//   {"workload":"get disk","ours":1.1,"peer":8.9,"peer_name":"rocksdb","unit":"ns/op","ratio":8.1,"at_least":1.8,"aim":2.8, ...beside}
//
// Exactly one of at_least (on the ratio) and at_most (on ours) is there. ratio, peer and peer_name are null without a peer; ours and
// ratio are null, and "error" says why, when the row failed. Figures have five significant digits: more would be noise.

using System.Globalization;
using System.Text;
using System.Text.Json;
using Aevum.Bench.Workloads.Rows;

namespace Aevum.Bench.Workloads.Reporting;

static class JsonRow
{
    public static string Write(RowResult result, string peerName)
    {
        var row = result.Row;
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("workload", result.Name);
            Figure(json, "ours", result.Ours);
            Figure(json, "peer", result.Peer);
            if (row.HasPeer) json.WriteString("peer_name", result.PeerName ?? peerName);
            else json.WriteNull("peer_name");
            json.WriteString("unit", row.Unit);
            Figure(json, "ratio", result.Ratio);
            if (row.AtLeast is { } least) json.WriteNumber("at_least", least);
            else json.WriteNumber("at_most", row.AtMost!.Value);
            if (row.Aim is { } aim) json.WriteNumber("aim", aim);
            if (result.Error.Length > 0) json.WriteString("error", result.Error);
            if (row.BytesMax is { } bytes) json.WriteNumber("bytes_max", bytes);
            json.WriteNumber("rounds", result.Rounds);
            if (result.Spread is { } spread) Figure(json, "spread", spread);
            foreach (var (name, value) in result.Beside) Figure(json, name, value);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>The row that a line tells of, as far as a chart needs it; null if the suite has no such row.</summary>
    public static RowResult? Read(string line, Suite suite)
    {
        using var json = JsonDocument.Parse(line);
        var name = json.RootElement.GetProperty("workload").GetString() ?? "";
        if (suite.Rows.FirstOrDefault(r => r.Name == name) is not { } row) return null;
        return new RowResult { Row = row, Name = name, Ours = Number("ours"), Peer = Number("peer"), Ratio = Number("ratio") };

        double? Number(string field) =>
            json.RootElement.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
    }

    static void Figure(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } v && double.IsFinite(v)) json.WriteNumber(name, Round(v));
        else json.WriteNull(name);
    }

    static decimal Round(double value) =>
        decimal.Parse(value.ToString("G5", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
}
