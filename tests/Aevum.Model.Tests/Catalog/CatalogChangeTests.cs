using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;
using Aevum.Testing;

namespace Aevum.Model.Tests.Catalog;

public sealed class CatalogChangeTests
{
    static readonly KeyspaceOptions Options = new() { Compression = KeyspaceCompression.Lz4 };

    readonly RowStore _store = new();

    public CatalogChangeTests() => Commit(batch => CatalogChange.Found(batch));

    (CatalogChange Change, StepBatch Batch) Commit(Func<StepBatch, CatalogChange> plan)
    {
        var batch = new StepBatch();
        var change = plan(batch);
        _store.Commit(batch);
        return (change, batch);
    }

    uint Make(Func<StepBatch, CatalogChange> plan)
    {
        var (change, batch) = Commit(plan);
        change.ThrowIfRefused();
        Assert.Equal(CommitStatus.Committed, batch.Status);
        return change.Id;
    }

    ErrorCode RefusalOf(Func<StepBatch, CatalogChange> plan)
    {
        var before = SlowCatalog.Listing(_store.Read());
        var (change, batch) = Commit(plan);
        Assert.Equal(CommitStatus.Refused, batch.Status);
        Assert.Equal(before, SlowCatalog.Listing(_store.Read()));
        return Assert.Throws<AevumException>(change.ThrowIfRefused).Code;
    }

    static ErrorCode RefusedAtOnce(Action<StepBatch> plan)
    {
        var batch = new StepBatch();
        var code = Assert.Throws<AevumException>(() => plan(batch)).Code;
        Assert.Equal(0, batch.Count);
        return code;
    }

    [Fact]
    public void The_first_day()
    {
        var snapshot = _store.Read();
        Assert.Equal(new SlowCatalog().Listing(), SlowCatalog.Listing(snapshot));
        Assert.Equal((2, 1, 0), (snapshot.NamespaceCount, snapshot.KeyspaceCount, snapshot.PrincipalCount));
        Assert.Equal(NamespaceEntry.DefaultId, snapshot.FindNamespace("default")!.Id);
        Assert.Equal(new KeyspaceId(1, 0), snapshot.FindKeyspace(1, "default")!.Id);
        Assert.Equal(ErrorCode.AlreadyExists, RefusalOf(batch => CatalogChange.Found(batch)));
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.CreateNamespace(batch, CatalogSnapshot.Empty, "x")));
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.CreatePrincipal(batch, CatalogSnapshot.Empty, "x")));
    }

    [Theory, Seeds(20)]
    public void Changes_mean_what_the_oracle_says_whoever_else_changes_the_catalog(ulong seed)
    {
        var random = new SeededRandom(seed);
        var store = _store;
        var oracle = new SlowCatalog();
        var latest = store.Read();
        var known = new List<CatalogSnapshot> { latest };                // what planners may still believe
        var touched = new List<(SystemTime Time, HashSet<string> Keys)>();
        var withRows = new HashSet<KeyspaceId>();
        var outcomes = new Dictionary<string, int>();
        for (var i = 0; i < 250; i++)
        {
            var op = Op.Draw(random, oracle);
            var planned = known[Math.Max(0, known.Count - 1 - random.Next(4))];
            var isFresh = ReferenceEquals(planned, latest);
            var batch = new StepBatch();
            CatalogChange? change = null;
            ErrorCode? refusal = null;
            try
            {
                change = op.Plan(batch, planned);
                if (!store.Commit(batch)) refusal = change.FindRefusal()!.Code;
            }
            catch (AevumException e)
            {
                refusal = e.Code;
                Assert.Equal(0, batch.Count);
            }
            outcomes[refusal?.ToString() ?? "done"] = outcomes.GetValueOrDefault(refusal?.ToString() ?? "done") + 1;

            var movedSince = touched.Where(t => t.Time > planned.Version).SelectMany(t => t.Keys).ToHashSet();
            var heldTo = KeysHeldToAVersion(batch);
            if (refusal is null)
            {
                var (id, oracleRefusal) = oracle.Do(op);
                Assert.Null(oracleRefusal);
                Assert.Equal(id, change!.Id);
                Assert.Empty(heldTo.Intersect(movedSince));              // nobody's change was overlooked
                var rows = CatalogRow.ChangedBy(batch);
                latest = latest.Apply(rows, batch.Time);
                if (rows.Count > 0) touched.Add((batch.Time, [.. rows.Select(row => Convert.ToHexString(row.Key))]));
                known.Add(latest);
                withRows.IntersectWith(oracle.Keyspaces);
            }
            else if (change is null && isFresh)
            {
                Assert.Equal(oracle.Do(op).Refusal, refusal);            // what the snapshot rules out is ruled out
            }
            else if (change is not null)
            {
                Assert.False(isFresh, $"{op} was planned against the present and refused: {refusal}");
                if (refusal == ErrorCode.Conflict) Assert.NotEmpty(heldTo.Intersect(movedSince));   // and nobody is held back without a reason
                else Assert.Equal(oracle.Do(op).Refusal, refusal);
            }

            Assert.Equal(oracle.Listing(), SlowCatalog.Listing(latest));
            var reread = store.Read();
            Assert.Equal(reread.Namespaces, latest.Namespaces);
            Assert.Equal(reread.Keyspaces, latest.Keyspaces);
            Assert.Equal(reread.Principals, latest.Principals);
            foreach (var keyspace in oracle.Keyspaces.Where(k => !withRows.Contains(k)))
            {
                store.Put(keyspace, "row"u8);
                withRows.Add(keyspace);
            }
            Assert.Equal(withRows.OrderBy(k => k.Value), store.KeyspacesWithRows);   // rows went with their keyspace, and no others
        }
        Assert.True(outcomes.Count >= 4, string.Join(' ', outcomes));   // done, NotFound, AlreadyExists, and more
    }

    static IEnumerable<string> KeysHeldToAVersion(StepBatch batch)
    {
        var keys = new List<string>();
        for (var i = 0; i < batch.Count; i++)
        {
            var step = batch.StepAt(i);
            if (step.Condition == PreconditionKind.Version) keys.Add(Convert.ToHexString(step.Key));
        }
        return keys;
    }

    [Fact]
    public void A_merge_operator_may_be_given_later_but_not_replaced()
    {
        var id = new KeyspaceId(1, 0);
        void Alter(string? merge) => Make(batch => CatalogChange.AlterKeyspace(batch, _store.Read(), id, Options with { MergeOperator = merge }));
        Alter(null);
        Alter("add");
        Alter("add");
        foreach (var other in new[] { null, "append" })
            Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => Alter(other)).Code);
        Assert.Equal(Options with { MergeOperator = "add" }, _store.Read().FindKeyspace(id)!.Options);
    }

    [Fact]
    public void Altering_a_keyspace_keeps_the_options_of_a_later_program()
    {
        var key = CatalogKey.OfKeyspace(new KeyspaceId(1, 0)).ToBytes();
        byte[] later = [1, 2, 7, .. "default"u8, 4, 1, 0, 6, 10, 1, 2, 1, 0, 4, 1, 0, 5, 1, 0xEE, 9, 0];
        var snapshot = _store.Read().Apply([new CatalogRow(key, later, _store.Now)], _store.Now);
        var batch = new StepBatch();
        CatalogChange.AlterKeyspace(batch, snapshot, new KeyspaceId(1, 0), new KeyspaceOptions { Compression = KeyspaceCompression.Lz4 });
        Assert.Equal([1, 2, 7, .. "default"u8, 4, 1, 0, 6, 10, 1, 2, 1, 0, 4, 1, 1, 5, 1, 0xEE, 9, 0], batch.StepAt(0).Value.ToArray());
    }

    // ------------------------------------------------------------------------------------------------ two planners, one snapshot

    [Fact]
    public void Two_who_want_one_name_meet_at_the_name()
    {
        var snapshot = _store.Read();
        Make(batch => CatalogChange.CreateKeyspace(batch, snapshot, 1, "k"));
        Assert.Equal(ErrorCode.AlreadyExists, RefusalOf(batch => CatalogChange.CreateKeyspace(batch, snapshot, 1, "k")));
        Make(batch => CatalogChange.CreateNamespace(batch, snapshot, "n"));
        Assert.Equal(ErrorCode.AlreadyExists, RefusalOf(batch => CatalogChange.CreateNamespace(batch, snapshot, "n")));
        Make(batch => CatalogChange.CreatePrincipal(batch, snapshot, "p"));
        Assert.Equal(ErrorCode.AlreadyExists, RefusalOf(batch => CatalogChange.CreatePrincipal(batch, snapshot, "p")));
    }

    [Fact]
    public void Two_who_make_objects_of_one_kind_in_one_place_meet_at_the_counter()
    {
        Make(batch => CatalogChange.CreateNamespace(batch, _store.Read(), "other"));
        var snapshot = _store.Read();
        Make(batch => CatalogChange.CreateKeyspace(batch, snapshot, 1, "a"));
        Assert.Equal(ErrorCode.Conflict, RefusalOf(batch => CatalogChange.CreateKeyspace(batch, snapshot, 1, "b")));
        Assert.Equal(1u, Make(batch => CatalogChange.CreateKeyspace(batch, snapshot, 2, "b")));          // another place
        Assert.Equal(2u, Make(batch => CatalogChange.CreateKeyspace(batch, _store.Read(), 1, "b")));     // planned again
    }

    [Fact]
    public void Two_who_change_one_object_meet_at_its_row()
    {
        var id = new KeyspaceId(1, Make(batch => CatalogChange.CreateKeyspace(batch, _store.Read(), 1, "k")));
        var snapshot = _store.Read();
        Make(batch => CatalogChange.AlterKeyspace(batch, snapshot, id, Options));
        Assert.Equal(ErrorCode.Conflict, RefusalOf(batch => CatalogChange.AlterKeyspace(batch, snapshot, id, Options)));
        Assert.Equal(ErrorCode.Conflict, RefusalOf(batch => CatalogChange.RenameKeyspace(batch, snapshot, id, "q")));
        Assert.Equal(ErrorCode.Conflict, RefusalOf(batch => CatalogChange.RenameKeyspace(batch, snapshot, id, "k")));
        Assert.Equal(ErrorCode.Conflict, RefusalOf(batch => CatalogChange.DropKeyspace(batch, snapshot, id)));
        Make(batch => CatalogChange.DropKeyspace(batch, _store.Read(), id));
        Assert.Equal(ErrorCode.NotFound, RefusalOf(batch => CatalogChange.AlterKeyspace(batch, snapshot, id, Options)));
        Assert.Equal(ErrorCode.NotFound, RefusalOf(batch => CatalogChange.DropKeyspace(batch, snapshot, id)));
    }

    [Fact]
    public void A_namespace_is_not_dropped_over_a_keyspace_that_is_just_made_nor_does_a_keyspace_come_into_one_that_is_just_dropped()
    {
        var tenant = Make(batch => CatalogChange.CreateNamespace(batch, _store.Read(), "tenant"));
        var snapshot = _store.Read();
        Make(batch => CatalogChange.CreateKeyspace(batch, snapshot, tenant, "k"));
        Assert.Equal(ErrorCode.Conflict, RefusalOf(batch => CatalogChange.DropNamespace(batch, snapshot, tenant)));
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.DropNamespace(batch, _store.Read(), tenant)));
        Make(batch => CatalogChange.DropKeyspace(batch, _store.Read(), new KeyspaceId(tenant, 1)));

        snapshot = _store.Read();
        Make(batch => CatalogChange.DropNamespace(batch, snapshot, tenant));
        Assert.Equal(ErrorCode.NotFound, RefusalOf(batch => CatalogChange.CreateKeyspace(batch, snapshot, tenant, "k")));
        Assert.Equal(ErrorCode.NotFound, RefusalOf(batch => CatalogChange.AlterKeyspace(batch, snapshot, new KeyspaceId(tenant, 0), Options)));
        Assert.Equal(ErrorCode.NotFound, RefusalOf(batch => CatalogChange.DropNamespace(batch, snapshot, tenant)));
    }

    [Fact]
    public void A_renamed_namespace_does_not_hold_back_who_makes_keyspaces_in_it()
    {
        var tenant = Make(batch => CatalogChange.CreateNamespace(batch, _store.Read(), "tenant"));
        var snapshot = _store.Read();
        Make(batch => CatalogChange.RenameNamespace(batch, snapshot, tenant, "renamed"));
        Make(batch => CatalogChange.CreateKeyspace(batch, snapshot, tenant, "k"));
        Assert.Equal(tenant, _store.Read().FindNamespace("renamed")!.Id);
    }

    [Fact]
    public void Names_may_be_swapped_between_objects_in_turn_and_ids_are_not_given_again()
    {
        var first = Make(batch => CatalogChange.CreatePrincipal(batch, _store.Read(), "a"));
        var second = Make(batch => CatalogChange.CreatePrincipal(batch, _store.Read(), "b"));
        Make(batch => CatalogChange.RenamePrincipal(batch, _store.Read(), first, "c"));
        Make(batch => CatalogChange.RenamePrincipal(batch, _store.Read(), second, "a"));
        Make(batch => CatalogChange.RenamePrincipal(batch, _store.Read(), first, "b"));
        Assert.Equal((second, first), (_store.Read().FindPrincipal("a")!.Id, _store.Read().FindPrincipal("b")!.Id));
        Make(batch => CatalogChange.DropPrincipal(batch, _store.Read(), second));
        Assert.Equal(second + 1, Make(batch => CatalogChange.CreatePrincipal(batch, _store.Read(), "a")));
    }

    // ------------------------------------------------------------------------------------------------ what is ruled out

    [Fact]
    public void The_system_and_default_objects_stay()
    {
        var snapshot = _store.Read();
        foreach (var id in new[] { NamespaceEntry.SystemId, NamespaceEntry.DefaultId })
        {
            Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.RenameNamespace(batch, snapshot, id, "x")));
            Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.DropNamespace(batch, snapshot, id)));
        }
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.RenameKeyspace(batch, snapshot, new KeyspaceId(1, 0), "x")));
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.DropKeyspace(batch, snapshot, new KeyspaceId(1, 0))));
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.CreateKeyspace(batch, snapshot, 0, "x")));
        Assert.Equal(ErrorCode.AlreadyExists, RefusedAtOnce(batch => CatalogChange.CreateNamespace(batch, snapshot, "system")));
        Assert.Equal(ErrorCode.NotFound, RefusedAtOnce(batch => CatalogChange.DropKeyspace(batch, snapshot, SystemKeyspaces.Catalog)));
    }

    [Fact]
    public void Bad_names_kinds_and_policies_are_refused_before_a_step_is_added()
    {
        var snapshot = _store.Read();
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.CreateNamespace(batch, snapshot, "")));
        Assert.Equal(ErrorCode.LimitExceeded, RefusedAtOnce(batch => CatalogChange.CreateKeyspace(batch, snapshot, 1, new string('x', 256))));
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.CreatePrincipal(batch, snapshot, "a\tb")));
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch => CatalogChange.CreateKeyspace(batch, snapshot, 1, "x", null, (KeyspaceKind)9)));
        Assert.Equal(ErrorCode.InvalidArgument, RefusedAtOnce(batch =>
        {
            batch.Policy = CommitPolicy.EachForItself;
            CatalogChange.CreatePrincipal(batch, snapshot, "x");
        }));
    }

    [Fact]
    public void When_all_ids_are_given_no_more_are()
    {
        var rows = _store.CatalogRows.Select(row => CatalogKey.Read(row.Key).Kind == CatalogRowKind.Counter
            ? row with { Value = CatalogValues.EncodeNumber(CatalogKey.IdEnd) } : row);
        var snapshot = CatalogSnapshot.FromRows(rows, _store.Now);
        Assert.Equal(ErrorCode.LimitExceeded, RefusedAtOnce(batch => CatalogChange.CreateNamespace(batch, snapshot, "x")));
        Assert.Equal(ErrorCode.LimitExceeded, RefusedAtOnce(batch => CatalogChange.CreateKeyspace(batch, snapshot, 1, "x")));
        Assert.Equal(ErrorCode.LimitExceeded, RefusedAtOnce(batch => CatalogChange.CreatePrincipal(batch, snapshot, "x")));
    }

    // ------------------------------------------------------------------------------------------------ batches with more in them

    [Fact]
    public void A_refusal_is_told_by_the_change_whose_step_it_was()
    {
        var snapshot = _store.Read();
        Make(batch => CatalogChange.CreatePrincipal(batch, snapshot, "taken"));
        var both = new StepBatch();
        both.Put(KeyLayout.Make(new KeyspaceId(1, 0), "x"u8), "1"u8);
        var first = CatalogChange.CreateKeyspace(both, snapshot, 1, "k");
        var second = CatalogChange.CreatePrincipal(both, snapshot, "taken");
        Assert.Null(first.FindRefusal());   // not decided yet
        Assert.False(_store.Commit(both));
        Assert.Null(first.FindRefusal());
        Assert.Equal(ErrorCode.AlreadyExists, second.FindRefusal()!.Code);
        Assert.Empty(CatalogRow.ChangedBy(both));

        var later = new StepBatch();
        var change = CatalogChange.CreateKeyspace(later, snapshot, 1, "k");
        later.Check(KeyLayout.Make(new KeyspaceId(1, 0), "x"u8), Precondition.Present);
        Assert.False(_store.Commit(later));
        Assert.Null(change.FindRefusal());   // another's condition
    }

    [Fact]
    public void Changed_rows_are_found_among_the_effects_of_an_encoded_batch()
    {
        var (_, batch) = Commit(b => CatalogChange.CreateNamespace(b, _store.Read(), "n"));
        var effects = new WriteBatch { SystemTime = batch.Time };
        effects.Put(KeyLayout.Make(new KeyspaceId(1, 0), "x"u8), "1"u8);
        for (var i = 0; i < batch.Count; i++) effects.Put(batch.StepAt(i).Key, batch.StepAt(i).Value);
        effects.DeleteRange(KeyLayout.Make(SystemKeyspaces.Clock, []), KeyLayout.Make(SystemKeyspaces.Floors, []));
        var expected = CatalogRow.ChangedBy(batch);
        var found = CatalogRow.ChangedBy(effects.Encoded);
        Assert.Equal(expected.Select(r => (Convert.ToHexString(r.Key), Convert.ToHexString(r.Value!), r.Version)),
            found.Select(r => (Convert.ToHexString(r.Key), Convert.ToHexString(r.Value!), r.Version)));
        Assert.Equal(6, found.Count);
    }

    [Fact]
    public void What_is_never_done_to_the_catalog_is_corruption_where_effects_do_it()
    {
        var (start, end) = CatalogRow.Range();
        Assert.Throws<CorruptionException>(() => ChangedBy(batch => batch.Merge(start, "x"u8)));
        Assert.Throws<CorruptionException>(() => ChangedBy(batch => batch.DeleteRange(start, end)));
        Assert.Throws<CorruptionException>(() => ChangedBy(batch => batch.DeleteRange([], [.. start, 1])));
        Assert.Throws<CorruptionException>(() => ChangedBy(batch => batch.Put(start, "x"u8, new SystemTime(9))));
        Assert.Empty(ChangedBy(batch => batch.DeleteRange(end, [.. end, 1])));
        Assert.Empty(ChangedBy(batch => batch.DeleteRange([], start)));
        Assert.Single(ChangedBy(batch => batch.Delete(start)));

        static IReadOnlyList<CatalogRow> ChangedBy(Action<WriteBatch> fill)
        {
            var batch = new WriteBatch();
            fill(batch);
            return CatalogRow.ChangedBy(batch.Encoded);
        }
    }
}
