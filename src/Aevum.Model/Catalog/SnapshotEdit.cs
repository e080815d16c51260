// SnapshotEdit: takes rows in, one after the other, and at the end checks what the rows it was given hang on, and only that: the state
// before was checked when it was made. So a change costs what it touches, and a snapshot that contradicts itself cannot come about.

using Aevum.Core.Errors;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Catalog;

sealed class SnapshotEdit(CatalogState before)
{
    readonly List<CatalogKey> _touched = [];
    NamedMap<NamespaceEntry> _namespaces = before.Namespaces;
    NamedMap<KeyspaceEntry> _keyspaces = before.Keyspaces;
    NamedMap<PrincipalEntry> _principals = before.Principals;
    PersistentMap<ulong, CounterEntry> _counters = before.Counters;

    public bool IsEmpty => _touched.Count == 0;

    /// <exception cref="CorruptionException">The row is malformed.</exception>
    /// <exception cref="AevumException">UnsupportedFormat.</exception>
    public void Set(in CatalogRow row)
    {
        var key = CatalogKey.Read(row.Key);
        _touched.Add(key);
        var (value, version) = (row.Value, row.Version);
        switch (key.Kind)
        {
            case CatalogRowKind.Counter:
                var place = CatalogState.CounterKey(key.Counter, key.Parent);
                _counters = value is null
                    ? _counters.Without(place)
                    : _counters.With(place, new CounterEntry(CatalogValues.DecodeNumber(value, CatalogKey.IdEnd), version));
                break;
            case CatalogRowKind.Namespace:
                _namespaces = _namespaces.WithEntry(key.Id, value is null ? null : CatalogValues.DecodeNamespace(key.Id, value, version));
                break;
            case CatalogRowKind.NamespaceName:
                _namespaces = _namespaces.WithName(NameOf(key), IdIn(value));
                break;
            case CatalogRowKind.Keyspace:
                var id = new KeyspaceId(key.Parent, key.Id);
                _keyspaces = _keyspaces.WithEntry(id.Value, value is null ? null : CatalogValues.DecodeKeyspace(id, value, version));
                break;
            case CatalogRowKind.KeyspaceName:
                _keyspaces = _keyspaces.WithName(NameOf(key), IdIn(value));
                break;
            case CatalogRowKind.Principal:
                _principals = _principals.WithEntry(key.Id, value is null ? null : CatalogValues.DecodePrincipal(key.Id, value, version));
                break;
            case CatalogRowKind.PrincipalName:
                _principals = _principals.WithName(NameOf(key), IdIn(value));
                break;
        }
    }

    /// <exception cref="CorruptionException">The rows contradict each other, or what was there.</exception>
    public CatalogState Finish()
    {
        foreach (var key in _touched)
        {
            switch (key.Kind)
            {
                case CatalogRowKind.Counter:
                    VerifyCounter(key.Counter, key.Parent);
                    break;
                case CatalogRowKind.Namespace:
                    _namespaces.VerifyEntry(key.Id, before.Namespaces);
                    if (_namespaces.Find(key.Id) is not null) VerifyGiven(key.Id, CatalogCounter.Namespaces, 0);
                    VerifyNamespace(key.Id);
                    break;
                case CatalogRowKind.NamespaceName:
                    _namespaces.VerifyName(NameOf(key), before.Namespaces);
                    break;
                case CatalogRowKind.Keyspace:
                    var id = new KeyspaceId(key.Parent, key.Id);
                    _keyspaces.VerifyEntry(id.Value, before.Keyspaces);
                    if (_keyspaces.Find(id.Value) is not null) VerifyGiven(key.Id, CatalogCounter.Keyspaces, key.Parent);
                    VerifyNamespace(key.Parent);
                    break;
                case CatalogRowKind.KeyspaceName:
                    _keyspaces.VerifyName(NameOf(key), before.Keyspaces);
                    break;
                case CatalogRowKind.Principal:
                    _principals.VerifyEntry(key.Id, before.Principals);
                    if (_principals.Find(key.Id) is not null) VerifyGiven(key.Id, CatalogCounter.Principals, 0);
                    break;
                case CatalogRowKind.PrincipalName:
                    _principals.VerifyName(NameOf(key), before.Principals);
                    break;
            }
        }
        return new CatalogState { Namespaces = _namespaces, Keyspaces = _keyspaces, Principals = _principals, Counters = _counters };
    }

    void VerifyNamespace(uint id)
    {
        var exists = _namespaces.Find(id) is not null;
        var hasKeyspaces = exists && id != NamespaceEntry.SystemId;   // those of the system are no rows
        if ((_keyspaces.Find(new KeyspaceId(id, KeyspaceEntry.DefaultId).Value) is not null) != hasKeyspaces)
            throw Contradiction(hasKeyspaces ? $"namespace {id} has no default keyspace" : $"namespace {id} has a keyspace and may not have one");
        if (FindCounter(CatalogCounter.Keyspaces, id).HasValue != hasKeyspaces)
            throw Contradiction($"namespace {id} and its counter of keyspaces do not go together");
        if (hasKeyspaces) return;
        foreach (var entry in _keyspaces.From(new KeyspaceId(id, 0).Value))
        {
            if (entry.Id.Namespace == id) throw Contradiction($"keyspace {entry.Id} is in no namespace");
            break;
        }
    }

    void VerifyCounter(CatalogCounter counter, uint parent)
    {
        var now = FindCounter(counter, parent);
        var old = before.FindCounter(counter, parent);
        if (now is { } later && old is { } earlier && later.Next < earlier.Next)
            throw Contradiction($"the counter of {counter} in {parent} fell from {earlier.Next} to {later.Next}");
        if (counter == CatalogCounter.Keyspaces) VerifyNamespace(parent);
        else if (now is null) throw Contradiction($"the counter of {counter} is gone");
    }

    // An id that is in use lies below its counter, or it would be given again.
    void VerifyGiven(uint id, CatalogCounter counter, uint parent)
    {
        if (FindCounter(counter, parent) is not { } found || id >= found.Next)
            throw Contradiction($"id {id} in {parent} was never given by the counter of {counter}");
    }

    CounterEntry? FindCounter(CatalogCounter counter, uint parent) =>
        _counters.TryFind(CatalogState.CounterKey(counter, parent), out var found) ? found : null;

    static NameKey NameOf(in CatalogKey key) => new(key.Parent, key.Name!);

    static uint? IdIn(byte[]? value) => value is null ? null : CatalogValues.DecodeNumber(value, CatalogKey.IdEnd - 1);

    static CorruptionException Contradiction(string what) => new($"the catalog contradicts itself: {what}");
}
