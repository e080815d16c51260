// The lock table under real threads. Each key guards a counter that is no more than an int: an addition is lost as soon as two are inside.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Engine.Sequencing.Locks;

namespace Aevum.Engine.Tests.Sequencing.Locks;

public sealed class LockThreadTests
{
    const int Keys = 5, Rounds = 300, Blocking = 3, Waiting = 4;

    [Fact]
    public void No_addition_is_lost_and_everybody_comes_through()
    {
        using var scheduler = new ThreadScheduler(new ThreadSchedulerOptions { BackgroundThreads = Blocking, Seed = 5 });
        using var table = new LockTable(scheduler);
        var counters = new int[Keys];
        var sums = new int[Blocking + Waiting];
        var order = 0;
        long deadlocks = 0, timeouts = 0;

        async Task Run(int number, bool blocking)
        {
            var random = scheduler.CreateRandom($"body {number}");
            for (var round = 0; round < Rounds; round++)
            {
                var age = (ulong)Interlocked.Increment(ref order);
                while (true)
                {
                    var owner = table.CreateOwner((ulong)Interlocked.Increment(ref order), age);
                    var wanted = Enumerable.Range(0, random.Next(1, 4)).Select(_ => (byte)random.Next(Keys)).Distinct().ToArray();
                    try
                    {
                        foreach (var key in wanted)
                        {
                            // Some read first and upgrade, which makes circles of two on one key.
                            var timeout = random.OneIn(10) ? TimeSpan.FromMilliseconds(1) : Timeout.InfiniteTimeSpan;
                            foreach (var mode in random.OneIn(3) ? new[] { LockMode.Shared, LockMode.Exclusive } : [LockMode.Exclusive])
                            {
                                if (blocking) table.Acquire(owner, [key], mode, timeout);
                                else await table.AcquireAsync(owner, new[] { key }, mode, timeout);
                            }
                        }
                        foreach (var key in wanted)
                        {
                            var seen = counters[key];
                            if (!blocking && random.OneIn(20)) await scheduler.Delay(TimeSpan.FromTicks(1));
                            else Thread.Yield();
                            counters[key] = seen + 1;
                        }
                        sums[number] += wanted.Length;
                        break;
                    }
                    catch (AevumException failure) when (failure.Code == ErrorCode.Deadlock)
                    {
                        Interlocked.Increment(ref deadlocks);
                    }
                    catch (AevumException failure) when (failure.Code == ErrorCode.LockTimeout)
                    {
                        Interlocked.Increment(ref timeouts);
                    }
                    finally
                    {
                        table.ReleaseAll(owner);
                    }
                }
            }
        }

        // Nobody begins before all wait, or on few cores each might be done before the next one starts.
        var gatekeeper = table.CreateOwner(0, 0);
        for (byte key = 0; key < Keys; key++) Assert.True(table.TryAcquire(gatekeeper, [key], LockMode.Exclusive));

        // The blocking ones have a thread each; the others share the more urgent threads.
        var bodies = Enumerable.Range(0, Blocking + Waiting).Select(number => scheduler.Start($"body {number}",
            number < Blocking ? WorkClass.Background : number % 2 == 0 ? WorkClass.Flush : WorkClass.Urgent,
            _ => Run(number, number < Blocking))).ToArray();
        while (table.Statistics.Waiting < bodies.Length) Thread.Yield();
        table.ReleaseAll(gatekeeper);
        foreach (var body in bodies)
        {
            body.Wait();
            Assert.Null(body.Failure);
        }
        Assert.Equal(sums.Sum(), counters.Sum());
        var statistics = table.Statistics;
        Assert.Equal((0, 0, 0), (statistics.Held, statistics.Keys, statistics.Waiting));
        Assert.Equal((deadlocks, timeouts), (statistics.Deadlocks, statistics.Timeouts));
        Assert.True(statistics.Waits >= bodies.Length);
    }

    [Fact]
    public void Tokens_and_wounds_from_other_threads_end_waits()
    {
        using var scheduler = new ThreadScheduler(new ThreadSchedulerOptions { BackgroundThreads = 2, Seed = 5 });
        using var table = new LockTable(scheduler);
        var holder = table.CreateOwner(0, 0);
        table.Acquire(holder, "k"u8, LockMode.Exclusive, Timeout.InfiniteTimeSpan);
        for (var round = 1; round <= 200; round++)
        {
            using var token = new CancellationTokenSource();
            var owner = table.CreateOwner((ulong)round, (ulong)round);
            ErrorCode? code = null;
            var blocking = round % 2 == 0;
            var waiter = scheduler.Start("waiter", WorkClass.Background, async _ =>
            {
                try
                {
                    if (blocking) table.Acquire(owner, "k"u8, LockMode.Shared, TimeSpan.FromHours(1), token.Token);
                    else await table.AcquireAsync(owner, "k"u8, LockMode.Shared, TimeSpan.FromHours(1), token.Token);
                }
                catch (AevumException failure)
                {
                    code = failure.Code;
                }
            });
            // Sometimes before it waits, sometimes while it begins to, sometimes long after.
            if (round % 3 == 0) while (!owner.IsWaiting) Thread.Yield();
            if (round % 5 == 0) table.Wound(owner, ErrorCode.ReadOnly, "wounded");
            else token.Cancel();
            waiter.Wait();
            Assert.Null(waiter.Failure);
            Assert.Equal(round % 5 == 0 ? ErrorCode.ReadOnly : ErrorCode.Cancelled, code);
        }
        Assert.Equal((1, 0), (table.Statistics.Held, table.Statistics.Waiting));
    }
}
