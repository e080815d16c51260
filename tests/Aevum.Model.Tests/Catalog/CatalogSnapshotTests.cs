using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Tests.Catalog;

/// <summary>Under random changes and against an oracle: <see cref="CatalogChangeTests"/>.</summary>
public sealed class CatalogSnapshotTests
{
    static readonly SystemTime At = new(1000);

    [Fact]
    public void Nothing_is_a_catalog_too()
    {
        var snapshot = CatalogSnapshot.FromRows([], At);
        Assert.Equal((0, 0, 0, At), (snapshot.NamespaceCount, snapshot.KeyspaceCount, snapshot.PrincipalCount, snapshot.Version));
        Assert.Null(snapshot.FindNamespace("default"));
        Assert.Null(snapshot.FindKeyspace(new KeyspaceId(1, 0)));
        Assert.Empty(snapshot.Keyspaces);
    }

    [Fact]
    public void Rows_may_come_in_any_order_and_twice()
    {
        var rows = CatalogSample.Rows();
        var listing = SlowCatalog.Listing(CatalogSnapshot.FromRows(rows, At));
        Assert.Equal(listing, SlowCatalog.Listing(CatalogSnapshot.FromRows(rows.AsEnumerable().Reverse(), At)));
        var snapshot = CatalogSnapshot.FromRows(rows, At);
        Assert.Equal(listing, SlowCatalog.Listing(snapshot.Apply(rows, At)));
        Assert.Same(snapshot, snapshot.Apply([], At));
    }

    [Fact]
    public void A_version_does_not_fall_and_no_row_lies_above_it()
    {
        var rows = CatalogSample.Rows();
        var snapshot = CatalogSnapshot.FromRows(rows, At);
        Assert.Equal(new SystemTime(1001), snapshot.Apply([], new SystemTime(1001)).Version);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => snapshot.Apply([], new SystemTime(999))).Code);
        Assert.Equal(ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => CatalogSnapshot.FromRows(rows, new SystemTime(1))).Code);
    }

    [Fact]
    public void A_catalog_that_lacks_any_of_its_rows_is_refused()
    {
        var rows = CatalogSample.Rows();
        foreach (var missing in rows)
        {
            Assert.Throws<CorruptionException>(() => CatalogSnapshot.FromRows(rows.Where(row => row != missing), At));
            var whole = CatalogSnapshot.FromRows(rows, At);
            Assert.Throws<CorruptionException>(() => whole.Apply([missing with { Value = null }], At));
        }
    }

    [Fact]
    public void Rows_that_contradict_each_other_are_refused()
    {
        var rows = CatalogSample.Rows();
        var whole = CatalogSnapshot.FromRows(rows, At);
        var tenant = new KeyspaceEntry(new KeyspaceId(1, 7), "late", KeyspaceKind.KeyValue, KeyspaceOptions.Default);
        (CatalogKey Key, byte[]? Value)[][] contradictions =
        [
            [(CatalogKey.OfPrincipal(1), CatalogValues.Encode(new PrincipalEntry(1, "bob")))],                               // its name leads nowhere
            [(CatalogKey.OfPrincipalName("bob"), CatalogValues.EncodeNumber(1))],                                            // it has another name
            [(CatalogKey.OfPrincipalName("bob"), CatalogValues.EncodeNumber(9))],                                            // nobody has it
            [(CatalogKey.OfPrincipal(1), CatalogValues.Encode(new PrincipalEntry(1, "bob"))),
                (CatalogKey.OfPrincipalName("bob"), CatalogValues.EncodeNumber(1))],                                         // the old name stays
            [(CatalogKey.OfKeyspaceName(1, "events"), CatalogValues.EncodeNumber(0))],                                       // led elsewhere
            [(CatalogKey.OfKeyspace(tenant.Id), CatalogValues.Encode(tenant)),
                (CatalogKey.OfKeyspaceName(1, "late"), CatalogValues.EncodeNumber(7))],                                      // above the counter
            [(CatalogKey.OfCounter(CatalogCounter.Keyspaces, 1), CatalogValues.EncodeNumber(1))],                            // it fell
            [(CatalogKey.OfCounter(CatalogCounter.Keyspaces, 5), CatalogValues.EncodeNumber(1))],                            // of no namespace
            [(CatalogKey.OfCounter(CatalogCounter.Keyspaces, 0), CatalogValues.EncodeNumber(1))],                            // of the system's
            [(CatalogKey.OfNamespace(1), null), (CatalogKey.OfNamespaceName("default"), null)],                              // keyspaces stay behind
            [(CatalogKey.OfNamespace(1), null), (CatalogKey.OfNamespaceName("default"), null), (CatalogKey.OfKeyspace(new KeyspaceId(1, 0)), null),
                (CatalogKey.OfKeyspaceName(1, "default"), null), (CatalogKey.OfCounter(CatalogCounter.Keyspaces, 1), null)], // one still does
        ];
        foreach (var contradiction in contradictions)
        {
            var changed = contradiction.Select(row => new CatalogRow(row.Key.ToBytes(), row.Value, At));
            Assert.Contains("contradicts", Assert.Throws<CorruptionException>(() => whole.Apply(changed, At)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Ten_thousand_keyspaces_made_one_by_one_are_found_without_allocating()
    {
        var batch = new StepBatch();
        CatalogChange.Found(batch);
        var snapshot = Decide(CatalogSnapshot.Empty, batch);
        for (var i = 1; i <= 10_000; i++)
        {
            batch.Clear();
            Assert.Equal((uint)i, CatalogChange.CreateKeyspace(batch, snapshot, 1, $"keyspace {i}").Id);
            snapshot = Decide(snapshot, batch);
        }
        Assert.Equal(10_001, snapshot.KeyspaceCount);

        uint FindAll()
        {
            uint sum = 0;
            Span<char> name = stackalloc char[32];
            "keyspace ".CopyTo(name);
            for (uint i = 1; i <= 10_000; i++)
            {
                i.TryFormat(name[9..], out var digits);
                sum += snapshot.FindKeyspace(1, name[..(9 + digits)])!.Id.Keyspace - i;
                sum += snapshot.FindKeyspace(new KeyspaceId(1, i))!.Id.Keyspace - i;
                if (snapshot.FindNamespace(name[..9]) is not null) sum++;
            }
            return sum;
        }
        Assert.Equal(0u, FindAll());
        var before = GC.GetAllocatedBytesForCurrentThread();
        FindAll();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // Every step done: conditions are tested elsewhere, and an oracle that copies all rows would be quadratic itself.
    static CatalogSnapshot Decide(CatalogSnapshot snapshot, StepBatch batch)
    {
        batch.BeginResults();
        for (var i = 0; i < batch.Count; i++) batch.MutableResult(i).Status = StepStatus.Done;
        batch.EndResults(CommitStatus.Committed, new SystemTime(snapshot.Version.Value + 1));
        return snapshot.Apply(CatalogRow.ChangedBy(batch), batch.Time);
    }
}
