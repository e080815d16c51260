using System.Security.Cryptography;
using System.Text.Json;

namespace Aevum.Cli.Tests;

public sealed class CheckTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void A_sound_store_is_sound_in_words_and_in_JSON_and_is_left_as_it_was()
    {
        var store = _world.MakeStore("s");
        var before = Image(store);
        var result = CliWorld.Run("", "check", store);
        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@": sound; 2 tables with [0-9]+ versions in [0-9,]+ bytes, [1-9] log segments with [1-9]", result.Out);
        using var json = JsonDocument.Parse(CliWorld.Run("", "check", store, "--json").Out);
        Assert.True(json.RootElement.GetProperty("sound").GetBoolean());
        Assert.Equal(2, json.RootElement.GetProperty("tables").GetInt32());
        Assert.Empty(json.RootElement.GetProperty("problems").EnumerateArray());
        Assert.Equal(before, Image(store));
    }

    [Theory]
    [InlineData("shards/00000001/tables/*.table", 20)]
    [InlineData("shards/00000001/MANIFEST-*", 5)]
    [InlineData("shards/00000001/CURRENT", 3)]
    [InlineData("DATABASE", 10)]
    [InlineData("log/*.log", 20)]
    public void Damage_in_every_kind_of_file_is_named_with_file_and_offset(string pattern, int at)
    {
        var store = _world.MakeStore("s");
        var path = Directory.GetFiles(Path.Combine(store, Path.GetDirectoryName(pattern)!), Path.GetFileName(pattern)).Order().First();
        var bytes = File.ReadAllBytes(path);
        bytes[at] ^= 0x40;
        File.WriteAllBytes(path, bytes);

        var result = _world.Start("", "check", store, "--json");
        Assert.Equal(ExitCodes.Problems, result.ExitCode);
        using var json = JsonDocument.Parse(result.Out);
        var problem = json.RootElement.GetProperty("problems")[0];
        Assert.Equal(path, problem.GetProperty("file").GetString());
        Assert.True(problem.GetProperty("offset").GetInt64() >= 0);
        Assert.Contains($"problem  {path} at byte", CliWorld.Run("", "check", store).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_store_and_what_is_locked_cannot_be_checked_but_the_lock_can_be_passed()
    {
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "check", _world.Folder).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_world.Folder));
        var store = _world.MakeStore("s");
        using var held = new Core.Files.DiskFileSystem().Lock(Path.Combine(store, "LOCK"), "a test");
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "check", store).ExitCode);
        Assert.Equal(0, CliWorld.Run("", "check", store, "--force").ExitCode);
    }

    [Fact]
    public void Every_shard_is_looked_at_and_one_that_is_missing_is_a_problem()
    {
        var store = _world.PathOf("d");
        using (var database = Database.Open(store, new DatabaseOptions { ShardBoundaries = [[0, 0, 0, 1, 0, 0, 0, 0, (byte)'m']] }))
        using (var session = database.OpenSession())
        {
            session.Default.Put("a"u8, "1"u8);
            session.Default.Put("z"u8, "2"u8);
            database.Flush();
            session.Default.Put("z"u8, "3"u8);
        }
        var sound = CliWorld.Run("", "check", store);
        Assert.Contains(": sound; 2 tables", sound.Out, StringComparison.Ordinal);

        var table = Directory.GetFiles(Path.Combine(store, "shards", "00000002", "tables")).Single();
        var bytes = File.ReadAllBytes(table);
        bytes[8] ^= 1;
        File.WriteAllBytes(table, bytes);
        Assert.Contains($"problem  {table}", CliWorld.Run("", "check", store).Out, StringComparison.Ordinal);

        Directory.Move(Path.Combine(store, "shards", "00000002"), Path.Combine(store, "shards", "elsewhere"));
        var missing = CliWorld.Run("", "check", store);
        Assert.Equal(ExitCodes.Problems, missing.ExitCode);
        Assert.Contains("its tree is missing", missing.Out, StringComparison.Ordinal);
        Assert.Contains("elsewhere: the database does not name this", missing.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_of_another_database_and_a_log_that_is_gone_are_problems()
    {
        var (one, other) = (_world.MakeStore("one"), _world.MakeStore("other"));
        Directory.Move(Path.Combine(one, "log"), Path.Combine(one, "log.one"));
        Directory.CreateDirectory(Path.Combine(one, "log"));
        Assert.Contains("the log is missing", CliWorld.Run("", "check", one).Out, StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(Path.Combine(other, "log"))) File.Copy(file, Path.Combine(one, "log", Path.GetFileName(file)));
        var swapped = CliWorld.Run("", "check", one);
        Assert.Equal(ExitCodes.Problems, swapped.ExitCode);
        Assert.Contains("the log belongs to database", swapped.Out, StringComparison.Ordinal);
    }

    static string[] Image(string store) =>
        [.. Directory.GetFiles(store, "*", SearchOption.AllDirectories).Order()
            .Select(f => $"{f} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))}")];
}
