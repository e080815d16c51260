using System.Text.Json;
using Aevum.Cli.Backup;
using Aevum.Cli.Terminals;

namespace Aevum.Cli.Tests;

public sealed class BackupTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    string Store => _world.PathOf("backups");

    CliResult Backup(params string[] arguments) => CliWorld.Run("", ["backup", .. arguments]);

    static JsonElement Json(CliResult result)
    {
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return JsonDocument.Parse(result.Out).RootElement;
    }

    [Fact]
    public void A_database_is_backed_up_listed_verified_restored_and_its_backup_deleted()
    {
        var database = _world.MakeStore("db");
        var made = Backup("create", database, Store);
        Assert.Equal(0, made.ExitCode);
        Assert.StartsWith("backup 1: ", made.Out, StringComparison.Ordinal);
        Assert.Contains("tables", made.Error, StringComparison.Ordinal);   // the progress is not part of the result
        CliWorld.Run("put a 9\n", "shell", database);
        var second = Json(Backup("create", database, Store, "--json", "--rate", "1G"));
        Assert.Equal(2, second.GetProperty("id").GetInt32());

        var list = Json(Backup("list", Store, "--json"));
        Assert.Equal(2, list.GetProperty("backups").GetArrayLength());
        var first = list.GetProperty("backups")[0];
        Assert.Equal(second.GetProperty("moment").GetString(), first.GetProperty("to").GetString());
        Assert.Equal(4, Backup("list", Store).Lines.Length);
        Assert.True(Json(Backup("verify", Store, "--json")).GetProperty("sound").GetBoolean());
        Assert.Contains(": sound; 1 backups", Backup("verify", Store, "2").Out, StringComparison.Ordinal);

        var (newest, then) = (_world.PathOf("newest"), _world.PathOf("then"));
        Assert.Equal(0, Backup("restore", Store, newest).ExitCode);
        Assert.Equal(0, CliWorld.Run("", "check", newest).ExitCode);
        Assert.Equal("9\n", CliWorld.Run("get a\n", "shell", newest).Out.ReplaceLineEndings("\n"));
        var restored = Json(Backup("restore", Store, then, "--to", first.GetProperty("moment_rfc3339").GetString()!, "--json"));
        Assert.Equal(1, restored.GetProperty("backup").GetInt32());
        Assert.Equal("3\n", CliWorld.Run("get a\n", "shell", then).Out.ReplaceLineEndings("\n"));

        Assert.Equal(ExitCodes.CouldNotRun, Backup("delete", Store, "1").ExitCode);   // nobody can be asked
        Assert.Equal(2, Json(Backup("list", Store, "--json")).GetProperty("backups").GetArrayLength());
        var deleted = Json(Backup("delete", Store, "--keep", "1", "--yes", "--json"));
        Assert.Equal(1, deleted.GetProperty("deleted")[0].GetInt32());
        Assert.Equal(1, Json(Backup("list", Store, "--json")).GetProperty("backups").GetArrayLength());
        Assert.True(Json(Backup("verify", Store, "--json")).GetProperty("sound").GetBoolean());
    }

    [Fact]
    public void A_deletion_asks_and_takes_no_for_an_answer()
    {
        Backup("create", _world.MakeStore("db"), Store);
        foreach (var (answer, left) in new[] { ("no\n", 1), ("yes\n", 0) })
        {
            using var output = new StringWriter();
            var terminal = new Terminal(new StringReader(answer), output, TextWriter.Null) { IsInputInteractive = true };
            Assert.Equal(left == 1 ? ExitCodes.CouldNotRun : 0, CommandLine.Run(["backup", "delete", Store, "1"], terminal));
            Assert.Contains("delete backup 1 of", output.ToString(), StringComparison.Ordinal);
            Assert.Equal(left, Json(Backup("list", Store, "--json")).GetProperty("backups").GetArrayLength());
        }
    }

    [Fact]
    public void Damage_is_named_with_its_file_and_an_exit_code_of_its_own()
    {
        Backup("create", _world.MakeStore("db"), Store);
        var table = Directory.GetFiles(Path.Combine(Store, "tables")).Order().First();
        var bytes = File.ReadAllBytes(table);
        bytes[20] ^= 4;
        File.WriteAllBytes(table, bytes);
        var verified = Backup("verify", Store);
        Assert.Equal(ExitCodes.Problems, verified.ExitCode);
        Assert.Contains($"problem  {table}", verified.Out, StringComparison.Ordinal);
        Assert.Contains("damaged: 1", verified.Out, StringComparison.Ordinal);
        using (var json = JsonDocument.Parse(Backup("verify", Store, "--json").Out))
        {
            Assert.False(json.RootElement.GetProperty("sound").GetBoolean());
            Assert.Equal(1, json.RootElement.GetProperty("damaged")[0].GetInt32());
            Assert.Equal(table, json.RootElement.GetProperty("problems")[0].GetProperty("file").GetString());
        }
        var refused = Backup("restore", Store, _world.PathOf("target"));
        Assert.Equal(ExitCodes.CouldNotRun, refused.ExitCode);
        Assert.Contains(table, refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_world.PathOf("target")));
    }

    [Theory]
    [InlineData("500K", 500 << 10)]
    [InlineData("50m", 50 << 20)]
    [InlineData("1G", 1 << 30)]
    [InlineData("50MiB", 50 << 20)]
    [InlineData("50MB", 50_000_000)]
    [InlineData("4096", 4096)]
    [InlineData(null, 0)]
    public void Rates_are_sizes_in_a_second(string? text, long bytes) => Assert.Equal(bytes, BackupCommand.ParseRate(text));

    [Fact]
    public void What_cannot_be_done_says_why()
    {
        var database = _world.MakeStore("db");
        Assert.Contains("holds no backups", Backup("list", database).Error, StringComparison.Ordinal);
        Assert.Contains("is not empty, and holds no backups", Backup("create", database, _world.Folder).Error, StringComparison.Ordinal);
        using (Database.Open(database))
        {
            var held = Backup("create", database, Store);
            Assert.Equal(ExitCodes.CouldNotRun, held.ExitCode);
            Assert.Contains($"process {Environment.ProcessId}", held.Error, StringComparison.Ordinal);
        }
        Backup("create", database, Store);
        Assert.Contains("it needs a directory of its own", Backup("create", _world.MakeStore("other"), Store).Error, StringComparison.Ordinal);
        var covered = Backup("restore", Store, _world.PathOf("t"), "--to", "2001-01-01T00:00:00Z");
        Assert.Equal(ExitCodes.CouldNotRun, covered.ExitCode);
        Assert.Contains("is covered by no backup; they reach from 20", covered.Error, StringComparison.Ordinal);
        Assert.Contains("is not empty", Backup("restore", Store, database).Error, StringComparison.Ordinal);
        Assert.Contains("is no rate", Backup("create", database, Store, "--rate", "fast").Error, StringComparison.Ordinal);
        Assert.Contains("is no rate", Backup("create", database, Store, "--rate", "0").Error, StringComparison.Ordinal);
        Assert.Contains("holds no backup 7", Backup("delete", Store, "7", "--yes").Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.CouldNotRun, Backup("delete", Store, "--yes").ExitCode);
    }
}
