using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Engine.Backup;
using Aevum.Engine.Shards;

namespace Aevum.Engine.Tests.Backup;

public sealed class BackupTests
{
    static AevumException Refused(Action action) => Assert.ThrowsAny<AevumException>(action);

    [Fact]
    public void What_was_committed_comes_back_and_nothing_that_came_later()
    {
        using var world = new BackupWorld();
        world.Put(("a", "1"));
        world.Put(("a", "2"), ("m", "2"), ("z", "2"));
        var backup = world.Backup();
        var then = world.Scan();
        world.Put(("a", "3"), ("z", "3"));

        Assert.Equal(then, world.Scan(backup.Moment));
        Assert.Equal(then, world.Restored(look: shards =>
        {
            Assert.Equal(world.Shards.DatabaseId, shards.DatabaseId);
            Assert.NotEqual(world.Shards.Timeline, shards.Timeline);
            Assert.True(shards.TakeNow() > backup.Moment);
        }));
        var report = world.Verify();
        Assert.Empty(report.Problems);
        Assert.Equal([1UL], report.Backups);
    }

    [Fact]
    public void Any_moment_since_the_first_backup_can_be_restored()
    {
        using var world = new BackupWorld();
        var moments = new List<SystemTime>();
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 6; i++)
            {
                world.Put(($"a{i % 3}", $"{round}.{i}"), ($"m{i % 2}", $"{round}.{i}"), ("z", $"{round}.{i}"));
                moments.Add(world.Shards.TakeNow());
                world.Put(($"n{i}", $"{round}"));
            }
            if (round % 2 == 1) world.Shards.Flush();
            world.Backup();
        }
        foreach (var moment in moments) Assert.Equal(world.Scan(moment), world.Restored(moment));
        Assert.Empty(world.Verify().Problems);
        var list = world.List();
        Assert.All(list.Backups, b => Assert.Equal(list.Backups[^1].Moment, b.Reach));
    }
}
