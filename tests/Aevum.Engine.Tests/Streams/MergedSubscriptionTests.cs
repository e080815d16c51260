using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Time;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using static Aevum.Engine.Tests.EngineWorld;
using static Aevum.Engine.Tests.Streams.Telling;

namespace Aevum.Engine.Tests.Streams;

/// <summary>One subscription to several shards.</summary>
public sealed class MergedSubscriptionTests
{
    static readonly StreamRange All = StreamRange.Of(Default);

    static EngineWorld World() => new(options: new EngineOptions { ShardBoundaries = [Key("h"), Key("p")], FeedLogBytes = 0 });

    static SystemTime Put(EngineWorld world, string key, string value)
    {
        var batch = new StepBatch();
        batch.Put(Key(key), Bytes(value));
        world.Shards.ShardOf(Key(key)).Commit(batch);
        return batch.Time;
    }

    [Fact]
    public void Batches_come_in_order_of_time_where_all_are_at_hand()
    {
        using var world = World();
        using var sub = world.Shards.Subscribe(All, StreamStart.Now);
        foreach (var key in (string[])["z", "a", "m", "m", "b", "q", "c", "a"]) Put(world, key, "1");
        Assert.Equal("z=1 | a=1 | m=1 | m=1 | b=1 | q=1 | c=1 | a=1", DrainLine(sub));
        Assert.Equal([1u, 2u, 3u], sub.Token.Positions.Select(p => p.Shard));
    }

    [Fact]
    public void A_snapshot_is_of_one_moment_on_all_shards()
    {
        using var world = World();
        foreach (var key in (string[])["z", "a", "m"]) Put(world, key, "1");
        using var sub = world.Shards.Subscribe(All, StreamStart.Snapshot);
        foreach (var key in (string[])["z", "m", "a"]) Put(world, key, "2");
        Assert.Equal("row a=1 | row m=1 | row z=1 | end | z=2 | m=2 | a=2", DrainLine(sub));
    }

    [Fact]
    public void Only_the_shards_of_the_range_are_followed_and_range_deletes_stay_in_their_shard()
    {
        using var world = World();
        using var sub = world.Shards.Subscribe(StreamRange.Between(Key("b"), Key("k")), StreamStart.Now);
        Assert.Equal([1u, 2u], sub.Token.Positions.Select(p => p.Shard));
        Put(world, "c", "1");
        Put(world, "z", "1");
        // What a shard deletes beyond its bounds is nothing: those keys live elsewhere.
        var batch = new StepBatch();
        batch.DeleteRange(Key("a"), Key("z"));
        world.Shards.ShardOf(Key("a")).Commit(batch);
        Assert.Equal("c=1 | -[b,h)", DrainLine(sub));
    }

    [Fact]
    public void A_token_names_every_shard_and_resumes_each_where_it_stood()
    {
        using var world = World();
        using var sub = world.Shards.Subscribe(All, StreamStart.Now);
        foreach (var key in (string[])["a", "m", "z", "a", "m", "z"]) Put(world, key, "1");
        var given = new List<string>();
        var tokens = new List<string> { sub.Token.ToString() };
        while (sub.TryNext(out var batch))
        {
            given.Add(Tell(batch));
            tokens.Add(sub.Token.ToString());
        }
        Assert.Equal(6, given.Count);
        world.Reopen();
        for (var i = 0; i < tokens.Count; i++)
        {
            using var rest = world.Shards.Subscribe(All, StreamStart.After(StreamToken.Parse(tokens[i])));
            Assert.Equal(given.Skip(i), Drain(rest));
        }
        using var narrower = world.Shards.Subscribe(StreamRange.Of(Default, Bytes("m")), StreamStart.After(StreamToken.Parse(tokens[0])));
        Assert.Equal("m=1 | m=1", DrainLine(narrower));
        var one = new StreamToken(StreamToken.Parse(tokens[0]).Positions.Take(1));
        Assert.Equal(
            ErrorCode.InvalidArgument, Assert.Throws<AevumException>(() => world.Shards.Subscribe(All, StreamStart.After(one))).Code);
    }

    [Fact]
    public void One_shard_that_let_go_makes_the_whole_lag()
    {
        using var world = World();
        using var sub = world.Shards.Subscribe(All, StreamStart.Now);
        Put(world, "a", "1");
        Put(world, "z", "1");
        world.Shards.Shards[2].Tree.Flush();
        Assert.Equal(ErrorCode.Lagging, Assert.Throws<AevumException>(() => Drain(sub)).Code);
    }

    [Fact]
    public void Reading_behind_finds_the_shard()
    {
        using var world = World();
        using var sub = world.Shards.Subscribe(All, StreamStart.Now);
        Put(world, "m", "1");
        Put(world, "z", "2");
        Assert.True(sub.TryNext(out _));
        var value = new System.Buffers.ArrayBufferWriter<byte>();
        Assert.True(sub.TryReadBehind(Key("m"), value, out var exists) && exists);
        Assert.Equal("1"u8.ToArray(), value.WrittenSpan.ToArray());
    }
}
