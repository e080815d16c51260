// SlowCatalog: what changes of the catalog mean, said with dictionaries: the oracle for builders and snapshots. And one change as a value.

using System.Globalization;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Tests.Catalog;

enum OpKind
{
    CreateNamespace, RenameNamespace, DropNamespace,
    CreateKeyspace, AlterKeyspace, RenameKeyspace, DropKeyspace,
    CreatePrincipal, RenamePrincipal, DropPrincipal,
}

sealed record Op(OpKind Kind, uint Tenant, uint Id, string Name, KeyspaceOptions Options)
{
    public const int KindCount = 10;

    static readonly string[] Names = ["default", "system", "a", "A", "b", "c", "d", "é"];

    // Ids up to what was given, or one beyond: mostly there, sometimes gone, sometimes never given.
    public static Op Draw(SeededRandom random, SlowCatalog catalog)
    {
        var kind = (OpKind)random.Next(KindCount);
        var tenant = random.OneIn(2) ? 1 : (uint)random.Next((int)catalog.NextNamespace + 1);
        var next = kind switch
        {
            <= OpKind.DropNamespace => catalog.NextNamespace,
            <= OpKind.DropKeyspace => catalog.NextKeyspace.GetValueOrDefault(tenant, 1u),
            _ => catalog.NextPrincipal,
        };
        var back = random.OneIn(2) ? 4u : next;   // half of the time a young one, which is more often there
        var id = (uint)Math.Max(0, next - random.Next((int)back + 1));
        return new Op(kind, tenant, id, Names[random.Next(Names.Length)], CatalogValueTests.DrawOptions(random));
    }

    public CatalogChange Plan(StepBatch batch, CatalogSnapshot snapshot) => Kind switch
    {
        OpKind.CreateNamespace => CatalogChange.CreateNamespace(batch, snapshot, Name, Options),
        OpKind.RenameNamespace => CatalogChange.RenameNamespace(batch, snapshot, Id, Name),
        OpKind.DropNamespace => CatalogChange.DropNamespace(batch, snapshot, Id),
        OpKind.CreateKeyspace => CatalogChange.CreateKeyspace(batch, snapshot, Tenant, Name, Options),
        OpKind.AlterKeyspace => CatalogChange.AlterKeyspace(batch, snapshot, new KeyspaceId(Tenant, Id), Options),
        OpKind.RenameKeyspace => CatalogChange.RenameKeyspace(batch, snapshot, new KeyspaceId(Tenant, Id), Name),
        OpKind.DropKeyspace => CatalogChange.DropKeyspace(batch, snapshot, new KeyspaceId(Tenant, Id)),
        OpKind.CreatePrincipal => CatalogChange.CreatePrincipal(batch, snapshot, Name),
        OpKind.RenamePrincipal => CatalogChange.RenamePrincipal(batch, snapshot, Id, Name),
        _ => CatalogChange.DropPrincipal(batch, snapshot, Id),
    };
}

sealed class SlowCatalog
{
    readonly SortedDictionary<uint, string> _namespaces = new() { [0] = "system", [1] = "default" };
    readonly SortedDictionary<(uint, uint), (string Name, KeyspaceOptions Options)> _keyspaces =
        new() { [(1, 0)] = ("default", KeyspaceOptions.Default) };

    readonly SortedDictionary<uint, string> _principals = [];

    public uint NextNamespace { get; private set; } = 2;

    public uint NextPrincipal { get; private set; } = 1;

    public Dictionary<uint, uint> NextKeyspace { get; } = new() { [1] = 1 };

    public IEnumerable<KeyspaceId> Keyspaces => _keyspaces.Keys.Select(key => new KeyspaceId(key.Item1, key.Item2));

    /// <returns>The id of the object; or why not, and then nothing is done.</returns>
    public (uint Id, ErrorCode? Refusal) Do(Op op)
    {
        var pair = (op.Tenant, op.Id);
        switch (op.Kind)
        {
            case OpKind.CreateNamespace:
                if (_namespaces.ContainsValue(op.Name)) return (0, ErrorCode.AlreadyExists);
                _namespaces[NextNamespace] = op.Name;
                _keyspaces[(NextNamespace, 0)] = ("default", op.Options);
                NextKeyspace[NextNamespace] = 1;
                return (NextNamespace++, null);
            case OpKind.RenameNamespace:
                if (!_namespaces.ContainsKey(op.Id)) return (0, ErrorCode.NotFound);
                if (op.Id <= 1) return (0, ErrorCode.InvalidArgument);
                if (_namespaces.Any(n => n.Value == op.Name && n.Key != op.Id)) return (0, ErrorCode.AlreadyExists);
                _namespaces[op.Id] = op.Name;
                return (op.Id, null);
            case OpKind.DropNamespace:
                if (!_namespaces.ContainsKey(op.Id)) return (0, ErrorCode.NotFound);
                if (op.Id <= 1 || _keyspaces.Keys.Any(k => k.Item1 == op.Id && k.Item2 != 0)) return (0, ErrorCode.InvalidArgument);
                _namespaces.Remove(op.Id);
                _keyspaces.Remove((op.Id, 0));
                NextKeyspace.Remove(op.Id);
                return (op.Id, null);
            case OpKind.CreateKeyspace:
                if (!_namespaces.ContainsKey(op.Tenant)) return (0, ErrorCode.NotFound);
                if (op.Tenant == 0) return (0, ErrorCode.InvalidArgument);
                if (IsTaken(op.Tenant, op.Name, null)) return (0, ErrorCode.AlreadyExists);
                _keyspaces[(op.Tenant, NextKeyspace[op.Tenant])] = (op.Name, op.Options);
                return (NextKeyspace[op.Tenant]++, null);
            case OpKind.AlterKeyspace:
                if (!_keyspaces.TryGetValue(pair, out var altered)) return (0, ErrorCode.NotFound);
                if ((altered.Options.MergeOperator ?? op.Options.MergeOperator) != op.Options.MergeOperator) return (0, ErrorCode.InvalidArgument);
                _keyspaces[pair] = (altered.Name, op.Options);
                return (op.Id, null);
            case OpKind.RenameKeyspace:
                if (!_keyspaces.TryGetValue(pair, out var renamed)) return (0, ErrorCode.NotFound);
                if (op.Id == 0) return (0, ErrorCode.InvalidArgument);
                if (IsTaken(op.Tenant, op.Name, op.Id)) return (0, ErrorCode.AlreadyExists);
                _keyspaces[pair] = (op.Name, renamed.Options);
                return (op.Id, null);
            case OpKind.DropKeyspace:
                if (!_keyspaces.ContainsKey(pair)) return (0, ErrorCode.NotFound);
                if (op.Id == 0) return (0, ErrorCode.InvalidArgument);
                _keyspaces.Remove(pair);
                return (op.Id, null);
            case OpKind.CreatePrincipal:
                if (_principals.ContainsValue(op.Name)) return (0, ErrorCode.AlreadyExists);
                _principals[NextPrincipal] = op.Name;
                return (NextPrincipal++, null);
            case OpKind.RenamePrincipal:
                if (!_principals.ContainsKey(op.Id)) return (0, ErrorCode.NotFound);
                if (_principals.Any(p => p.Value == op.Name && p.Key != op.Id)) return (0, ErrorCode.AlreadyExists);
                _principals[op.Id] = op.Name;
                return (op.Id, null);
            default:
                return _principals.Remove(op.Id) ? (op.Id, null) : (0, ErrorCode.NotFound);
        }
    }

    bool IsTaken(uint tenant, string name, uint? except) =>
        _keyspaces.Any(k => k.Key.Item1 == tenant && k.Value.Name == name && k.Key.Item2 != except);

    public string Listing() => string.Concat(
        _namespaces.Select(n => Line($"namespace {n.Key} {n.Value}"))
            .Concat(_keyspaces.Select(k => Line($"keyspace {k.Key.Item1}/{k.Key.Item2} {k.Value.Name} {k.Value.Options}")))
            .Concat(_principals.Select(p => Line($"principal {p.Key} {p.Value}"))));

    /// <summary>The same of a snapshot; every object is also looked up by its name.</summary>
    public static string Listing(CatalogSnapshot snapshot)
    {
        Assert.All(snapshot.Namespaces, n => Assert.Same(n, snapshot.FindNamespace(n.Name)));
        Assert.All(snapshot.Keyspaces, k => Assert.Same(k, snapshot.FindKeyspace(k.Id.Namespace, k.Name)));
        Assert.All(snapshot.Principals, p => Assert.Same(p, snapshot.FindPrincipal(p.Name)));
        Assert.Equal(snapshot.Keyspaces, snapshot.Namespaces.SelectMany(n => snapshot.KeyspacesOf(n.Id)));
        return string.Concat(
            snapshot.Namespaces.Select(n => Line($"namespace {n.Id} {n.Name}"))
                .Concat(snapshot.Keyspaces.Select(k => Line($"keyspace {k.Id} {k.Name} {k.Options}")))
                .Concat(snapshot.Principals.Select(p => Line($"principal {p.Id} {p.Name}"))));
    }

    static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture) + "\n";
}
