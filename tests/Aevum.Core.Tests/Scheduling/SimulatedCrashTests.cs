using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Core.Tests.Scheduling;

/// <summary>A world and its disk on one seed: bodies write, the machine loses power at a drawn moment, the next process reads what is
/// left.</summary>
public sealed class SimulatedCrashTests
{
    static (ulong Hash, long Steps, int Ended, bool WasCut) Run(ulong seed)
    {
        using var world = new SimulatedScheduler(seed);
        var files = new FaultyFileSystem(world.CreateRandom("disk").NextUInt64());
        files.Plan.Observer = (operation, path) => world.Note($"{operation} {path}");
        files.Plan.PowerCutAt = world.CreateRandom("cut").Next(150);
        var synced = new long[3];
        files.SyncDirectory("/");
        var bodies = Enumerable.Range(0, 3).Select(id => world.Start($"writer {id}", WorkClass.Background, async token =>
        {
            using var file = files.Create($"f{id}");
            files.SyncDirectory("/");
            for (var i = 0; i < 15; i++)
            {
                file.Append(new byte[100]);
                await world.Yield();
                if (i % 3 != 2) continue;
                var length = file.Length;
                file.Sync();
                synced[id] = length;
                await world.Delay(TimeSpan.FromMilliseconds(id + 1), token);
            }
        })).ToArray();
        world.RunFor(TimeSpan.FromSeconds(1));
        var wasCut = files.Successor is not null;
        foreach (var body in bodies)
        {
            if (wasCut && body.Failure is not null) Assert.Equal(ErrorCode.Closed, Assert.IsType<AevumException>(body.Failure).Code);
            else Assert.Null(body.Failure);
        }
        world.Crash();
        var next = files.Successor ?? files.PowerCut();
        for (var id = 0; id < 3; id++)
            if (synced[id] > 0) Assert.InRange(next.FileLength($"f{id}"), synced[id], 1_500);
        return (world.TraceHash, world.Steps, bodies.Count(body => body.IsCompleted), wasCut);
    }

    [Fact]
    public void The_same_seed_dies_at_the_same_step_and_synced_bytes_survive()
    {
        var runs = Enumerable.Range(1, 40).Select(seed => Run((ulong)seed)).ToArray();
        Assert.Equal(runs, Enumerable.Range(1, 40).Select(seed => Run((ulong)seed)).ToArray());
        Assert.Equal(40, runs.Select(run => run.Hash).Distinct().Count());
        Assert.Contains(runs, run => run.WasCut);
        Assert.Contains(runs, run => !run.WasCut);
    }
}
