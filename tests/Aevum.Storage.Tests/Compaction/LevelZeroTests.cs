using Aevum.Core.Scheduling;
using Aevum.Storage.Compaction;
using Aevum.Storage.Versions;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Compaction;

/// <summary>Groups of tables that overlap, and how deep they lie, against every pair and every key.</summary>
public sealed class LevelZeroTests
{
    [Theory, Seeds(300)]
    public void Groups_are_what_overlaps_pair_by_pair(ulong seed)
    {
        var random = new SeededRandom(seed);
        TableMeta[] zero = [.. Enumerable.Range(1, random.Next(0, 9)).Select(id => Table((ulong)id, random.Next(60), random.Next(12), random.Next(3) == 0))];
        var below = new List<TableMeta>();
        for (var at = random.Next(5); at < 60 && random.Next(8) > 0; at += random.Next(1, 9))
        {
            var table = Table(100 + (ulong)at, at, random.Next(8), random.Next(3) == 0);
            if (below.Count > 0 && !below[^1].EndsBefore(table.Smallest)) continue;
            below.Add(table);
        }

        // Whoever overlaps takes over the other's group, until nothing changes.
        TableMeta[] all = [.. zero, .. below];
        var group = all.ToDictionary(t => t.Id, t => t.Id);
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var a in all)
                foreach (var b in all)
                    if (a.Overlaps(b) && group[a.Id] > group[b.Id])
                    {
                        group[a.Id] = group[b.Id];
                        changed = true;
                    }
        }
        var expected = all.GroupBy(t => group[t.Id]).Where(g => g.Any(t => t.Id < 100))
            .Select(g => $"{string.Join(',', zero.Where(g.Contains).Select(t => t.Id))} {g.Any(t => t.Id >= 100)}");
        var actual = LevelZero.GroupsOf(zero, [.. below]).Select(g => $"{string.Join(',', g.Sources.Select(t => t.Id))} {g.TouchesTarget}");
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));

        var deepest = Enumerable.Range(0, 80).Max(key => zero.Count(t => t.Contains([(byte)key])));
        Assert.Equal(deepest, LevelZero.DepthOf(zero));
    }

    static TableMeta Table(ulong id, int first, int length, bool exclusive) => new()
    {
        Id = id,
        FileBytes = 1,
        Smallest = [(byte)first],
        Largest = [(byte)(first + length + (exclusive ? 1 : 0))],
        LargestExclusive = exclusive,
        Entries = 1,
        MinVersion = 1,
        MaxVersion = 1,
    };
}
