// CompactionPicker: looks at a version and says which tables to merge next, or that all is well. Pure: no files, no clock, no lock.
//
// Each level has a score, how full it is against its trigger or target; the fullest level at 1 or above is worked on. Level 0 gives the
// largest group of tables that overlap (LevelZero), mostly all: it is merged into the base level (LevelTargets). A sorted level gives the
// table that drags along the fewest bytes of the next level for its own size, which is what keeps rewriting low. What overlaps nothing moves
// without being read.
// History tables come after the main ones: nobody waits for them. A history table whose every version ended at or below the floor goes whole.

using Aevum.Core.Bytes;
using Aevum.Storage.Iterators;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

static class CompactionPicker
{
    /// <param name="version">The tree as it is.</param>
    /// <param name="options">Its shape.</param>
    /// <param name="busy">Ids of tables that a running job reads; a plan never names them.</param>
    /// <param name="lowestFloor">The lowest history floor of the tree's keyspaces.</param>
    public static CompactionPlan? Pick(TreeVersion version, CompactionOptions options, IReadOnlySet<ulong> busy, ulong lowestFloor)
    {
        return PickShape(version, history: false, options, busy) ?? PickDrop(version, busy, lowestFloor) ??
            PickShape(version, history: true, options, busy);
    }

    /// <summary>Bytes that would have to be rewritten, about, before the main levels are in shape.</summary>
    public static long Debt(TreeVersion version, CompactionOptions options)
    {
        var targets = LevelTargets.For(version.Levels, options);
        long debt = 0;
        if (version.Levels[0].Length >= options.LevelZeroTrigger)
            debt += TreeVersion.Bytes(version.Levels[0]) + TreeVersion.Bytes(version.Levels[targets.BaseLevel]);
        for (var level = targets.BaseLevel; level < TreeVersion.LevelCount - 1; level++)
            debt += Math.Max(0, TreeVersion.Bytes(version.Levels[level]) - targets[level]) * (options.LevelMultiplier + 1);
        return debt;
    }

    static CompactionPlan? PickShape(TreeVersion version, bool history, CompactionOptions options, IReadOnlySet<ulong> busy)
    {
        var levels = version.Shape(history);
        var targets = LevelTargets.For(levels, options);
        var trigger = history ? options.HistoryZeroTrigger : options.LevelZeroTrigger;

        var candidates = new List<(double Score, int Level)>();
        if (levels[0].Length >= trigger) candidates.Add(((double)levels[0].Length / trigger, 0));
        for (var level = targets.BaseLevel; level < TreeVersion.LevelCount - 1; level++)
        {
            if (levels[level].Length == 0) continue;
            var score = targets[level] == 0 ? double.MaxValue : (double)TreeVersion.Bytes(levels[level]) / targets[level];
            if (score >= 1) candidates.Add((score, level));
        }
        foreach (var (score, level) in candidates.OrderByDescending(c => c.Score).ThenBy(c => c.Level))
        {
            var plan = level == 0
                ? PickZero(levels, history, targets.BaseLevel, busy, $"{levels[0].Length} tables in {(history ? 'H' : 'L')}0, trigger {trigger}")
                : PickSorted(levels, history, level, busy, $"{(history ? 'H' : 'L')}{level} at {Percent(score)} of its target");
            if (plan is not null) return plan;
        }
        return null;
    }

    static string Percent(double score) => score > 1e6 ? "far above" : $"{(long)(score * 100)} %";

    static CompactionPlan? PickZero(TableMeta[][] levels, bool history, int target, IReadOnlySet<ulong> busy, string reason)
    {
        if (levels[0].Any(t => busy.Contains(t.Id))) return null;
        var groups = LevelZero.GroupsOf(levels[0], levels[target]);
        TableMeta[] alone = [.. groups.Where(g => g is { Sources.Length: 1, TouchesTarget: false } && !g.Sources[0].IsClipped).Select(g => g.Sources[0])];
        if (alone.Length > 0)
            return new CompactionPlan
            {
                History = history,
                SourceLevel = 0,
                TargetLevel = target,
                Sources = alone,
                Targets = [],
                Reason = reason,
                IsMove = true,
            };
        // A whole group: a table left behind would have to be newer than all that go, and flushes that arrive meanwhile are.
        return Plan(levels, history, 0, target, groups.MaxBy(g => g.Sources.Length).Sources, busy, reason);
    }

    static CompactionPlan? PickSorted(TableMeta[][] levels, bool history, int level, IReadOnlySet<ulong> busy, string reason)
    {
        CompactionPlan? best = null;
        var bestRatio = double.MaxValue;
        foreach (var table in levels[level])
        {
            if (busy.Contains(table.Id)) continue;
            var (first, count) = TreeVersion.Overlapping(levels[level + 1], table.Smallest, table.Largest, table.LargestExclusive);
            long overlapping = 0;
            for (var i = first; i < first + count; i++) overlapping += levels[level + 1][i].FileBytes;
            var ratio = (double)overlapping / Math.Max(1, table.FileBytes);
            if (ratio >= bestRatio) continue;
            var plan = Plan(levels, history, level, level + 1, [table], busy, reason);
            if (plan is null) continue;
            best = plan;
            bestRatio = ratio;
        }
        return best;
    }

    /// <summary>The plan that merges the given sources into the target level; null if a running job holds a table that it needs.</summary>
    public static CompactionPlan? Plan(
        TableMeta[][] levels, bool history, int source, int target, TableMeta[] sources, IReadOnlySet<ulong> busy, string reason)
    {
        // Everything of the target level between the lowest and the highest source: outputs must not run over a table left standing.
        var lowest = sources.MinBy(t => t.Smallest, KeyComparer.Instance)!;
        var highest = sources[0];
        foreach (var table in sources)
            if (table.ReachesBeyond(highest)) highest = table;
        var (first, count) = TreeVersion.Overlapping(levels[target], lowest.Smallest, highest.Largest, highest.LargestExclusive);
        var targets = levels[target].AsSpan(first, count).ToArray().Except(sources).ToArray();
        if (targets.Any(t => busy.Contains(t.Id))) return null;
        var disjoint = IsDisjoint(sources);
        return new CompactionPlan
        {
            History = history,
            SourceLevel = source,
            TargetLevel = target,
            Sources = sources,
            Targets = targets,
            Reason = reason,
            IsMove = targets.Length == 0 && disjoint && source != target && sources.All(t => !t.IsClipped),
        };
    }

    static bool IsDisjoint(TableMeta[] tables)
    {
        var sorted = tables.Order(Comparer<TableMeta>.Create(TableMeta.CompareSmallest)).ToArray();
        for (var i = 1; i < sorted.Length; i++)
            if (!sorted[i - 1].EndsBefore(sorted[i].Smallest)) return false;
        return true;
    }

    static CompactionPlan? PickDrop(TreeVersion version, IReadOnlySet<ulong> busy, ulong lowestFloor)
    {
        for (var level = 0; level < TreeVersion.LevelCount; level++)
        {
            var gone = version.History[level].Where(t => !busy.Contains(t.Id) && t.MaxEnd <= lowestFloor && t.MaxVersion <= lowestFloor).ToArray();
            if (gone.Length > 0)
                return new CompactionPlan
                {
                    History = true,
                    SourceLevel = level,
                    TargetLevel = level,
                    Sources = gone,
                    Targets = [],
                    Reason = "all versions ended at or below the history floor",
                    IsDrop = true,
                };
        }
        return null;
    }
}
