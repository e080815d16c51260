// LevelTargets: how large each level may be, derived from how large the last one is (dynamic level targets).
//
// With fixed targets a tree that just outgrew a level keeps most bytes above its last level, and those may all be duplicates. Derived
// targets keep about 1 / multiplier of the last level above it, so that space amplification stays near 1 + 1 / (multiplier - 1)
// (Dong et al., "Optimizing Space Amplification in RocksDB", CIDR 2017, section 3.1).
//
//   last level target = its size;  each level above: the next one's target / multiplier, down to the BASE level, whose target is the
//   first one at or below BaseLevelBytes (but never below half of it: smaller would only be rewritten more often).
//   Levels between 0 and the base hold nothing: level 0 merges straight into the base.

using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

readonly struct LevelTargets
{
    readonly long[] _targets;

    LevelTargets(int baseLevel, long[] targets)
    {
        BaseLevel = baseLevel;
        _targets = targets;
    }

    /// <summary>The level that level 0 merges into.</summary>
    public int BaseLevel { get; }

    public long this[int level] => _targets[level];

    public static LevelTargets For(TableMeta[][] levels, CompactionOptions options)
    {
        const int last = TreeVersion.LevelCount - 1;
        var targets = new long[TreeVersion.LevelCount];
        Array.Fill(targets, long.MaxValue);

        // The last level may still be empty while an upper one holds the data of an older shape: take the largest.
        long largest = 0;
        var firstHolding = last;
        for (var level = last; level >= 1; level--)
        {
            var bytes = TreeVersion.Bytes(levels[level]);
            largest = Math.Max(largest, bytes);
            if (bytes > 0) firstHolding = level;
        }

        var baseLevel = last;
        var target = largest;
        while (target > options.BaseLevelBytes && baseLevel > 1)
        {
            targets[baseLevel] = Math.Max(target, options.BaseLevelBytes);
            target /= options.LevelMultiplier;
            baseLevel--;
        }
        // Level 0 never skips a level that holds data: what it brings is newer.
        if (firstHolding < baseLevel)
        {
            for (var level = firstHolding; level < baseLevel; level++) targets[level] = 0;
            baseLevel = firstHolding;
        }
        if (targets[baseLevel] == long.MaxValue) targets[baseLevel] = Math.Max(target, options.BaseLevelBytes / 2);
        targets[last] = long.MaxValue;
        return new(baseLevel, targets);
    }
}
