using System.Text.Json;
using System.Xml.Linq;
using Aevum.Bench.Workloads.Reporting;
using Aevum.Bench.Workloads.Rows;
using Aevum.Bench.Workloads.Running;

namespace Aevum.Bench.Workloads.Tests;

public sealed class ReportTests
{
    static readonly Suite Storage = Suite.All.Single(s => s.Name == "storage");

    static RowResult Result(Row row, double ours, double peer, string error = "") =>
        RowResult.Create(row, "", [[.. row.Fields.Select(f => new Reading(row.Name, f, ours))]],
            [[.. row.Fields.Select(f => new Reading(row.Name, f, peer))]], error);

    [Fact]
    public void Every_row_has_one_bound_a_name_of_its_own_and_a_scenario()
    {
        foreach (var suite in Suite.All)
        {
            Assert.Equal(suite.Rows.Length, suite.Rows.Select(r => r.Name).Distinct().Count());
            Assert.All(suite.Rows, row => Assert.True(row.AtLeast is null != row.AtMost is null, row.Name));
            Assert.All(suite.Rows, row => Assert.Contains(suite.Scenarios, s => s.Name == row.Scenario));
            Assert.All(suite.Rows, row => Assert.Contains(row.Name, SuiteList.Write(suite), StringComparison.Ordinal));
            Assert.DoesNotContain(suite.Rows, row => row.Name.Contains(','));   // --rows takes them apart at commas
        }
    }

    [Fact]
    public void Every_json_object_has_exactly_one_bound()
    {
        foreach (var row in Storage.Rows)
        {
            var json = Parse(JsonRow.Write(Result(row, 2, 9), "rocksdb"));
            Assert.Equal(row.Name, json.GetProperty("workload").GetString());
            Assert.True(json.TryGetProperty("at_least", out _) != json.TryGetProperty("at_most", out _));
            Assert.Equal(row.Unit, json.GetProperty("unit").GetString());
            Assert.Equal(2, json.GetProperty("ours").GetDouble());
            if (row.HasPeer)
            {
                Assert.Equal(9, json.GetProperty("peer").GetDouble());
                Assert.Equal(4.5, json.GetProperty("ratio").GetDouble());
                Assert.Equal("rocksdb", json.GetProperty("peer_name").GetString());
            }
            else
            {
                Assert.All((string[])["peer", "ratio", "peer_name"], n => Assert.Equal(JsonValueKind.Null, json.GetProperty(n).ValueKind));
            }
        }
    }

    [Fact]
    public void A_failed_row_says_why_and_keeps_its_bound()
    {
        var json = Parse(JsonRow.Write(Result(Storage.Rows[0], 2, 9, "it broke"), "rocksdb"));
        Assert.Equal("it broke", json.GetProperty("error").GetString());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("ours").ValueKind);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("ratio").ValueKind);
        Assert.Equal(8, json.GetProperty("at_least").GetDouble());
    }

    [Fact]
    public void Figures_have_five_digits() =>
        Assert.Contains("\"ratio\":1.2346,", JsonRow.Write(Result(Storage.Rows[0], 1, 1.23456789), "rocksdb"), StringComparison.Ordinal);

    [Fact]
    public void The_table_says_what_was_missed()
    {
        var options = RunOptions.Parse(["storage"]);
        var table = Table.Write([Result(Storage.Rows[0], 1, 3), Result(Storage.Rows[1], 1, 5), Result(Storage.Rows[2], 1, 50)], options);
        Assert.Contains("MISSED", table.Split('\n')[1], StringComparison.Ordinal);
        Assert.EndsWith("ok", table.Split('\n')[2], StringComparison.Ordinal);
        Assert.EndsWith("aim reached", table.Split('\n')[3], StringComparison.Ordinal);
        Assert.Contains("1 at their aim, 1 within the bound, 1 MISSED, 0 FAILED", table, StringComparison.Ordinal);
    }

    [Fact]
    public void The_chart_is_well_formed_and_shows_every_ratio()
    {
        var results = Storage.Rows.Select((row, i) => Result(row, 1, 0.1 + i)).ToArray();
        var svg = XDocument.Parse(RatioChart.Write(results, Storage, "machine <&>"));
        var texts = svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value).ToArray();
        Assert.All(Storage.Rows.Where(r => r.HasPeer), row => Assert.Contains(row.Name, texts));
        Assert.Contains("machine <&>", texts);
    }

    static JsonElement Parse(string line)
    {
        Assert.DoesNotContain('\n', line);
        return JsonDocument.Parse(line).RootElement;
    }

    [Fact]
    public void A_chart_can_be_drawn_from_rows_that_were_written_down()
    {
        var row = Storage.Rows.First(r => r.AtLeast is not null);
        var written = JsonRow.Write(new RowResult { Row = row, Name = row.Name, Ours = 10, Peer = 45, Ratio = 4.5, Rounds = 3 }, "rocksdb");
        var read = JsonRow.Read(written, Storage)!;
        Assert.Equal((row, 10d, 45d, 4.5), (read.Row, read.Ours, read.Peer, read.Ratio));
        Assert.Contains("4.5", RatioChart.Write([read], Storage, "machine"), StringComparison.Ordinal);
        Assert.Null(JsonRow.Read(written.Replace(row.Name, "no such row", StringComparison.Ordinal), Storage));
    }
}
