using Aevum.Core.Scheduling;
using Aevum.Engine.Sequencing.Locks;

namespace Aevum.Engine.Tests.Sequencing.Locks;

public sealed class LockAllocationTests
{
    [Fact]
    public void Without_contention_nothing_is_allocated()
    {
        using var world = new SimulatedScheduler(1);
        using var table = new LockTable(world);
        var owner = table.CreateOwner(1, 1);
        var other = table.CreateOwner(2, 2);
        Span<byte> key = stackalloc byte[200];
        key.Clear();
        for (var warmUp = 0; warmUp < 3; warmUp++) Cycle(key);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++) Cycle(key);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Cycle(Span<byte> key)
        {
            for (var i = 0; i < 100; i++)
            {
                key[0] = (byte)i;
                var at = key[..(1 + (i * 3 % 200))];
                table.Acquire(owner, at, LockMode.Shared, TimeSpan.FromSeconds(1));
                Assert.True(table.TryAcquire(other, at, LockMode.Shared));
            }
            table.ReleaseAll(other);
            var savepoint = owner.Mark;
            for (var i = 0; i < 100; i++)
            {
                key[0] = (byte)i;
                var at = key[..(1 + (i * 3 % 200))];
                var wait = table.AcquireAsync(owner, at, LockMode.Exclusive, Timeout.InfiniteTimeSpan);
                if (!wait.IsCompletedSuccessfully) throw new InvalidOperationException("nobody else holds it");
                if (table.TryAcquire(other, at, LockMode.Shared)) throw new InvalidOperationException("it is held");
            }
            table.ReleaseSince(owner, savepoint);
            table.ReleaseAll(owner);
        }
    }
}
