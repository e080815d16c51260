using Aevum.Core.Batches;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum.Model.Tests.Catalog;

/// <summary>The catalog of the fixture and of docs/formats/catalog.md.</summary>
static class CatalogSample
{
    public static readonly KeyspaceOptions Options = new()
    {
        History = HistoryPolicy.For(TimeSpan.FromHours(1)),
        Compression = KeyspaceCompression.Lz4,
        MergeOperator = "append",
        DefaultTimeToLive = TimeSpan.FromDays(1),
    };

    public static List<CatalogRow> Rows()
    {
        var store = new RowStore();
        void Commit(Func<StepBatch, CatalogChange> plan)
        {
            var batch = new StepBatch();
            plan(batch);
            Assert.True(store.Commit(batch));
        }
        Commit(batch => CatalogChange.Found(batch));
        Commit(batch => CatalogChange.CreateKeyspace(batch, store.Read(), 1, "event", Options));
        Commit(batch => CatalogChange.CreatePrincipal(batch, store.Read(), "ada"));
        Commit(batch => CatalogChange.RenameKeyspace(batch, store.Read(), new KeyspaceId(1, 1), "events"));
        return [.. store.CatalogRows];
    }
}
