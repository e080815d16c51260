// NamedMap: the objects of one kind, by id and by name; each of the two comes from rows of its own.
//
// Always true once Verify has passed for all that was touched: the two say the same. An object's name leads to it, and every name leads to
// an object that is called so.

using Aevum.Core.Errors;
using Aevum.Core.Time;

namespace Aevum.Model.Catalog;

/// <summary>A name under its parent (0 where the kind has none), in the order of UTF-16 code units.</summary>
readonly record struct NameKey(uint Parent, string Name) : IComparable<NameKey>
{
    public int CompareTo(NameKey other) => Parent != other.Parent ? Parent.CompareTo(other.Parent) : string.CompareOrdinal(Name, other.Name);
}

/// <summary>The same without a string.</summary>
readonly ref struct NameProbe(uint parent, ReadOnlySpan<char> name) : IProbe<NameKey>
{
    readonly uint _parent = parent;
    readonly ReadOnlySpan<char> _name = name;

    public int CompareTo(in NameKey key) => _parent != key.Parent ? _parent.CompareTo(key.Parent) : _name.SequenceCompareTo(key.Name);
}

sealed class NamedMap<TEntry> where TEntry : class, ICatalogEntry
{
    public static NamedMap<TEntry> Empty { get; } = new(PersistentMap<ulong, TEntry>.Empty, PersistentMap<NameKey, uint>.Empty);

    readonly PersistentMap<ulong, TEntry> _byId;
    readonly PersistentMap<NameKey, uint> _byName;

    NamedMap(PersistentMap<ulong, TEntry> byId, PersistentMap<NameKey, uint> byName) => (_byId, _byName) = (byId, byName);

    public int Count => _byId.Count;

    public TEntry? Find(ulong fullId) => _byId.TryFind(fullId, out var entry) ? entry : null;

    public TEntry? Find(uint parent, ReadOnlySpan<char> name) =>
        _byName.TryFind(new NameProbe(parent, name), out var id) ? Find(FullId(parent, id)) : null;

    /// <summary>In the order of ids, from one on.</summary>
    public IEnumerable<TEntry> From(ulong fullId)
    {
        foreach (var (_, entry) in _byId.From(fullId)) yield return entry;
    }

    /// <summary>With an object's row as it is now; null: it is gone.</summary>
    public NamedMap<TEntry> WithEntry(ulong fullId, TEntry? entry) =>
        new(entry is null ? _byId.Without(fullId) : _byId.With(fullId, entry), _byName);

    /// <summary>With a row by name as it is now; null: it is gone.</summary>
    public NamedMap<TEntry> WithName(NameKey name, uint? id) => new(_byId, id is { } given ? _byName.With(name, given) : _byName.Without(name));

    /// <summary>Checks what hangs on an object's row: that its name leads to it, and that the name it had leads to it no more.</summary>
    /// <exception cref="CorruptionException">It is not so.</exception>
    public void VerifyEntry(ulong fullId, NamedMap<TEntry> before)
    {
        VerifyReachable(fullId);
        if (before.Find(fullId) is { } old) VerifyLeads(new NameKey(ParentOf(fullId), old.Name));
    }

    /// <summary>Checks what hangs on a row by name: the object that it leads to, and the one that it led to.</summary>
    /// <exception cref="CorruptionException">It is not so.</exception>
    public void VerifyName(NameKey name, NamedMap<TEntry> before)
    {
        VerifyLeads(name);
        if (before._byName.TryFind(name, out var old)) VerifyReachable(FullId(name.Parent, old));
    }

    // A name, if it is there, leads to an object that is called so.
    void VerifyLeads(NameKey name)
    {
        if (_byName.TryFind(name, out var id) && Find(FullId(name.Parent, id))?.Name != name.Name)
            throw new CorruptionException($"the catalog contradicts itself: \"{name.Name}\" leads to {name.Parent}/{id}, which is not called so");
    }

    // An object, if it is there, is what its name leads to.
    void VerifyReachable(ulong fullId)
    {
        if (Find(fullId) is not { } entry) return;
        var name = new NameKey(ParentOf(fullId), entry.Name);
        if (!_byName.TryFind(name, out var id) || id != (uint)fullId)
        {
            var place = $"{name.Parent}/{(uint)fullId}";
            throw new CorruptionException($"the catalog contradicts itself: {place} is called \"{entry.Name}\", which does not lead to it");
        }
    }

    public static uint ParentOf(ulong fullId) => (uint)(fullId >> 32);

    static ulong FullId(uint parent, uint id) => ((ulong)parent << 32) | id;
}
