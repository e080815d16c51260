using Aevum.Testing;
using Xunit.Abstractions;

namespace Aevum.Engine.Tests.Indexes;

/// <summary>Whatever happens, a search answers what the rows say: right after a write, as of any moment, after every kind of end.</summary>
public sealed class IndexModelTests(ITestOutputHelper output)
{
    [Theory, Seeds(300)]
    public void Searches_answer_what_the_rows_say(ulong seed)
    {
        using var model = new IndexModel(seed);
        try
        {
            model.Run(80);
        }
        catch
        {
            foreach (var line in model.Trace.TakeLast(40)) output.WriteLine(line);
            throw;
        }
        output.WriteLine(string.Join(", ", model.Seen.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key} {e.Value}")));
    }

    [Fact]
    public void The_seeds_bring_about_everything_that_can_happen()
    {
        var seen = new Dictionary<string, int>();
        for (ulong seed = 1; seed <= 40; seed++)
        {
            using var model = new IndexModel(seed);
            model.Run(120);
            foreach (var (what, count) in model.Seen) seen[what] = seen.GetValueOrDefault(what) + count;
        }
        output.WriteLine(string.Join(", ", seen.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key} {e.Value}")));
        string[] all =
        [
            "writes", "range deletes", "searches Following", "searches Building", "searches of the past Following", "counts", "caught up", "saves", "opens",
            "kills", "power cuts", "gone on", "damage", "damage told", "drops", "searches of codes", "gone on with codes", "writes refused",
            "saves while writes are refused",
        ];
        Assert.Empty(all.Except(seen.Keys));
    }
}
