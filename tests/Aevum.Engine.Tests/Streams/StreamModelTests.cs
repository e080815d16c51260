using Aevum.Testing;
using Xunit.Abstractions;

namespace Aevum.Engine.Tests.Streams;

/// <summary>Whatever happens, every subscriber is given exactly what the log holds for it, or told that it cannot be.</summary>
public sealed class StreamModelTests(ITestOutputHelper output)
{
    [Theory, Seeds(60)]
    public void Nothing_is_missed_and_nothing_comes_twice(ulong seed)
    {
        using var model = new StreamModel(seed);
        model.Run(250);
        output.WriteLine(string.Join(", ", model.Seen.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key} {e.Value}")));
    }

    [Fact]
    public void The_seeds_bring_about_everything_that_can_happen()
    {
        var seen = new Dictionary<string, int>();
        for (ulong seed = 1; seed <= 24; seed++)
        {
            using var model = new StreamModel(seed);
            model.Run(250);
            foreach (var (what, count) in model.Seen) seen[what] = seen.GetValueOrDefault(what) + count;
        }
        string[] all =
        [
            "batches", "snapshots", "resumed", "lagging", "Compacted", "InvalidArgument", "read behind", "kills", "power cuts", "reopens", "flushes",
        ];
        Assert.Empty(all.Except(seen.Keys));
    }
}
