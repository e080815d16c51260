// WholeCompaction: one pass over all levels, asked for by hand: from the top down, each level once into the next one that holds anything.
//
// What was in tables at the beginning ends in the last level, main and history. Each level has its turn once, so the pass ends however much
// is flushed meanwhile; that is left to the usual rules (CompactionPicker).

using System.Collections.Frozen;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

sealed class WholeCompaction
{
    const int LastLevel = TreeVersion.LevelCount - 1;

    int _levelsDone;   // the main ones, then those of history

    /// <summary>The next step; null when the pass is over.</summary>
    public CompactionPlan? Pick(TreeVersion version)
    {
        for (; _levelsDone < 2 * LastLevel; _levelsDone++)
        {
            var history = _levelsDone >= LastLevel;
            var level = _levelsDone % LastLevel;
            var levels = version.Shape(history);
            if (levels[level].Length == 0) continue;
            var target = level + 1;
            while (target < LastLevel && levels[target].Length == 0) target++;
            return CompactionPicker.Plan(levels, history, level, target, levels[level], FrozenSet<ulong>.Empty, "asked for")! with { IsMove = false };
        }
        return null;
    }

    /// <summary>To be called when the plan that was picked last is installed. One that failed is picked again.</summary>
    public void LevelDone() => _levelsDone++;
}
