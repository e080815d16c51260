// FaultyNames: names that survive a power cut or do not, and the count of who refers to a content.
//
// Beyond what DurableNames promises nothing is ordered at a power cut, unless the directory was drawn as one of a file system that keeps
// order (then a prefix of its changes survives).

using Aevum.Core.Scheduling;

namespace Aevum.Core.Files;

sealed class FaultyNames : DurableNames<FaultyContent>
{
    /// <summary>Told when a content loses its last reference.</summary>
    public Action<FaultyContent>? Released { get; set; }

    protected override void Changed(NameChange change)
    {
        base.Changed(change);
        // First the new reference: in a rename the file must not be without one in between.
        foreach (var edit in change.Edits)
            if (edit.After is FaultyContent after) after.References++;
        foreach (var edit in change.Edits)
            if (edit.Before is FaultyContent before) Release(before);
    }

    public void Release(FaultyContent content)
    {
        if (--content.References == 0) Released?.Invoke(content);
    }

    /// <summary>The present tree becomes what the disk has. Returns every content that still has a name, each once.</summary>
    public IReadOnlyList<FaultyContent> CutPower(PowerCutMode mode, SeededRandom random)
    {
        if (mode != PowerCutMode.LoseUnsynced)
        {
            var survives = Draw(mode, random);
            for (var i = 0; i < survives.Length; i++)
                if (survives[i] && Pending[i] is not null) Make(i);
        }
        Pending.Clear();
        var root = Tree.Root;
        Tree.Root = new NameDirectory();
        Rebuild(root, Tree.Root);
        return Reset();
    }

    /// <summary>Every content that has a name, each once, its references counted anew (the dead process's handles are gone).</summary>
    public IReadOnlyList<FaultyContent> Reset()
    {
        var contents = new List<FaultyContent>();
        Collect(Tree.Root, [], contents);
        return contents;
    }

    bool[] Draw(PowerCutMode mode, SeededRandom random)
    {
        var survives = new bool[Pending.Count];
        if (mode == PowerCutMode.KeepAll)
        {
            Array.Fill(survives, true);
            return survives;
        }
        var byDirectory = new Dictionary<NameDirectory, List<int>>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < Pending.Count; i++)
        {
            var directory = Pending[i]!.Edits[0].Directory;
            if (!byDirectory.TryGetValue(directory, out var list)) byDirectory.Add(directory, list = []);
            list.Add(i);
        }
        // In the order of first appearance, which is the same for the same run (a dictionary that never removes enumerates so).
        foreach (var indexes in byDirectory.Values)
        {
            var ordered = random.OneIn(2);
            var kept = random.Next(indexes.Count + 1);
            for (var i = 0; i < indexes.Count; i++) survives[indexes[i]] = ordered ? i < kept : random.OneIn(2);
        }
        return survives;
    }

    void Rebuild(NameDirectory old, NameDirectory young)
    {
        if (!Disk.Remove(old, out var entries)) return;
        Disk.Add(young, entries);
        foreach (var name in entries.Keys.ToArray())
        {
            if (entries[name] is NameDirectory inner)
            {
                var copy = new NameDirectory();
                Rebuild(inner, copy);
                entries[name] = copy;
            }
            young.Entries.Add(name, entries[name]);
        }
    }

    static void Collect(NameDirectory directory, HashSet<FaultyContent> seen, List<FaultyContent> contents)
    {
        foreach (var (_, entry) in directory.Entries.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (entry is NameDirectory inner)
            {
                Collect(inner, seen, contents);
                continue;
            }
            var content = (FaultyContent)entry;
            if (seen.Add(content))
            {
                contents.Add(content);
                content.References = 0;
            }
            content.References++;
        }
    }
}
