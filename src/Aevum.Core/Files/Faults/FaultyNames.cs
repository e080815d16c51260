// FaultyNames: the names of a FaultyFileSystem as processes see them, and as the disk has them.
//
// Every change of names is kept, in order, until it is made on the disk: by SyncDirectory on a directory it touches, or by a power cut that
// it happens to survive. Two things hold whatever the seed says:
//   (1) a rename is made whole or not at all, across directories too;
//   (2) a change is made only after all earlier ones that touch one of its names: a name never goes back in time.
// Beyond that nothing is ordered, unless the directory was drawn as one of a file system that keeps order (then a prefix survives).
//
// A directory hangs from its own name: what was synced inside of it is lost if its name in the parent was not.

using Aevum.Core.Scheduling;

namespace Aevum.Core.Files;

sealed class FaultyNames
{
    readonly Dictionary<NameDirectory, Dictionary<string, object>> _disk = new(ReferenceEqualityComparer.Instance);
    readonly List<NameChange?> _pending = [];

    public FaultyNames() => Tree = new NameTree<FaultyContent>(Changed);

    public NameTree<FaultyContent> Tree { get; }

    /// <summary>Told when a content loses its last reference.</summary>
    public Action<FaultyContent>? Released { get; set; }

    void Changed(NameChange change)
    {
        _pending.Add(change);
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

    public void SyncDirectory(NameDirectory directory)
    {
        for (var i = 0; i < _pending.Count; i++)
            if (_pending[i] is { } change && Array.Exists(change.Edits, edit => edit.Directory == directory)) Make(i);
        _pending.RemoveAll(change => change is null);
    }

    /// <summary>The present tree becomes what the disk has. Returns every content that still has a name, each once.</summary>
    public IReadOnlyList<FaultyContent> CutPower(PowerCutMode mode, SeededRandom random)
    {
        if (mode != PowerCutMode.LoseUnsynced)
        {
            var survives = Draw(mode, random);
            for (var i = 0; i < survives.Length; i++)
                if (survives[i] && _pending[i] is not null) Make(i);
        }
        _pending.Clear();
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
        var survives = new bool[_pending.Count];
        if (mode == PowerCutMode.KeepAll)
        {
            Array.Fill(survives, true);
            return survives;
        }
        var byDirectory = new Dictionary<NameDirectory, List<int>>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < _pending.Count; i++)
        {
            var directory = _pending[i]!.Edits[0].Directory;
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

    void Make(int index)
    {
        var change = _pending[index]!;
        _pending[index] = null;
        for (var i = 0; i < index; i++)
            if (_pending[i] is { } earlier && ShareName(earlier, change)) Make(i);
        foreach (var edit in change.Edits) NameTree<FaultyContent>.ApplyEdit(OnDisk(edit.Directory), edit);
    }

    static bool ShareName(NameChange a, NameChange b)
    {
        foreach (var x in a.Edits)
            foreach (var y in b.Edits)
                if (x.Directory == y.Directory && x.Name == y.Name) return true;
        return false;
    }

    Dictionary<string, object> OnDisk(NameDirectory directory)
    {
        if (!_disk.TryGetValue(directory, out var entries)) _disk.Add(directory, entries = new Dictionary<string, object>(StringComparer.Ordinal));
        return entries;
    }

    void Rebuild(NameDirectory old, NameDirectory young)
    {
        if (!_disk.Remove(old, out var entries)) return;
        _disk.Add(young, entries);
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
