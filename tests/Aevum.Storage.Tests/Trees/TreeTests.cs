using Aevum.Core.Time;
using Aevum.Storage.Trees;

namespace Aevum.Storage.Tests.Trees;

public sealed class TreeTests
{
    public static TheoryData<ulong, bool> Seeds
    {
        get
        {
            var data = new TheoryData<ulong, bool>();
            for (ulong seed = 1; seed <= 6; seed++)
            {
                data.Add(seed, false);
                data.Add(seed, true);
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Without_history_reads_of_now_agree_with_the_model(ulong seed, bool merges)
    {
        using var world = new TreeWorld(seed, SystemTime.Max, merges ? AppendOperator.Instance : null);
        for (var round = 0; round < 8; round++)
        {
            for (var i = 0; i < 300; i++) world.WriteRandomBatch(merges);
            if (round % 3 == 1) world.Tree.Flush();
            if (round % 4 == 2) world.Tree.CompactAll();
            if (round % 4 == 3) world.Reopen();
            world.Check(ReadPoint.LatestAt(new SystemTime(world.Time)));
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void With_history_forever_every_past_moment_agrees_with_the_model(ulong seed, bool merges)
    {
        using var world = new TreeWorld(seed, SystemTime.None, merges ? AppendOperator.Instance : null);
        for (var round = 0; round < 6; round++)
        {
            for (var i = 0; i < 200; i++) world.WriteRandomBatch(merges);
            if (round % 3 == 1) world.Tree.Flush();
            if (round % 4 == 2) world.Tree.CompactAll();
            if (round % 4 == 3) world.Reopen();
            world.Check(ReadPoint.LatestAt(new SystemTime(world.Time)));
            for (var i = 0; i < 4; i++) world.Check(ReadPoint.AsOf(new SystemTime((ulong)world.Random.Next(1000, (int)world.Time))));
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Keys_that_are_overwritten_all_the_time_are_remembered_and_agree_with_the_model(ulong seed, bool merges)
    {
        using var world = new TreeWorld(seed, SystemTime.Max, merges ? AppendOperator.Instance : null, keys: 40, memtableBytes: 1 << 20);
        var remembered = 0;
        for (var round = 0; round < 12; round++)
        {
            for (var i = 0; i < 40; i++) world.WriteRandomBatch(merges);
            if (round % 2 == 1) world.Tree.Flush();
            if (world.Tree.Remembers) remembered++;
            if (round % 5 == 4) world.Tree.CompactAll();
            world.Check(ReadPoint.LatestAt(new SystemTime(world.Time)));
        }
        Assert.InRange(remembered, 3, 12);
    }

    [Fact]
    public void Where_history_is_kept_nothing_is_remembered()
    {
        using var world = new TreeWorld(1, SystemTime.None, memtableBytes: 1 << 20);
        for (ulong time = 1; time <= 9; time++) world.Tree.Put("k"u8, "old"u8, new SystemTime(time));
        world.Tree.Flush();
        Assert.False(world.Tree.Remembers);
    }

    [Fact]
    public void What_is_taken_in_hides_what_is_remembered()
    {
        using var world = new TreeWorld(1, SystemTime.Max, memtableBytes: 1 << 20);
        for (ulong time = 1; time <= 4; time++) world.Tree.Put("k"u8, "old"u8, new SystemTime(time));
        world.Tree.Delete("k"u8, new SystemTime(5));
        world.Tree.Flush();
        world.Tree.CompactAll();   // no table knows the key any more
        Assert.True(world.Tree.Remembers);
        using (var builder = world.Tree.BuildTable())
        {
            builder.Put("k"u8, new SystemTime(9), "new"u8);
            world.Tree.Ingest([builder.Finish()]);
        }
        Assert.False(world.Tree.Remembers);
        Assert.Equal("new"u8.ToArray(), world.Tree.Get("k"u8));
    }
}
