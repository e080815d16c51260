using System.Text.Json;
using Aevum.Core.Scheduling;
using Aevum.Testing;

namespace Aevum.Cli.Tests;

public sealed class InspectTests : IDisposable
{
    readonly CliWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void A_log_shows_its_records_and_the_effects_of_their_batches()
    {
        var store = _world.MakeStore("s");
        foreach (var path in (string[])[store, Path.Combine(store, "log")])
        {
            var result = CliWorld.Run("", "inspect", "log", path, "--limit", "100");
            Assert.Equal(0, result.ExitCode);
            var text = CliWorld.WithoutTimes(result.Out);
            Assert.Contains("kind data  stream 1  position 1  ", text, StringComparison.Ordinal);
            Assert.Contains("batch <time>, 1 effects: put 1/0:a (1 bytes)", text, StringComparison.Ordinal);
            Assert.Contains("batch <time>, 1 effects: delete 1/0:b", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_manifest_shows_its_edits_and_a_table_its_properties_and_versions()
    {
        var store = _world.MakeStore("s");
        var manifest = CliWorld.Run("", "inspect", "manifest", store);
        Assert.Equal(0, manifest.ExitCode);
        Assert.Contains("largest 1/0:b", manifest.Out, StringComparison.Ordinal);
        Assert.Equal(manifest.Out, CliWorld.Run("", "inspect", "manifest", CliWorld.TreeOf(store)).Out);

        var table = CliWorld.Run("", "inspect", "table", Tables(store)[0]);
        Assert.Equal(0, table.ExitCode);
        Assert.Contains("range.deletes      0", table.Out, StringComparison.Ordinal);
        Assert.Contains("key 1/0:a  version <time>  kind put  value 1", CliWorld.WithoutTimes(table.Out), StringComparison.Ordinal);
        Assert.Contains(" more (--limit 1)", CliWorld.Run("", "inspect", "table", Tables(store)[0], "--limit", "1").Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log", "log/*.log")]
    [InlineData("manifest", "shards/00000001/MANIFEST-*")]
    [InlineData("table", "shards/00000001/tables/*.table")]
    public void Every_dump_is_JSON_too(string kind, string pattern)
    {
        var path = First(_world.MakeStore("s"), pattern);
        using var json = JsonDocument.Parse(CliWorld.Run("", "inspect", kind, path, "--json").Out);
        Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
        Assert.Equal(ExitCodes.CouldNotRun, CliWorld.Run("", "inspect", kind, _world.PathOf("nothing")).ExitCode);
    }

    [Theory, Seeds(12)]
    public void Any_bytes_may_be_given(ulong seed)
    {
        var random = new SeededRandom(seed);
        var store = _world.MakeStore("s");
        var target = _world.PathOf("bytes");
        foreach (var (kind, pattern) in ((string, string)[])
            [("log", "log/*.log"), ("manifest", "shards/00000001/MANIFEST-*"), ("table", "shards/00000001/tables/*.table")])
        {
            var sample = File.ReadAllBytes(First(store, pattern));
            if (kind == "log") sample = sample[..4096];   // the rest is unused
            for (var round = 0; round < 12; round++)
            {
                var bytes = Damage(random, sample);
                File.WriteAllBytes(target, bytes);
                foreach (var json in (bool[])[false, true])
                {
                    var result = json ? CliWorld.Run("", "inspect", kind, target, "--json") : CliWorld.Run("", "inspect", kind, target);
                    Assert.True(result.ExitCode is ExitCodes.Done or ExitCodes.Problems, $"{kind}: {result.ExitCode} {result.Error}");
                    if (json) JsonDocument.Parse(result.Out).Dispose();
                }
            }
        }
    }

    static byte[] Damage(SeededRandom random, byte[] sample)
    {
        var bytes = (byte[])sample.Clone();
        switch (random.Next(5))
        {
            case 0:
                bytes = new byte[random.Next(400)];
                random.Fill(bytes);
                break;
            case 1: bytes = bytes[..random.Next(bytes.Length)]; break;
            case 2: random.Fill(bytes.AsSpan(random.Next(bytes.Length))); break;
            default:
                for (var i = random.Next(1, 6); i > 0; i--) bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                break;
        }
        return bytes;
    }

    static string[] Tables(string store) => [.. Directory.GetFiles(Path.Combine(CliWorld.TreeOf(store), "tables")).Order()];

    static string First(string store, string pattern) =>
        Directory.GetFiles(Path.Combine(store, Path.GetDirectoryName(pattern)!), Path.GetFileName(pattern)).Order().First();
}
