// CatalogChange: one change of the catalog as steps of a batch, planned against a snapshot and held to it by conditions.
//
// A builder refuses at once what the snapshot already rules out (NotFound, AlreadyExists, InvalidArgument, LimitExceeded). What others did
// since the snapshot is found when the batch is decided: each step's condition names exactly one row that the plan depends on.
//
//   condition                                  if it fails, since the snapshot                       refusal
//   name row absent                            somebody took the name                                AlreadyExists
//   parent's row present                       the namespace was dropped                             NotFound
//   object's row at its version                the row is gone: the object was dropped               NotFound
//                                              it has another version: altered or renamed            Conflict
//   counter at its version                     somebody made another object of that kind there       Conflict
//   counter absent                             the catalog was founded already                       AlreadyExists
//
//   change              steps, in the order of their conditions' weight: the gravest reason is the one that is told
//   found               counters of namespaces (absent), principals; namespaces 0 and 1; of 1 the counter, the default keyspace
//   create namespace    its name (absent); counter (version); its row; its counter; its default keyspace and that one's name
//   create keyspace     check the namespace (present); its name (absent); counter (version); its row
//   create principal    its name (absent); counter (version); its row
//   alter keyspace      its row (version)
//   rename              its row (version); the new name (absent); the old name goes
//   drop keyspace       its row goes (version); its name goes; its rows go, as one range. The counter stays: the id is not given again
//   drop namespace      its row goes (version); its counter goes (version: no keyspace was made meanwhile); its name, its default keyspace,
//                       that one's name and rows go
//   alter principal     its row (version)
//   drop principal      its row goes (version); its name goes
//
// So two who make objects of one kind in one place meet at the counter, two who change one object meet at its row, two who want one name
// meet at the name; and nobody else meets anybody. What a refused batch means: Refusal. After a Conflict plan again, against a newer
// snapshot.
//
// Always true: a row by name is written only where it was absent, and goes in the batch in which its object goes or changes its name. Names
// of rows that go need no condition of their own: the object's row has had its name since the version that the batch asks for.
//
// Not here: a writer to a keyspace that is dropped at the same moment. Batches name the catalog version they were planned against, and the
// engine holds them to it; rows that came in nevertheless lie under an id that nobody gets again.
// A batch takes any steps beside these, and several changes, as long as no row is touched by two of them.

using System.Diagnostics;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Catalog;

public sealed class CatalogChange
{
    // What a step expects of its row.
    enum Expectation
    {
        Nothing,
        NameFree,
        ParentThere,
        ObjectUnchanged,
        CounterUnchanged,
        CatalogAbsent,
    }

    readonly StepBatch _batch;
    readonly int _firstStep;
    readonly List<(Expectation Expectation, string Subject)> _steps = [];

    CatalogChange(StepBatch batch)
    {
        if (batch.Policy != CommitPolicy.AllOrNothing) Throw.Invalid("a change of the catalog is done as a whole: its batch must be all or nothing");
        _batch = batch;
        _firstStep = batch.Count;
    }

    /// <summary>The id of the object that is made or changed; of a keyspace the one in its namespace.</summary>
    public uint Id { get; private init; }

    // ------------------------------------------------------------------------------------------------ the first day

    /// <summary>Makes the catalog of a new database: namespaces 0 "system" and 1 "default" with its default keyspace.</summary>
    /// <param name="options">Of the default keyspace.</param>
    public static CatalogChange Found(StepBatch batch, KeyspaceOptions? options = null)
    {
        var change = new CatalogChange(batch) { Id = NamespaceEntry.DefaultId };
        change.Put(CatalogKey.OfCounter(CatalogCounter.Namespaces), CatalogValues.EncodeNumber(NamespaceEntry.DefaultId + 1),
            Precondition.Absent, Expectation.CatalogAbsent, "the catalog");
        change.Put(CatalogKey.OfCounter(CatalogCounter.Principals), CatalogValues.EncodeNumber(1));
        change.Put(CatalogKey.OfNamespace(NamespaceEntry.SystemId),
            CatalogValues.Encode(new NamespaceEntry(NamespaceEntry.SystemId, CatalogName.OfSystem)));
        change.Put(CatalogKey.OfNamespaceName(CatalogName.OfSystem), CatalogValues.EncodeNumber(NamespaceEntry.SystemId));
        change.Put(CatalogKey.OfNamespaceName(CatalogName.OfDefault), CatalogValues.EncodeNumber(NamespaceEntry.DefaultId));
        change.PutNamespace(NamespaceEntry.DefaultId, CatalogName.OfDefault, options);
        return change;
    }

    // ------------------------------------------------------------------------------------------------ namespaces

    /// <summary>Makes a namespace and its default keyspace; <see cref="Id"/> is the namespace's.</summary>
    /// <param name="options">Of the default keyspace.</param>
    /// <exception cref="AevumException">AlreadyExists: the name is taken. LimitExceeded: no id is left; or the name is too long.
    /// InvalidArgument: it is no name; or there is no catalog yet.</exception>
    /// <remarks>Refused when decided: AlreadyExists, the name was taken since; Conflict, another namespace was made since.</remarks>
    public static CatalogChange CreateNamespace(StepBatch batch, CatalogSnapshot snapshot, string name, KeyspaceOptions? options = null)
    {
        RequireFree(snapshot.FindNamespace(RequireName(name)), $"namespace \"{name}\"");
        var id = NextId(snapshot, CatalogCounter.Namespaces, 0, out var counter);
        var change = new CatalogChange(batch) { Id = id };
        change.PutName(CatalogKey.OfNamespaceName(name), id, $"namespace \"{name}\"");
        change.PutCounter(CatalogCounter.Namespaces, 0, counter);
        change.PutNamespace(id, name, options);
        return change;
    }

    /// <exception cref="AevumException">NotFound; AlreadyExists: the new name is taken; LimitExceeded, InvalidArgument: it is no name, or
    /// the namespace is the system's or the default one.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, renamed since; AlreadyExists, the name was taken since. A new name
    /// that is the old one only holds the namespace to its version.</remarks>
    public static CatalogChange RenameNamespace(StepBatch batch, CatalogSnapshot snapshot, uint id, string name)
    {
        var entry = RequireNamespace(snapshot, id);
        if (id <= NamespaceEntry.DefaultId) Throw.Invalid($"namespace \"{entry.Name}\" keeps its name");
        RequireFree(snapshot.FindNamespace(RequireName(name)), $"namespace \"{name}\"", except: entry);
        var change = new CatalogChange(batch) { Id = id };
        change.Rename(CatalogKey.OfNamespace(id), CatalogValues.Encode(entry with { Name = name }), Precondition.AtVersion(entry.Version),
            CatalogKey.OfNamespaceName(entry.Name), CatalogKey.OfNamespaceName(name), id, "namespace");
        return change;
    }

    /// <summary>Drops a namespace that holds no keyspace but its default one, and all that is in that.</summary>
    /// <exception cref="AevumException">NotFound; InvalidArgument: it holds other keyspaces, or is the system's or the default
    /// one.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, renamed since, or a keyspace was made in it.</remarks>
    public static CatalogChange DropNamespace(StepBatch batch, CatalogSnapshot snapshot, uint id)
    {
        var entry = RequireNamespace(snapshot, id);
        if (id <= NamespaceEntry.DefaultId) Throw.Invalid($"namespace \"{entry.Name}\" cannot be dropped");
        var others = snapshot.KeyspacesOf(id).Count(keyspace => keyspace.Id.Keyspace != KeyspaceEntry.DefaultId);
        if (others > 0) Throw.Invalid($"namespace \"{entry.Name}\" holds {others} keyspaces beside its default one; drop them first");
        var keyspace = snapshot.FindKeyspace(new KeyspaceId(id, KeyspaceEntry.DefaultId))!;
        var counter = snapshot.State.FindCounter(CatalogCounter.Keyspaces, id)!.Value;
        var subject = $"namespace \"{entry.Name}\"";
        var change = new CatalogChange(batch) { Id = id };
        change.Delete(CatalogKey.OfNamespace(id), Precondition.AtVersion(entry.Version), Expectation.ObjectUnchanged, subject);
        change.Delete(CatalogKey.OfCounter(CatalogCounter.Keyspaces, id), Precondition.AtVersion(counter.Version), Expectation.CounterUnchanged,
            $"the keyspaces of {subject}");
        change.Delete(CatalogKey.OfNamespaceName(entry.Name));
        change.Delete(CatalogKey.OfKeyspace(keyspace.Id));
        change.Delete(CatalogKey.OfKeyspaceName(id, keyspace.Name));
        change.DeleteRows(keyspace.Id);
        return change;
    }

    // ------------------------------------------------------------------------------------------------ keyspaces

    /// <summary>Makes a keyspace in a namespace; <see cref="Id"/> is its id there.</summary>
    /// <exception cref="AevumException">NotFound: no such namespace. AlreadyExists: the name is taken in it. LimitExceeded: no id is left;
    /// or the name is too long. InvalidArgument: it is no name; or the namespace is the system's.</exception>
    /// <remarks>Refused when decided: NotFound, the namespace was dropped since; AlreadyExists, the name was taken since; Conflict, another
    /// keyspace was made in the namespace since.</remarks>
    public static CatalogChange CreateKeyspace(StepBatch batch, CatalogSnapshot snapshot, uint namespaceId, string name,
        KeyspaceOptions? options = null, KeyspaceKind kind = KeyspaceKind.KeyValue)
    {
        if (kind > KeyspaceKind.Vectors) Throw.Invalid($"there is no kind {(byte)kind} of keyspaces");
        RequireFitting(kind, options);
        var parent = RequireNamespace(snapshot, namespaceId);
        if (namespaceId == NamespaceEntry.SystemId) Throw.Invalid("the system's namespace takes no keyspaces");
        var subject = $"keyspace \"{name}\" of namespace \"{parent.Name}\"";
        RequireFree(snapshot.FindKeyspace(namespaceId, RequireName(name)), subject);
        var id = NextId(snapshot, CatalogCounter.Keyspaces, namespaceId, out var counter);
        var change = new CatalogChange(batch) { Id = id };
        change.Check(CatalogKey.OfNamespace(namespaceId), Precondition.Present, Expectation.ParentThere, $"namespace \"{parent.Name}\"");
        change.PutName(CatalogKey.OfKeyspaceName(namespaceId, name), id, subject);
        change.PutCounter(CatalogCounter.Keyspaces, namespaceId, counter);
        var entry = new KeyspaceEntry(new KeyspaceId(namespaceId, id), name, kind, options ?? KeyspaceOptions.Default);
        change.Put(CatalogKey.OfKeyspace(entry.Id), CatalogValues.Encode(entry));
        return change;
    }

    /// <summary>Gives a keyspace other options. Options that only a later program knows stay as they are. A merge operator may be given to a
    /// keyspace that has none, but not taken away or replaced: operands written for it may be there still, unfolded, now and in the past.</summary>
    /// <exception cref="AevumException">NotFound; InvalidArgument: another merge operator.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, altered or renamed since.</remarks>
    public static CatalogChange AlterKeyspace(StepBatch batch, CatalogSnapshot snapshot, KeyspaceId id, KeyspaceOptions options)
    {
        var entry = RequireKeyspace(snapshot, id);
        if (entry.Options.MergeOperator is { } merge && options.MergeOperator != merge)
            Throw.Invalid($"keyspace \"{entry.Name}\" keeps its merge operator \"{merge}\": operands written for it may be there still");
        RequireFitting(entry.Kind, options);
        if (entry.Options.Collection is { } collection && !collection.HasShapeOf(options.Collection!))
            Throw.Invalid($"collection \"{entry.Name}\" keeps its dimension, element type and metric: its rows were written for them");
        var change = new CatalogChange(batch) { Id = id.Keyspace };
        var altered = entry with { Options = options with { Unknown = entry.Options.Unknown } };
        change.Put(CatalogKey.OfKeyspace(id), CatalogValues.Encode(altered), Precondition.AtVersion(entry.Version), Expectation.ObjectUnchanged,
            $"keyspace \"{entry.Name}\"");
        return change;
    }

    /// <exception cref="AevumException">NotFound; AlreadyExists: the new name is taken; LimitExceeded, InvalidArgument: it is no name, or
    /// the keyspace is a default one.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, altered or renamed since; AlreadyExists, the name was taken since.
    /// A new name that is the old one only holds the keyspace to its version.</remarks>
    public static CatalogChange RenameKeyspace(StepBatch batch, CatalogSnapshot snapshot, KeyspaceId id, string name)
    {
        var entry = RequireKeyspace(snapshot, id);
        if (id.Keyspace == KeyspaceEntry.DefaultId) Throw.Invalid("a namespace's default keyspace keeps its name");
        RequireFree(snapshot.FindKeyspace(id.Namespace, RequireName(name)), $"keyspace \"{name}\"", except: entry);
        var change = new CatalogChange(batch) { Id = id.Keyspace };
        change.Rename(CatalogKey.OfKeyspace(id), CatalogValues.Encode(entry with { Name = name }), Precondition.AtVersion(entry.Version),
            CatalogKey.OfKeyspaceName(id.Namespace, entry.Name), CatalogKey.OfKeyspaceName(id.Namespace, name), id.Keyspace, "keyspace");
        return change;
    }

    /// <summary>Gives two keyspaces of a namespace each other's names.</summary>
    /// <exception cref="AevumException">NotFound; InvalidArgument: they are of two namespaces, or one is a default keyspace.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, altered or renamed since.</remarks>
    public static CatalogChange SwapKeyspaces(StepBatch batch, CatalogSnapshot snapshot, KeyspaceId first, KeyspaceId second)
    {
        var (a, b) = (RequireKeyspace(snapshot, first), RequireKeyspace(snapshot, second));
        if (first == second || first.Namespace != second.Namespace) Throw.Invalid("two keyspaces of one namespace swap their names");
        if (first.Keyspace == KeyspaceEntry.DefaultId || second.Keyspace == KeyspaceEntry.DefaultId)
            Throw.Invalid("a namespace's default keyspace keeps its name");
        var change = new CatalogChange(batch) { Id = first.Keyspace };
        foreach (var (entry, other) in new[] { (a, b), (b, a) })
        {
            change.Put(CatalogKey.OfKeyspace(entry.Id), CatalogValues.Encode(entry with { Name = other.Name }), Precondition.AtVersion(entry.Version),
                Expectation.ObjectUnchanged, $"keyspace \"{entry.Name}\"");
            change.Put(CatalogKey.OfKeyspaceName(first.Namespace, other.Name), CatalogValues.EncodeNumber(entry.Id.Keyspace));
        }
        return change;
    }

    /// <summary>Drops a keyspace and all its rows. Their history stays as long as its policy said: a view of the past sees it with its
    /// rows.</summary>
    /// <exception cref="AevumException">NotFound; InvalidArgument: it is a default keyspace.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, altered or renamed since.</remarks>
    public static CatalogChange DropKeyspace(StepBatch batch, CatalogSnapshot snapshot, KeyspaceId id)
    {
        var entry = RequireKeyspace(snapshot, id);
        if (id.Keyspace == KeyspaceEntry.DefaultId) Throw.Invalid("a namespace's default keyspace goes with its namespace only");
        var change = new CatalogChange(batch) { Id = id.Keyspace };
        change.Delete(CatalogKey.OfKeyspace(id), Precondition.AtVersion(entry.Version), Expectation.ObjectUnchanged, $"keyspace \"{entry.Name}\"");
        change.Delete(CatalogKey.OfKeyspaceName(id.Namespace, entry.Name));
        change.DeleteRows(id);
        return change;
    }

    // ------------------------------------------------------------------------------------------------ principals

    /// <exception cref="AevumException">AlreadyExists: the name is taken. LimitExceeded: no id is left; or the name is too long.
    /// InvalidArgument: it is no name; or there is no catalog yet.</exception>
    /// <remarks>Refused when decided: AlreadyExists, the name was taken since; Conflict, another principal was made since.</remarks>
    public static CatalogChange CreatePrincipal(StepBatch batch, CatalogSnapshot snapshot, string name, PrincipalAccess? access = null)
    {
        RequireFree(snapshot.FindPrincipal(RequireName(name)), $"principal \"{name}\"");
        var id = NextId(snapshot, CatalogCounter.Principals, 0, out var counter);
        var change = new CatalogChange(batch) { Id = id };
        change.PutName(CatalogKey.OfPrincipalName(name), id, $"principal \"{name}\"");
        change.PutCounter(CatalogCounter.Principals, 0, counter);
        change.Put(CatalogKey.OfPrincipal(id), CatalogValues.Encode(new PrincipalEntry(id, name) { Access = access ?? PrincipalAccess.None }));
        return change;
    }

    /// <exception cref="AevumException">NotFound; AlreadyExists: the new name is taken; LimitExceeded, InvalidArgument: it is no
    /// name.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, renamed since; AlreadyExists, the name was taken since. A new name
    /// that is the old one only holds the principal to its version.</remarks>
    public static CatalogChange RenamePrincipal(StepBatch batch, CatalogSnapshot snapshot, uint id, string name)
    {
        var entry = RequirePrincipal(snapshot, id);
        RequireFree(snapshot.FindPrincipal(RequireName(name)), $"principal \"{name}\"", except: entry);
        var change = new CatalogChange(batch) { Id = id };
        change.Rename(CatalogKey.OfPrincipal(id), CatalogValues.Encode(entry with { Name = name }), Precondition.AtVersion(entry.Version),
            CatalogKey.OfPrincipalName(entry.Name), CatalogKey.OfPrincipalName(name), id, "principal");
        return change;
    }

    /// <summary>Gives a principal other credentials and rules.</summary>
    /// <exception cref="AevumException">NotFound.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, renamed or altered since.</remarks>
    public static CatalogChange AlterPrincipal(StepBatch batch, CatalogSnapshot snapshot, uint id, PrincipalAccess access)
    {
        var entry = RequirePrincipal(snapshot, id);
        var change = new CatalogChange(batch) { Id = id };
        change.Put(CatalogKey.OfPrincipal(id), CatalogValues.Encode(entry with { Access = access }), Precondition.AtVersion(entry.Version),
            Expectation.ObjectUnchanged, $"principal \"{entry.Name}\"");
        return change;
    }

    /// <exception cref="AevumException">NotFound.</exception>
    /// <remarks>Refused when decided: NotFound, dropped since; Conflict, renamed since.</remarks>
    public static CatalogChange DropPrincipal(StepBatch batch, CatalogSnapshot snapshot, uint id)
    {
        var entry = RequirePrincipal(snapshot, id);
        var change = new CatalogChange(batch) { Id = id };
        change.Delete(CatalogKey.OfPrincipal(id), Precondition.AtVersion(entry.Version), Expectation.ObjectUnchanged, $"principal \"{entry.Name}\"");
        change.Delete(CatalogKey.OfPrincipalName(entry.Name));
        return change;
    }

    // ------------------------------------------------------------------------------------------------ what came of it

    /// <summary>Why the batch was refused, if it was for the sake of this change. To be asked before the batch is cleared.</summary>
    /// <returns>AlreadyExists, NotFound or Conflict, as the builder's remarks say; null if the batch was not refused, or for another step
    /// than those of this change.</returns>
    public AevumException? FindRefusal()
    {
        var step = _batch.FailedStep - _firstStep;
        if (_batch.Status != CommitStatus.Refused || step < 0 || step >= _steps.Count) return null;
        var (expectation, subject) = _steps[step];
        var isGone = _batch.ResultOf(_batch.FailedStep).Version == SystemTime.None;
        return expectation switch
        {
            Expectation.NameFree or Expectation.CatalogAbsent => new AevumException(ErrorCode.AlreadyExists, $"{subject} is there already"),
            Expectation.ParentThere => Missing(subject),
            Expectation.ObjectUnchanged when isGone => Missing(subject),
            _ => new AevumException(ErrorCode.Conflict, $"{subject}: changed by another since this was planned; plan it again"),
        };
    }

    /// <exception cref="AevumException">What <see cref="FindRefusal"/> returns, if it returns one.</exception>
    public void ThrowIfRefused()
    {
        if (FindRefusal() is { } refusal) throw refusal;
    }

    // ------------------------------------------------------------------------------------------------ what the snapshot rules out

    // Vectors never expire by themselves and are never merged: whoever follows them (Engine/Indexes) need not ask the clock, nor fold.
    static void RequireFitting(KeyspaceKind kind, KeyspaceOptions? options)
    {
        if ((kind == KeyspaceKind.Vectors) != (options?.Collection is not null))
            Throw.Invalid("a vector collection, and nothing else, says what its vectors are");
        if (options?.Collection is not { } collection) return;
        collection.Validate();
        if (options.MergeOperator is not null || options.DefaultTimeToLive is not null)
            Throw.Invalid("a vector collection has no merge operator and no time to live");
    }

    static string RequireName(string name)
    {
        CatalogName.Require(name, "the name");
        return name;
    }

    static void RequireFree(ICatalogEntry? found, string subject, ICatalogEntry? except = null)
    {
        if (found is not null && !ReferenceEquals(found, except)) throw new AevumException(ErrorCode.AlreadyExists, $"{subject} is there already");
    }

    static NamespaceEntry RequireNamespace(CatalogSnapshot snapshot, uint id) => snapshot.FindNamespace(id) ?? throw Missing($"namespace {id}");

    static KeyspaceEntry RequireKeyspace(CatalogSnapshot snapshot, KeyspaceId id) => snapshot.FindKeyspace(id) ?? throw Missing($"keyspace {id}");

    static PrincipalEntry RequirePrincipal(CatalogSnapshot snapshot, uint id) => snapshot.FindPrincipal(id) ?? throw Missing($"principal {id}");

    static AevumException Missing(string subject) => new(ErrorCode.NotFound, $"{subject} is not there");

    static uint NextId(CatalogSnapshot snapshot, CatalogCounter which, uint parent, out CounterEntry counter)
    {
        if (snapshot.State.FindCounter(which, parent) is not { } found)
            throw new AevumException(ErrorCode.InvalidArgument, "the database has no catalog yet");
        if (found.Next == CatalogKey.IdEnd) Throw.Limit($"the number of {which} ever made", found.Next + 1L, CatalogKey.IdEnd);
        counter = found;
        return found.Next;
    }

    // ------------------------------------------------------------------------------------------------ steps

    void PutNamespace(uint id, string name, KeyspaceOptions? options)
    {
        Put(CatalogKey.OfNamespace(id), CatalogValues.Encode(new NamespaceEntry(id, name)));
        Put(CatalogKey.OfCounter(CatalogCounter.Keyspaces, id), CatalogValues.EncodeNumber(KeyspaceEntry.DefaultId + 1));
        var keyspaceId = new KeyspaceId(id, KeyspaceEntry.DefaultId);
        var keyspace = new KeyspaceEntry(keyspaceId, CatalogName.OfDefault, KeyspaceKind.KeyValue, options ?? KeyspaceOptions.Default);
        Put(CatalogKey.OfKeyspace(keyspace.Id), CatalogValues.Encode(keyspace));
        Put(CatalogKey.OfKeyspaceName(id, CatalogName.OfDefault), CatalogValues.EncodeNumber(KeyspaceEntry.DefaultId));
    }

    void Rename(CatalogKey key, byte[] value, in Precondition unchanged, CatalogKey oldName, CatalogKey newName, uint id, string kind)
    {
        var subject = $"{kind} \"{oldName.Name}\"";
        if (oldName == newName)
        {
            Check(key, unchanged, Expectation.ObjectUnchanged, subject);
            return;
        }
        Put(key, value, unchanged, Expectation.ObjectUnchanged, subject);
        PutName(newName, id, $"{kind} \"{newName.Name}\"");
        Delete(oldName);
    }

    void PutName(CatalogKey key, uint id, string subject) =>
        Put(key, CatalogValues.EncodeNumber(id), Precondition.Absent, Expectation.NameFree, subject);

    void PutCounter(CatalogCounter which, uint parent, CounterEntry before) =>
        Put(CatalogKey.OfCounter(which, parent), CatalogValues.EncodeNumber(before.Next + 1), Precondition.AtVersion(before.Version),
            Expectation.CounterUnchanged, $"the counter of {which}");

    void Check(CatalogKey key, in Precondition condition, Expectation expectation, string subject) =>
        Added(_batch.Check(key.ToBytes(), condition), expectation, subject);

    void Put(CatalogKey key, byte[] value, in Precondition condition = default, Expectation expectation = Expectation.Nothing, string subject = "") =>
        Added(_batch.Put(key.ToBytes(), value, condition), expectation, subject);

    void Delete(CatalogKey key, in Precondition condition = default, Expectation expectation = Expectation.Nothing, string subject = "") =>
        Added(_batch.Delete(key.ToBytes(), condition), expectation, subject);

    void DeleteRows(KeyspaceId id)
    {
        var (start, end) = KeyLayout.RangeOf(id);
        Added(_batch.DeleteRange(start, end), Expectation.Nothing, "");   // ids end below 2^32 - 1, so the range has an end
    }

    void Added(int step, Expectation expectation, string subject)
    {
        Debug.Assert(step == _firstStep + _steps.Count, "a change's steps stand together");
        _steps.Add((expectation, subject));
    }
}
