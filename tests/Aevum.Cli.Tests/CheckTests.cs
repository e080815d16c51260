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
        Assert.Contains(": sound; 2 tables with 4 versions", result.Out, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(CliWorld.Run("", "check", store, "--json").Out);
        Assert.True(json.RootElement.GetProperty("sound").GetBoolean());
        Assert.Equal(2, json.RootElement.GetProperty("tables").GetInt32());
        Assert.Empty(json.RootElement.GetProperty("problems").EnumerateArray());
        Assert.Equal(before, Image(store));
    }

    [Theory]
    [InlineData("tables/*.table", 20)]
    [InlineData("MANIFEST-*", 5)]
    [InlineData("CURRENT", 3)]
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

    static string[] Image(string store) =>
        [.. Directory.GetFiles(store, "*", SearchOption.AllDirectories).Order()
            .Select(f => $"{f} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))}")];
}
