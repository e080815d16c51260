// DurableNames: the names of a file system as processes see them (Tree), and as the disk has them.
//
// Every change of names is kept, in order, until it is made on the disk: by SyncDirectory on a directory it touches, or because whoever
// derives from this decides so. Two things hold in any case:
//   (1) a rename is made whole or not at all, across directories too;
//   (2) a change is made only after all earlier ones that touch one of its names: a name never goes back in time.
//
// A directory hangs from its own name: what was synced inside of it is lost if its name in the parent was not.

namespace Aevum.Core.Files;

abstract class DurableNames<TFile> where TFile : class
{
    protected DurableNames() => Tree = new NameTree<TFile>(Changed);

    public NameTree<TFile> Tree { get; }

    /// <summary>What the disk has, directory by directory; one that is missing has no names on the disk.</summary>
    protected Dictionary<NameDirectory, Dictionary<string, object>> Disk { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Changes not yet on the disk, oldest first; null where one was made out of turn.</summary>
    protected List<NameChange?> Pending { get; } = [];

    protected virtual void Changed(NameChange change) => Pending.Add(change);

    public void SyncDirectory(NameDirectory directory)
    {
        for (var i = 0; i < Pending.Count; i++)
            if (Pending[i] is { } change && Array.Exists(change.Edits, edit => edit.Directory == directory)) Make(i);
        Pending.RemoveAll(change => change is null);
    }

    /// <summary>Brings a pending change to the disk, after those that it follows.</summary>
    protected void Make(int index)
    {
        var change = Pending[index]!;
        Pending[index] = null;
        for (var i = 0; i < index; i++)
            if (Pending[i] is { } earlier && ShareName(earlier, change)) Make(i);
        foreach (var edit in change.Edits) NameTree<TFile>.ApplyEdit(OnDisk(edit.Directory), edit);
        Made(change);
    }

    protected virtual void Made(NameChange change) { }

    protected Dictionary<string, object> OnDisk(NameDirectory directory)
    {
        if (!Disk.TryGetValue(directory, out var entries)) Disk.Add(directory, entries = new(StringComparer.Ordinal));
        return entries;
    }

    static bool ShareName(NameChange a, NameChange b)
    {
        foreach (var x in a.Edits)
            foreach (var y in b.Edits)
                if (x.Directory == y.Directory && x.Name == y.Name) return true;
        return false;
    }
}
