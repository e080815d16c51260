// TableCuts: where outputs are cut beside their size, so that what only grows is written once.
//
// An object with parts has a row of its own that every write changes and elements that are only added. A memtable then holds both ends: a key that all
// tables have, and behind it a long run of keys that none has (the elements pushed since the last flush). In one table they overlap everything, and each
// merge rewrites all elements for the sake of one row. Cut apart, the run overlaps nothing: it goes down by an edit, unread (CompactionPicker), and what
// is merged is the little that remains. Pebble splits flushes for the same end, at borders of the level below; here the cuts follow the keys themselves,
// since new elements mostly lie within the span of an older table and yet between its keys.
//
//   memtable   head  e70 e71 ....................... e99           z
//   tables     head                                      e00 .. e69  z
//   cuts            |                                   |
//
// Cuts are advice: a wrong or a missing one costs rewriting, never an answer.

using Aevum.Core.Bytes;
using Aevum.Storage.Iterators;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

static class TableCuts
{
    /// <summary>Samples that a flush is looked at by, at most about.</summary>
    public const int SamplesPerFlush = 64;

    // An eighth of the flush's keys without a key of any table among them is a run.
    const int RunsPerFlush = 8;

    /// <summary>A table of level 0 below this share of a full table is not worth a cut of its own, nor is a flush below two such shares.</summary>
    public const int SharesPerTable = 8;

    /// <summary>The cuts of a flush.</summary>
    /// <param name="samples">Keys of it in order, about as many others between each two.</param>
    /// <param name="existing">The tables that its keys may be in.</param>
    /// <returns>Keys in order: a table ends before the first key at or above each.</returns>
    public static List<byte[]> OfFlush(IReadOnlyList<byte[]> samples, VersionCursor existing)
    {
        var cuts = new List<byte[]>();
        var stretchesMin = StretchesOfRun(samples.Count);
        for (var first = 0; first + stretchesMin < samples.Count; first++)
        {
            var last = EndOfRun(samples, first, existing);
            if (last - first >= stretchesMin) AddAround(samples[first], samples[last], existing, cuts);
            first = last;
        }
        return cuts;
    }

    /// <summary>The cuts of a merge from level 0: around each of its tables that has its keys to itself.</summary>
    /// <param name="plan">The merge.</param>
    /// <param name="bytesMin">Smaller tables are not worth a cut.</param>
    /// <param name="open">A cursor over one of its inputs.</param>
    public static List<byte[]> OfMerge(CompactionPlan plan, long bytesMin, Func<TableMeta, VersionCursor> open)
    {
        var cuts = new List<byte[]>();
        foreach (var table in plan.Sources)
        {
            if (table.FileBytes < bytesMin || table.LargestExclusive) continue;
            if (plan.Inputs.Any(other => other != table && HasKeyWithin(other, table.Smallest, table.Largest))) continue;
            cuts.Add(table.Smallest);
            cuts.Add(KeyBehind(table.Largest));
        }
        cuts.Sort(KeyComparer.Instance);
        return cuts;

        bool HasKeyWithin(TableMeta other, byte[] first, byte[] last)
        {
            if (!other.Overlaps(first, last, endExclusive: false)) return false;
            using var existing = open(other);
            return TableCuts.HasKeyWithin(existing, first, last);
        }
    }

    /// <summary>How many stretches between samples, without a key of any table, are a run.</summary>
    public static int StretchesOfRun(int samples) => Math.Max(1, samples / RunsPerFlush);

    static int EndOfRun(IReadOnlyList<byte[]> samples, int first, VersionCursor existing)
    {
        var last = first;
        while (last + 1 < samples.Count && !HasKeyWithin(existing, samples[last], samples[last + 1])) last++;
        return last;
    }

    // The run begins behind the greatest key below it and ends at the least above it, wherever between samples these are.
    static void AddAround(byte[] first, byte[] last, VersionCursor existing, List<byte[]> cuts)
    {
        existing.SeekBefore(first, ulong.MaxValue);
        if (existing.Valid) cuts.Add(KeyBehind(existing.Key));
        existing.Seek(last, ulong.MaxValue);
        if (existing.Valid) cuts.Add(existing.Key.ToArray());
    }

    static bool HasKeyWithin(VersionCursor existing, byte[] first, byte[] last)
    {
        existing.Seek(first, ulong.MaxValue);
        return existing.Valid && existing.Key.SequenceCompareTo(last) <= 0;
    }

    // The least key above another.
    static byte[] KeyBehind(ReadOnlySpan<byte> key) => [.. key, 0];
}
