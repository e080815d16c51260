using System.Text;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Model.Catalog;
using Aevum.Model.Keyspace;

namespace Aevum.Engine.Tests.Shards;

/// <summary>A keyspace that lies in several shards goes from all of them at one instant.</summary>
public sealed class DroppedKeyspaceTests
{
    static readonly KeyspaceId Notes = new(NamespaceEntry.DefaultId, 1);
    static readonly string[] Keys = ["a", "m", "z"];   // one in each shard

    static EngineWorld NewWorld()
    {
        var world = new EngineWorld(options: new EngineOptions { ShardBoundaries = [Key("h"), Key("p")] });
        Change(world, batch => CatalogChange.CreateKeyspace(
            batch, world.Shards.Catalog, NamespaceEntry.DefaultId, "notes", new KeyspaceOptions { History = HistoryPolicy.Forever }));
        foreach (var key in Keys) Put(world, key);
        return world;
    }

    static byte[] Key(string key) => KeyLayout.Make(Notes, Encoding.UTF8.GetBytes(key));

    static void Change(EngineWorld world, Func<StepBatch, CatalogChange> plan)
    {
        var batch = new StepBatch();
        var change = plan(batch);
        world.Shards.CommitCatalog(batch);
        change.ThrowIfRefused();
    }

    static void Drop(EngineWorld world) => Change(world, batch => CatalogChange.DropKeyspace(batch, world.Shards.Catalog, Notes));

    static void Put(EngineWorld world, string key)
    {
        var batch = new StepBatch();
        batch.Put(Key(key), Encoding.UTF8.GetBytes("of " + key));
        world.Shards.ShardOf(Key(key)).Commit(batch);
    }

    static string Read(EngineWorld world, ReadView view) => string.Join(' ', Keys.Select(key =>
        world.Shards.ShardOf(Key(key)).Read(Key(key), view, out _) is { } value ? Encoding.UTF8.GetString(value) : "-"));

    [Fact]
    public void All_shards_forget_it_at_one_moment_and_remember_it_before()
    {
        using var world = NewWorld();
        Assert.Equal(3, world.Shards.Shards.Count);
        var before = world.Shards.TakeNow();
        Drop(world);
        Assert.Equal("- - -", Read(world, ReadView.Present));
        Assert.Equal("of a of m of z", Read(world, ReadView.AsOf(before)));
        Assert.Equal("- - -", Read(world, ReadView.AsOf(world.Shards.Catalog.Version)));
        Assert.Equal("of a of m of z", Read(world, ReadView.AsOf(new SystemTime(world.Shards.Catalog.Version.Value - 1))));
        world.Reopen();
        Assert.Equal("- - -", Read(world, ReadView.Present));
        Assert.Equal("of a of m of z", Read(world, ReadView.AsOf(before)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_comes_late_with_a_batch_is_refused_and_leaves_nothing(bool reopened)
    {
        using var world = NewWorld();
        Drop(world);
        if (reopened) world.Reopen();
        foreach (var key in Keys)
        {
            var position = ((LocalShard)world.Shards.ShardOf(Key(key))).Position;
            Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => Put(world, key)).Code);
            Assert.Equal(position, ((LocalShard)world.Shards.ShardOf(Key(key))).Position);
        }
        var joint = Keys.Select(key =>
        {
            var part = new StepBatch();
            part.Put(Key(key), "late"u8, Precondition.Absent);
            return (world.Shards.ShardOf(Key(key)), part);
        }).ToList();
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<AevumException>(() => world.Shards.CommitJointly(joint)).Code);
        Assert.Equal("- - -", Read(world, ReadView.Present));
        world.Put("elsewhere", "goes on");
        Assert.Equal("goes on", world.Get("elsewhere"));
    }

    [Fact]
    public void A_refused_drop_takes_nothing_with_it()
    {
        using var world = NewWorld();
        var late = new StepBatch();
        var change = CatalogChange.DropKeyspace(late, world.Shards.Catalog, Notes);
        Change(world, batch => CatalogChange.RenameKeyspace(batch, world.Shards.Catalog, Notes, "papers"));
        world.Shards.CommitCatalog(late);
        Assert.NotNull(change.FindRefusal());
        Assert.Equal("of a of m of z", Read(world, ReadView.Present));
        Put(world, "m");
    }
}
