using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aevum.Core.Batches;
using Aevum.Model.Access;
using Aevum.Model.Catalog;

namespace Aevum.Cli.Tests;

public sealed class TransferTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    static CliResult Import(string input, params string[] arguments) => CliWorld.Run(input, ["import", .. arguments]);

    static string[] Rows(string export) => export.Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];

    [Fact]
    public void Tsv_goes_in_with_its_escapes_and_comes_out_as_objects()
    {
        var made = Import("a\t1\nb\\tc\tline\\nline\\\\\n\nempty\t\nnul\t\\0\n", _world.PathOf("d"), "--create", "--format", "tsv");
        Assert.Equal(0, made.ExitCode);
        Assert.StartsWith("4 puts and 0 deletes, 24 bytes in 1 commits; 0 bad lines", made.Out, StringComparison.Ordinal);
        Assert.Equal(
            ["""{"key":"a","value":"1"}""",
                """{"key":"b\tc","value":"line\nline\\"}""", """{"key":"empty","value":""}""", """{"key":"nul","value":"\u0000"}"""],
            Rows(CliWorld.Run("", "export", _world.PathOf("d")).Out));
    }

    [Fact]
    public void Bytes_that_are_no_text_go_in_as_hex_and_out_as_base64_and_in_again()
    {
        Assert.Equal(0, Import("0xff00\t0xFE\n0x30\tx\n", _world.PathOf("d"), "--create", "--format", "tsv", "--hex").ExitCode);
        var export = CliWorld.Run("", "export", _world.PathOf("d")).Out;
        Assert.Equal(["""{"key":"0","value":"x"}""", """{"key64":"/wA=","value64":"/g=="}"""], Rows(export));
        Assert.Equal(0, Import(export, _world.PathOf("e"), "--create", "--format", "ndjson").ExitCode);
        Assert.Equal(Rows(export), Rows(CliWorld.Run("", "export", _world.PathOf("e")).Out));
        // Without the option 0x is text like any other.
        Import("0xff\t1\n", _world.PathOf("f"), "--create", "--format", "tsv");
        Assert.Equal(["""{"key":"0xff","value":"1"}"""], Rows(CliWorld.Run("", "export", _world.PathOf("f")).Out));
    }

    [Fact]
    public void A_bad_line_is_named_and_what_stands_before_it_is_imported()
    {
        var refused = Import("a\t1\nb\t2\nnothing\nc\t3\n", _world.PathOf("d"), "--create", "--format", "tsv", "--json");
        Assert.Equal(ExitCodes.Problems, refused.ExitCode);
        Assert.Contains("line 3: there is no TAB", refused.Error, StringComparison.Ordinal);
        using var summary = JsonDocument.Parse(refused.Out);
        Assert.False(summary.RootElement.GetProperty("whole").GetBoolean());
        Assert.Equal(3, summary.RootElement.GetProperty("bad_lines")[0].GetProperty("line").GetInt32());
        Assert.Equal(2, Rows(CliWorld.Run("", "export", _world.PathOf("d")).Out).Length);

        var skipped = Import("nothing\nc\t3\n" + new string('k', 70_000) + "\tv\nd\t4\n", _world.PathOf("d"), "--format", "tsv", "--skip-bad");
        Assert.Equal(0, skipped.ExitCode);
        Assert.Contains("2 bad lines", skipped.Out, StringComparison.Ordinal);
        Assert.Contains("line 3: the key's length", skipped.Error, StringComparison.Ordinal);
        Assert.Equal(4, Rows(CliWorld.Run("", "export", _world.PathOf("d")).Out).Length);
    }

    [Theory]
    [InlineData("[]", "no JSON object")]
    [InlineData("{\"key\":\"a\"", "it is no JSON")]
    [InlineData("{\"key\":\"a\"}", "no \"value\"")]
    [InlineData("{\"value\":\"a\"}", "no \"key\"")]
    [InlineData("{\"key\":\"a\",\"value\":1}", "\"value\" is no text")]
    [InlineData("{\"key\":\"a\",\"value\":\"1\",\"value64\":\"MQ==\"}", "twice")]
    [InlineData("{\"key64\":\"*\",\"value\":\"1\"}", "no base64")]
    [InlineData("{\"key\":\"a\",\"deleted\":true,\"value\":\"1\"}", "a delete has no value")]
    [InlineData("{\"key\":\"a\",\"deleted\":false,\"change\":\"deleted\"}", "contradict")]
    [InlineData("{\"key\":\"a\",\"change\":\"moved\"}", "no change \"moved\"")]
    [InlineData("{\"key\":\"a\",\"value\":\"1\",\"time\":12}", "\"time\" is no text")]
    [InlineData("{\"key\":\"a\",\"value\":\"1\",\"expiry\":\"soon\"}", "no system time")]
    [InlineData("{\"key\":\"a\",\"value\":\"1\",\"colour\":\"red\"}", "nothing is known of \"colour\"")]
    [InlineData("{\"key\":\"a\",\"value\":\"1\",\"note\":{\"who\":\"x\"}}", "\"who\" in a note")]
    [InlineData("{\"key\":\"\\ud800\",\"value\":\"1\"}", "Unicode")]
    [InlineData("{\"key\":\"a\",\"value\":\"1\"} x", "no JSON")]
    [InlineData("{\"aevum\":\"backup\"}", "header of another kind")]
    public void What_is_no_row_is_refused_with_a_reason(string line, string why)
    {
        var result = Import(line, _world.PathOf("d"), "--create", "--format", "ndjson");
        Assert.Equal(ExitCodes.Problems, result.ExitCode);
        Assert.Contains("line 1: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_history_goes_out_whole_and_comes_back_in_its_order_without_its_times()
    {
        using (var database = Database.Open(_world.PathOf("d")))
        using (var session = database.OpenSession())
        {
            var facts = session.CreateKeyspace("facts");
            session.Note = new CommitNote(Actor: "ann", Run: "r1");
            facts.Put("a"u8, "1"u8);
            session.Note = null;
            facts.Put("a"u8, "2"u8, TimeSpan.FromMicroseconds(1));
            facts.Put("b"u8, "x"u8);
            facts.Delete("b"u8);
            facts.Put("c/1"u8, [0xFF]);
            database.Flush();
            facts.DeletePrefix("c/"u8);
            facts.Put("a"u8, "3"u8, TimeSpan.FromDays(1));
            session.Default.Put("other"u8, "1"u8);
        }
        var first = CliWorld.Run("", "export", _world.PathOf("d"), "--keyspace", "facts", "--history");
        Assert.Equal(0, first.ExitCode);
        var expected = first.Out;
        var versions = Rows(expected).Select(r => JsonDocument.Parse(r).RootElement).ToList();
        Assert.Equal(
            ["a 1 put", "a 2 put", "a 3 put", "b x put", "b  deleted", "c/1  put", "c/1  range-deleted"],
            versions.Select(v => $"{Text(v, "key")} {Text(v, "value")} {(Text(v, "change") is "" ? "put" : Text(v, "change"))}"));
        Assert.Equal("ann", versions[0].GetProperty("note").GetProperty("actor").GetString());
        Assert.All(versions, v => Assert.True(ulong.Parse(Text(v, "time")) > 0));
        Assert.NotEqual("", Text(versions[1], "expiry"));

        var imported = Import(expected, _world.PathOf("e"), "--create", "--keyspace", "facts", "--format", "ndjson");
        Assert.Equal((0, true), (imported.ExitCode, imported.Out.StartsWith("5 puts and 2 deletes", StringComparison.Ordinal)));
        var second = CliWorld.Run("", "export", _world.PathOf("e"), "--keyspace", "facts", "--history").Out;
        Assert.Equal(
            Rows(expected).Select(WithoutTime).Select(r => r.Replace("range-deleted", "deleted", StringComparison.Ordinal)), Rows(second).Select(WithoutTime));
        // What had expired is there in history and nowhere else.
        var values = Rows(CliWorld.Run("", "export", _world.PathOf("e"), "--keyspace", "facts").Out);
        Assert.StartsWith("""{"key":"a","value":"3","expiry":""", Assert.Single(values), StringComparison.Ordinal);

        static string WithoutTime(string row) => string.Join(',', row.Split(',').Where(p => !p.StartsWith("\"time\"", StringComparison.Ordinal)));
    }

    static string Text(JsonElement row, string name) => row.TryGetProperty(name, out var value) ? value.GetString()! : "";

    [Fact]
    public void An_export_may_stand_at_a_moment_and_take_a_prefix_and_go_to_a_file()
    {
        ulong moment;
        using (var database = Database.Open(_world.PathOf("d")))
        using (var session = database.OpenSession())
        {
            session.Default.Put("k/1"u8, "old"u8);
            session.Default.Put("l"u8, "x"u8);
            moment = session.Default.Put("k/2"u8, "gone"u8).Value;
            session.Default.Put("k/1"u8, "new"u8);
            session.Default.Delete("k/2"u8);
        }
        var file = _world.PathOf("out.ndjson");
        string[] arguments = ["export", _world.PathOf("d"), file, "--as-of", $"{moment}", "--prefix", "k/"];
        Assert.Equal(0, CliWorld.Run("", arguments).ExitCode);
        Assert.Equal(["""{"key":"k/1","value":"old"}""", """{"key":"k/2","value":"gone"}"""], Rows(File.ReadAllText(file)));
        var again = CliWorld.Run("", arguments);
        Assert.Equal(ExitCodes.CouldNotRun, again.ExitCode);
        Assert.Contains("--yes", again.Error, StringComparison.Ordinal);
        Assert.Equal(0, CliWorld.Run("", [.. arguments, "--yes", "--history"]).ExitCode);
        Assert.Equal(2, Rows(File.ReadAllText(file)).Length);
        Assert.Equal([file], Directory.GetFiles(_world.Folder));
        Assert.Contains("future", CliWorld.Run("", "export", _world.PathOf("d"), "--as-of", "2250-01-01T00:00:00Z").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_expired_row_is_passed_over_and_one_that_will_expire_is_not()
    {
        var result = Import(
            """
            {"key":"past","value":"1","expiry":"2001-01-01T00:00:00Z"}
            {"key":"later","value":"1","expiry":"2250-01-01T00:00:00Z"}
            """, _world.PathOf("d"), "--create", "--format", "ndjson");
        Assert.Contains("1 puts and 0 deletes", result.Out, StringComparison.Ordinal);
        Assert.Contains("1 expired rows", result.Out, StringComparison.Ordinal);
        var row = Assert.Single(Rows(CliWorld.Run("", "export", _world.PathOf("d")).Out));
        Assert.StartsWith("""{"key":"later","value":"1","expiry":""", row, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_go_in_by_the_batch_and_many_are_counted()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 1200; i++) text.Append($"key{i:d5}\t{i}\n");
        var many = Import(text.ToString(), _world.PathOf("d"), "--create", "--format", "tsv").Out;
        Assert.Contains("1,200 puts and 0 deletes, 13,290 bytes in 3 commits", many, StringComparison.Ordinal);
        var big = new string('x', 600 << 10);
        Assert.Contains("in 2 commits", Import($"a\t{big}\nb\t{big}\n", _world.PathOf("d"), "--format", "tsv").Out, StringComparison.Ordinal);
        // Each row is a version of its own.
        Assert.Contains("in 3 commits", Import("v\t1\nv\t2\nv\t3\n", _world.PathOf("d"), "--format", "tsv").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void As_processes_they_are_joined_by_a_pipe()
    {
        Import("a\t1\nb\té\n", _world.PathOf("d"), "--create", "--format", "tsv");
        var export = _world.Start("", "export", "d");
        Assert.Equal(0, export.ExitCode);
        Assert.Equal(0, _world.Start(export.Out, "import", "e", "-", "--create", "--format", "ndjson").ExitCode);
        Assert.Equal(Rows(export.Out), Rows(CliWorld.Run("", "export", _world.PathOf("e")).Out));
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "export", _world.PathOf("nowhere")).ExitCode);
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "export", _world.PathOf("e"), "--keyspace", "none").ExitCode);
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "import", _world.PathOf("e"), _world.PathOf("nothing"), "--format", "tsv").ExitCode);
        Assert.Equal(ExitCodes.Usage, CliWorld.Run("", "import", _world.PathOf("e"), "--format", "csv").ExitCode);
    }

    [Fact]
    public void Stats_tell_shards_levels_and_keyspaces()
    {
        using (var database = Database.Open(_world.PathOf("d"), new DatabaseOptions { ShardBoundaries = [[0, 0, 0, 1, 0, 0, 0, 1]] }))
        using (var session = database.OpenSession())
        {
            var small = session.CreateKeyspace("small");
            var large = session.CreateKeyspace("large");
            small.Put("k"u8, "v"u8);
            for (var i = 0; i < 200; i++) large.Put(BitConverter.GetBytes(i), Encoding.ASCII.GetBytes($"{Convert.ToHexString(new byte[200])}{i}"));
            database.Flush();
        }
        using var found = JsonDocument.Parse(CliWorld.Run("", "stats", _world.PathOf("d"), "--json").Out);
        Assert.Equal(2, found.RootElement.GetProperty("shards").GetArrayLength());
        var level = found.RootElement.GetProperty("shards")[1].GetProperty("levels")[0];
        Assert.True(level.GetProperty("versions").GetInt64() >= 201);
        var bytes = found.RootElement.GetProperty("keyspaces").EnumerateArray()
            .ToDictionary(k => k.GetProperty("name").GetString()!, k => k.GetProperty("table_bytes_about").GetInt64());
        Assert.Equal(3, bytes.Count);
        Assert.True(bytes["large"] > 50_000 && bytes["small"] < 5000, string.Join(' ', bytes));
        var text = CliWorld.Run("", "stats", _world.PathOf("d")).Out;
        Assert.Contains("shard 2        from \"\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x01\"", text, StringComparison.Ordinal);
        Assert.Contains("keyspace       default/large: about", text, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "stats", _world.PathOf("nowhere")).ExitCode);
    }

    // A database with several keyspaces and namespaces, whose commits touch more than one of them.
    string MakeMany()
    {
        using var database = Database.Open(_world.PathOf("many"));
        database.CreateNamespace("agents", new KeyspaceOptions { History = HistoryPolicy.Forever, DefaultTimeToLive = TimeSpan.FromDays(2) });
        using var session = database.OpenSession();
        var notes = session.CreateKeyspace(
            "notes", new KeyspaceOptions { History = HistoryPolicy.For(TimeSpan.FromDays(9)), Compression = KeyspaceCompression.Lz4 });
        var log = session.CreateKeyspace("log", new KeyspaceOptions { History = HistoryPolicy.Forever, MergeOperator = "append" });
        for (var i = 0; i < 300; i++)
        {
            var batch = session.NewBatch();
            batch.Note = i % 3 == 0 ? new CommitNote(Actor: $"agent {i % 7}", Run: "r") : null;
            batch.Put(session.Default, Encoding.UTF8.GetBytes($"k{i % 40}"), [(byte)i, 0xFF]);
            batch.Put(notes, Encoding.UTF8.GetBytes($"n{i % 11}"), Encoding.UTF8.GetBytes($"{i}"), TimeSpan.FromHours(1 + i));
            if (i % 5 == 0) batch.Delete(session.Default, Encoding.UTF8.GetBytes($"k{i % 13}"));
            if (i % 4 == 0) batch.Merge(log, "all"u8, Encoding.UTF8.GetBytes($"{i},"));
            batch.Commit();
        }
        notes.DeletePrefix("n1"u8);
        using var agents = database.OpenSession("agents");
        agents.Default.Put("plan"u8, "later"u8);
        return _world.PathOf("many");
    }

    [Fact]
    public void A_whole_database_goes_out_and_comes_back_with_its_times()
    {
        var many = MakeMany();
        var export = CliWorld.Run("", "export", many, "--all", "--history").Out;
        Assert.Equal(4, export.Split('\n').Count(line => line.StartsWith("""{"aevum":"export",""", StringComparison.Ordinal)));
        var made = Import(export, _world.PathOf("copy"), "--format", "ndjson", "--times");
        Assert.Equal(0, made.ExitCode);
        Assert.EndsWith("commits at their own times; 4 keyspaces\n", made.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_world.PathOf("copy.import")));

        // The same again, but for what belongs to the database: its id, and the moment it was written at.
        static string Plain(string text) => Regex.Replace(Regex.Replace(text, "\"(database|as_of)\":\"[^\"]*\"", "\"$1\":\"\""), "range-deleted", "deleted");
        Assert.Equal(Plain(export), Plain(CliWorld.Run("", "export", _world.PathOf("copy"), "--all", "--history").Out));
        Assert.Equal(0, CliWorld.Run("", "check", _world.PathOf("copy")).ExitCode);

        using var database = Database.Open(_world.PathOf("copy"));
        using var session = database.OpenSession();
        Assert.Equal("append", session.Keyspace("log").Options.MergeOperator);
        var version = session.Default.GetVersioned("k39"u8)!.Version;
        Assert.Equal(2, session.Default.ChangesOf(version).Count() + session.Keyspace("notes").ChangesOf(version).Count());
        Assert.True(session.Default.Put("after"u8, "1"u8) > version);
    }

    [Theory]
    [InlineData("{\"key\":\"a\",\"value\":\"1\",\"time\":\"1700000000000000000\"}\n", "line 1: a history begins with its header")]
    [InlineData("H\n{\"key\":\"a\",\"value\":\"1\"}\n", "line 2: there is no \"time\"")]
    [InlineData("H\nH\n", "line 2: keyspace default of namespace default comes twice")]
    [InlineData("{\"aevum\":\"export\"}\n", "line 1: the export has another format than 1")]
    [InlineData("V\n", "line 1: it begins an export of values")]
    public void A_history_that_makes_no_sense_leaves_nothing(string input, string why)
    {
        const string header = """{"aevum":"export","format":1,"namespace":"default","keyspace":"default","kind":"history",""" +
            """ "as_of":"1700000000000000000","options":{"history":"forever"}}""";
        input = input.Replace("H\n", header + "\n", StringComparison.Ordinal)
            .Replace("V\n", header.Replace("\"history\",", "\"values\",", StringComparison.Ordinal) + "\n", StringComparison.Ordinal);
        var refused = Import(input, _world.PathOf("copy"), "--format", "ndjson", "--times");
        Assert.Equal(ExitCodes.Problems, refused.ExitCode);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_world.Folder));
    }

    [Fact]
    public void A_history_makes_a_database_and_adds_to_none()
    {
        var store = _world.MakeStore("d");
        var export = CliWorld.Run("", "export", store, "--history").Out;
        Assert.Equal(ExitCodes.CouldNotRun, Import(export, store, "--format", "ndjson", "--times").ExitCode);
        Assert.Equal(ExitCodes.CouldNotRun, Import(export, _world.PathOf("e"), "--format", "tsv", "--times").ExitCode);
        Assert.False(Directory.Exists(_world.PathOf("e")));
    }
}
