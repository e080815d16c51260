// LevelZero: which tables of level 0 have to do with each other.
//
// Two tables belong to one group if their spans overlap, directly or through tables of the level they are merged into. A group is merged by itself: its
// outputs can overlap nothing that stays. A table alone in its group needs no merge at all.

using Aevum.Storage.Versions;

namespace Aevum.Storage.Compaction;

static class LevelZero
{
    /// <param name="Sources">From level 0, newest first as there.</param>
    /// <param name="TouchesTarget">True if a table of the target level lies within the group's span.</param>
    public readonly record struct Group(TableMeta[] Sources, bool TouchesTarget);

    /// <summary>The groups, in key order.</summary>
    /// <param name="tables">Level 0.</param>
    /// <param name="target">The sorted level below.</param>
    public static List<Group> GroupsOf(TableMeta[] tables, TableMeta[] target)
    {
        var groups = new List<Group>();
        var members = new HashSet<ulong>();
        var touches = false;
        TableMeta? highest = null;
        foreach (var table in tables.Concat(target).Order(Comparer<TableMeta>.Create(TableMeta.CompareSmallest)))
        {
            if (highest is not null && highest.EndsBefore(table.Smallest)) Close();
            if (highest is null || table.ReachesBeyond(highest)) highest = table;
            if (Array.IndexOf(tables, table) >= 0) members.Add(table.Id);
            else touches = true;
        }
        Close();
        return groups;

        void Close()
        {
            if (members.Count > 0) groups.Add(new([.. tables.Where(t => members.Contains(t.Id))], touches));
            members.Clear();
            touches = false;
            highest = null;
        }
    }

    /// <summary>How many of the tables a read of one key may have to ask.</summary>
    public static int DepthOf(TableMeta[] tables) =>
        tables.Length == 0 ? 0 : tables.Max(table => tables.Count(other => other.Contains(table.Smallest)));
}
