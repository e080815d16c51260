using System.Text;
using Aevum.Core.Scheduling;

#pragma warning disable CA2016 // some bodies ignore their tokens on purpose

namespace Aevum.Core.Tests.Scheduling;

public sealed class SimulatedSchedulerTests : SchedulerContract
{
    protected override IScheduler Scheduler { get; } = new SimulatedScheduler(7);

    SimulatedScheduler World => (SimulatedScheduler)Scheduler;

    /// <summary>A small world with everything in it: yields, delays, signals, callers that block, timeouts.</summary>
    static (string Trace, ulong Hash, string Order) Run(ulong seed)
    {
        using var world = new SimulatedScheduler(seed, new SimulationOptions { KeepTrace = true });
        var order = new StringBuilder();
        var signal = world.CreateSignal("turn");
        var random = world.CreateRandom("bodies");
        var turn = 0;
        var bodies = Enumerable.Range(0, 5).Select(id => world.Start($"body {id}", WorkClass.Background, async _ =>
        {
            for (var i = 0; i < 5; i++)
            {
                switch (random.Next(4))
                {
                    case 0: await world.Yield(); break;
                    case 1: await world.Delay(TimeSpan.FromMilliseconds(random.Next(5))); break;
                    case 2: await signal.WaitUntilAsync(() => turn % 5 == id, TimeSpan.FromMilliseconds(3)); break;
                    case 3: signal.WaitUntil(() => turn % 3 == 0, TimeSpan.FromMilliseconds(2)); break;
                }
                turn++;
                signal.Raise();
                order.Append(id);
            }
        })).ToArray();
        foreach (var body in bodies)
        {
            body.Wait();
            Assert.Null(body.Failure);
        }
        world.Note("done");
        return (string.Join('\n', world.Trace), world.TraceHash, order.ToString());
    }

    [Fact]
    public void The_same_seed_prints_the_same_trace()
    {
        for (var seed = 0UL; seed < 20; seed++)
        {
            var first = Run(seed);
            Assert.Equal(first, Run(seed));
            Assert.EndsWith("done", first.Trace, StringComparison.Ordinal);
            Assert.Contains("body 3", first.Trace, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Different_seeds_give_different_orders()
    {
        var runs = Enumerable.Range(0, 20).Select(seed => Run((ulong)seed)).ToArray();
        Assert.Equal(20, runs.Select(run => run.Hash).Distinct().Count());
        Assert.True(runs.Select(run => run.Order).Distinct().Count() >= 19);
    }

    [Fact]
    public void Every_order_of_three_bodies_comes_up()
    {
        var orders = new HashSet<string>();
        for (var seed = 0UL; seed < 100; seed++)
        {
            using var world = new SimulatedScheduler(seed);
            var order = "";
            foreach (var name in new[] { "a", "b", "c" })
                world.Start(name, WorkClass.Urgent, _ => { order += name; return Task.CompletedTask; });
            world.RunUntilIdle();
            orders.Add(order);
        }
        Assert.Equal(["abc", "acb", "bac", "bca", "cab", "cba"], orders.Order());
    }

    [Fact]
    public void Time_moves_only_when_nothing_can_run_and_jumps_over_years()
    {
        var start = World.Time.GetUtcNow();
        var seen = new List<double>();
        World.Start("far", WorkClass.Background, async _ =>
        {
            await World.Delay(TimeSpan.FromDays(1000));
            seen.Add((World.Time.GetUtcNow() - start).TotalDays);
        });
        World.Start("busy", WorkClass.Background, async _ =>
        {
            for (var i = 0; i < 1000; i++) await World.Yield();
            seen.Add((World.Time.GetUtcNow() - start).TotalDays);
        });
        World.RunUntilIdle();
        Assert.Equal([0.0], seen);
        World.RunFor(TimeSpan.FromDays(999));
        Assert.Equal([0.0], seen);
        World.RunFor(TimeSpan.FromDays(2));
        Assert.Equal([0.0, 1000.0], seen);
        Assert.Equal(1001, (World.Time.GetUtcNow() - start).TotalDays);
    }

    [Fact]
    public void A_timeout_that_nobody_waits_for_any_more_does_not_move_time()
    {
        var signal = World.CreateSignal("soon");
        var ready = false;
        var waiter = World.Start("waiter", WorkClass.Flush, async _ =>
            Assert.True(await signal.WaitUntilAsync(() => ready, TimeSpan.FromDays(9))));
        World.RunUntilIdle();
        ready = true;
        signal.Raise();
        Assert.False(World.CreateSignal("never").WaitUntil(() => false));
        Assert.True(waiter.IsCompleted);
        Assert.Equal(0, World.Time.GetTimestamp());
    }

    [Fact]
    public void A_wait_that_nothing_can_end_does_not_hang()
    {
        var signal = World.CreateSignal("never");
        Assert.False(signal.WaitUntil(() => false));
        var stuck = World.Start("stuck", WorkClass.Background, _ => signal.WaitUntilAsync(() => false));
        var failure = Assert.Throws<InvalidOperationException>(stuck.Wait);
        Assert.Contains("stuck", failure.Message, StringComparison.Ordinal);
        Assert.Contains("never", failure.Message, StringComparison.Ordinal);
        bool? inBody = null;
        World.Start("blocked", WorkClass.Background, _ => { inBody = signal.WaitUntil(() => false); return Task.CompletedTask; }).Wait();
        Assert.False(inBody);
    }

    [Fact]
    public void Blocked_callers_come_back_in_any_order_not_as_a_stack()
    {
        // Each waits for the one who started to wait after it or before it: nested waits on one stack could not do both.
        var signal = World.CreateSignal("baton");
        var turn = 0;
        var passed = new List<int>();
        var bodies = new[] { 2, 0, 3, 1 }.Select(id => World.Start($"caller {id}", WorkClass.Urgent, _ =>
        {
            Assert.True(signal.WaitUntil(() => turn == id));
            passed.Add(id);
            turn++;
            signal.Raise();
            return Task.CompletedTask;
        })).ToArray();
        foreach (var body in bodies) body.Wait();
        Assert.Equal([0, 1, 2, 3], passed);
        Assert.All(bodies, body => Assert.Null(body.Failure));
    }

    [Fact]
    public void A_condition_that_throws_hurts_its_own_caller()
    {
        var signal = World.CreateSignal("bad");
        var armed = false;
        World.Start("raiser", WorkClass.Urgent, _ => { armed = true; signal.Raise(); return Task.CompletedTask; });
        Assert.Equal("condition", Assert.Throws<FormatException>(
            () => signal.WaitUntil(() => armed ? throw new FormatException("condition") : false)).Message);
        World.Start("after", WorkClass.Urgent, _ => Task.CompletedTask).Wait();
    }

    [Fact]
    public void A_body_that_yields_for_ever_ends_the_run_with_an_error()
    {
        var world = new SimulatedScheduler(1, new SimulationOptions { StepsMax = 1000 });
        world.Start("spinner", WorkClass.Background, async _ => { while (true) await world.Yield(); });
        var failure = Assert.Throws<InvalidOperationException>(world.RunUntilIdle);
        Assert.Contains("more than 1000 steps", failure.Message, StringComparison.Ordinal);
        world.Dispose();
        Assert.Equal(["spinner"], world.AbandonedBodies);
    }

    [Fact]
    public void A_thread_from_outside_is_refused()
    {
        var refused = false;
        World.Start("body", WorkClass.Background, _ =>
        {
            var outside = new Thread(() =>
            {
                try { World.CreateSignal("x").Raise(); }
                catch (InvalidOperationException) { refused = true; }
            });
            outside.Start();
            outside.Join();
            return Task.CompletedTask;
        }).Wait();
        Assert.True(refused);
    }

    [Fact]
    public void After_a_crash_nothing_of_the_old_process_goes_on()
    {
        var signal = World.CreateSignal("never");
        var lives = new List<string>();
        var unwound = false;
        var again = false;
        World.Start("delayed", WorkClass.Background, async _ => { await World.Delay(TimeSpan.FromSeconds(1)); lives.Add("delayed"); });
        World.Start("waiting", WorkClass.Background, async _ =>
        {
            await signal.WaitUntilAsync(() => lives.Count > 0);
            lives.Add("waiting");
        });
        World.Start("blocked", WorkClass.Background, _ =>
        {
            try { signal.WaitUntil(() => false, TimeSpan.FromDays(1)); }
            catch (OperationCanceledException) { unwound = true; }
            signal.WaitUntil(() => false);      // throws again: the dead do not wait
            again = true;
            return Task.CompletedTask;
        });
        World.RunUntilIdle();
        World.Start("never begun", WorkClass.Background, _ => { lives.Add("begun"); return Task.CompletedTask; });
        World.Crash();
        World.Start("young", WorkClass.Background, async _ =>
        {
            await World.Delay(TimeSpan.FromDays(2));
            lives.Add("young");
            signal.Raise();
        });
        World.RunFor(TimeSpan.FromDays(3));
        Assert.Equal(["young"], lives);
        Assert.True(unwound);
        Assert.False(again);
    }

    [Fact]
    public async Task Timers_of_the_time_provider_run_in_the_world()
    {
        var fired = new List<double>();
        await using (World.Time.CreateTimer(_ => fired.Add(World.Time.GetTimestamp() / (double)TimeSpan.TicksPerSecond), null,
            TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)))
            World.RunFor(TimeSpan.FromSeconds(6));
        World.RunFor(TimeSpan.FromSeconds(6));
        Assert.Equal([1, 3, 5], fired);
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(1), World.Time);
        World.RunFor(TimeSpan.FromSeconds(2));
        Assert.True(source.IsCancellationRequested);
    }
}
