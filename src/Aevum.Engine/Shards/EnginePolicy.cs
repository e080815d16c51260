// EnginePolicy: what a tree asks about its keyspaces, answered from the catalog and from the floors that retention has written down.
//
// Until it is loaded it answers so that nothing can be lost: every version is kept. A floor moves only by rows that stand in the log
// (SystemKeyspaces.Floors), so every replica forgets the same, whenever it comes round to it.

using System.Collections.Frozen;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Storage.Tables;
using Aevum.Storage.Trees;

namespace Aevum.Engine.Shards;

sealed class EnginePolicy(IReadOnlyDictionary<string, IMergeOperator> operators) : ITreePolicy
{
    sealed record Rules(KeyspaceOptions Options, Compression Compression, IMergeOperator? Merge, bool IsDropped = false);

    static readonly FrozenDictionary<ulong, Rules> SystemRules = new Dictionary<ulong, Rules>
    {
        [SystemKeyspaces.Catalog.Value] = Forgetting(HistoryPolicy.Forever),
        [SystemKeyspaces.Notes.Value] = Forgetting(HistoryPolicy.Forever),
        [SystemKeyspaces.Clock.Value] = Forgetting(HistoryPolicy.None),
        [SystemKeyspaces.Floors.Value] = Forgetting(HistoryPolicy.None),
        [SystemKeyspaces.Answers.Value] = Forgetting(HistoryPolicy.None),
        [SystemKeyspaces.Intents.Value] = Forgetting(HistoryPolicy.None),
        [SystemKeyspaces.Decisions.Value] = Forgetting(HistoryPolicy.None),
        [SystemKeyspaces.Garbage.Value] = Forgetting(HistoryPolicy.None),
    }.ToFrozenDictionary();

    FrozenDictionary<ulong, Rules>? _rules;      // null: not loaded
    FrozenDictionary<ulong, ulong> _floors = FrozenDictionary<ulong, ulong>.Empty;

    static Rules Forgetting(HistoryPolicy history) => new(new KeyspaceOptions { History = history }, Compression.None, null);

    public int KeyspacePrefixBytes => KeyspaceId.PrefixBytes;

    /// <summary>Follows the catalog from now on. Keyspaces that it no longer names keep their rules: operands written for them may be there
    /// still, unfolded, and their past may be asked for.</summary>
    /// <param name="dropped">Such keyspaces of earlier lives.</param>
    public void Load(CatalogSnapshot catalog, IEnumerable<KeyspaceEntry>? dropped = null)
    {
        var rules = new Dictionary<ulong, Rules>(_rules ?? SystemRules);
        foreach (var keyspace in dropped ?? []) rules[keyspace.Id.Value] = RulesOf(keyspace.Options) with { IsDropped = true };
        foreach (var (id, rule) in rules.ToArray())
            if (!SystemRules.ContainsKey(id)) rules[id] = rule with { IsDropped = true };
        foreach (var keyspace in catalog.Keyspaces)
            rules[keyspace.Id.Value] = RulesOf(keyspace.Options);
        HasDropped = rules.Values.Any(rule => rule.IsDropped);
        Volatile.Write(ref _rules, rules.ToFrozenDictionary());
    }

    /// <summary>True if any keyspace is known to have been dropped.</summary>
    public bool HasDropped { get; private set; }

    /// <summary>True if the keyspace was dropped: nothing may be written to it any more.</summary>
    public bool IsDropped(ulong keyspace) => Find(keyspace) is { IsDropped: true };

    /// <exception cref="AevumException">InvalidArgument: a keyspace uses a merge operator that is not registered.</exception>
    public void RequireOperatorsOf(CatalogSnapshot catalog)
    {
        foreach (var keyspace in catalog.Keyspaces) RulesOf(keyspace.Options);
    }

    /// <summary>True if merges may be written to the keyspace.</summary>
    public bool TakesMerges(ulong keyspace) => Find(keyspace) is { Merge: not null, IsDropped: false };

    Rules RulesOf(KeyspaceOptions options)
    {
        IMergeOperator? merge = null;
        if (options.MergeOperator is { } name && !operators.TryGetValue(name, out merge))
            Throw.Invalid($"a keyspace of this database uses the merge operator '{name}', which was not registered");
        return new(options, (Compression)options.Compression, merge);
    }

    /// <summary>Adds floors that stand in the log. A floor below the one known changes nothing.</summary>
    public void RaiseFloors(IReadOnlyDictionary<ulong, ulong> floors)
    {
        var all = new Dictionary<ulong, ulong>(_floors);
        foreach (var (keyspace, floor) in floors) all[keyspace] = Math.Max(floor, all.GetValueOrDefault(keyspace));
        Volatile.Write(ref _floors, all.ToFrozenDictionary());
    }

    /// <summary>The highest floor of a keyspace that stands in the log; 0: none.</summary>
    public ulong KnownFloorOf(ulong keyspace) => Volatile.Read(ref _floors).GetValueOrDefault(keyspace);

    public Compression CompressionOf(ulong keyspace) => Find(keyspace)?.Compression ?? Compression.None;

    public IMergeOperator? MergeOperatorOf(ulong keyspace) => Find(keyspace)?.Merge;

    public SystemTime HistoryFloorOf(ulong keyspace)
    {
        if (Volatile.Read(ref _rules) is null) return SystemTime.None;
        // A keyspace that is not known has no rows that anybody wrote through the catalog: nothing of it is forgotten.
        var history = Find(keyspace)?.Options.History ?? HistoryPolicy.Forever;
        return history.Kind == HistoryKind.None ? SystemTime.Max : new(Volatile.Read(ref _floors).GetValueOrDefault(keyspace));
    }

    Rules? Find(ulong keyspace)
    {
        var rules = Volatile.Read(ref _rules) ?? SystemRules;
        return rules.TryGetValue(keyspace, out var found) ? found : null;
    }
}
