// SchedulerContract: what every scheduler promises, once. The tests wait by signals and tasks only, never by time.

using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

#pragma warning disable CA2016 // some bodies ignore their tokens on purpose

namespace Aevum.Core.Tests.Scheduling;

public abstract class SchedulerContract : IDisposable
{
    protected abstract IScheduler Scheduler { get; }

    public void Dispose()
    {
        Scheduler.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_body_runs_to_its_end()
    {
        var steps = new List<int>();
        var task = Scheduler.Start("body", WorkClass.Background, async _ =>
        {
            steps.Add(1);
            await Scheduler.Yield();
            steps.Add(2);
            await Scheduler.Delay(TimeSpan.FromMilliseconds(1));
            steps.Add(3);
        });
        Assert.Equal("body", task.Name);
        task.Wait();
        Assert.True(task.IsCompleted);
        Assert.Null(task.Failure);
        Assert.Equal([1, 2, 3], steps);
        task.Wait();
    }

    [Fact]
    public void What_a_body_throws_is_its_failure_and_hurts_nobody_else()
    {
        var failed = Scheduler.Start("bad", WorkClass.Flush, async _ =>
        {
            await Scheduler.Yield();
            throw new InvalidOperationException("on purpose");
        });
        var failedAtOnce = Scheduler.Start("worse", WorkClass.Flush, _ => throw new InvalidOperationException("before the first await"));
        failed.Wait();
        failedAtOnce.Wait();
        Assert.Equal("on purpose", Assert.IsType<InvalidOperationException>(failed.Failure).Message);
        Assert.IsType<InvalidOperationException>(failedAtOnce.Failure);
        var good = Scheduler.Start("good", WorkClass.Flush, _ => Task.CompletedTask);
        good.Wait();
        Assert.Null(good.Failure);
    }

    [Fact]
    public void Cancelling_ends_a_body_in_a_delay_and_is_no_failure()
    {
        var task = Scheduler.Start("sleeper", WorkClass.Background, token => Scheduler.Delay(TimeSpan.FromDays(10), token));
        task.Cancel();
        task.Wait();
        Assert.Null(task.Failure);
        task.Cancel();
    }

    [Fact]
    public void Cancelling_wakes_a_body_that_waits_for_a_signal_nobody_raises()
    {
        var signal = Scheduler.CreateSignal("never");
        var ended = false;
        var task = Scheduler.Start("waiter", WorkClass.Background, async token =>
        {
            await signal.WaitUntilAsync(() => token.IsCancellationRequested);
            ended = true;
        });
        task.Cancel();
        task.Wait();
        Assert.True(ended);
    }

    [Fact]
    public void A_signal_wakes_callers_and_bodies()
    {
        var gate = new Lock();
        var value = 0;
        var signal = Scheduler.CreateSignal("value");
        int Read() { lock (gate) return value; }
        void Add() { lock (gate) value++; signal.Raise(); }

        var counted = 0;
        var waiter = Scheduler.Start("waiter", WorkClass.Flush, async _ =>
        {
            for (var i = 1; i <= 10; i++)
            {
                Assert.True(await signal.WaitUntilAsync(() => Read() >= i));
                counted++;
            }
        });
        var raiser = Scheduler.Start("raiser", WorkClass.Background, async _ =>
        {
            for (var i = 0; i < 10; i++)
            {
                Add();
                await Scheduler.Yield();
            }
        });
        Assert.True(signal.WaitUntil(() => Read() == 10));
        waiter.Wait();
        raiser.Wait();
        Assert.Null(waiter.Failure);
        Assert.Equal(10, counted);
    }

    [Fact]
    public void A_wait_with_a_timeout_says_whether_it_was_in_time()
    {
        var signal = Scheduler.CreateSignal("never");
        Assert.True(signal.WaitUntil(() => true, TimeSpan.Zero));
        Assert.False(signal.WaitUntil(() => false, TimeSpan.FromMilliseconds(2)));
        bool? inBody = null;
        void WaitInBody(bool holds, TimeSpan timeout) =>
            Scheduler.Start("waiter", WorkClass.Flush, async _ => inBody = await signal.WaitUntilAsync(() => holds, timeout)).Wait();
        WaitInBody(false, TimeSpan.FromMilliseconds(2));
        Assert.False(inBody);
        WaitInBody(true, TimeSpan.FromDays(2));
        Assert.True(inBody);
    }

    [Fact]
    public void A_body_waits_for_another()
    {
        var order = new List<string>();
        var first = Scheduler.Start("first", WorkClass.Background, async _ =>
        {
            for (var i = 0; i < 5; i++) await Scheduler.Yield();
            order.Add("first");
        });
        var second = Scheduler.Start("second", WorkClass.Urgent, async _ =>
        {
            await first.WaitAsync();
            order.Add("second");
        });
        second.Wait();
        Assert.Equal(["first", "second"], order);
    }

    [Fact]
    public void Continuations_come_back_to_the_scheduler()
    {
        var signal = Scheduler.CreateSignal("go");
        var go = false;
        var astray = 0;
        async Task Inner(SynchronizationContext home)
        {
            await Scheduler.Delay(TimeSpan.FromMilliseconds(1));
            if (SynchronizationContext.Current != home) astray++;
            await signal.WaitUntilAsync(() => Volatile.Read(ref go));
            if (SynchronizationContext.Current != home) astray++;
        }

        var task = Scheduler.Start("body", WorkClass.Background, async _ =>
        {
            var home = SynchronizationContext.Current!;
            await Task.WhenAll(Inner(home), Inner(home));
            if (SynchronizationContext.Current != home || Thread.CurrentThread.IsThreadPoolThread) astray++;
        });
        Volatile.Write(ref go, true);
        signal.Raise();
        task.Wait();
        Assert.Null(task.Failure);
        Assert.Equal(0, astray);
    }

    [Fact]
    public void Random_streams_are_told_apart_by_name()
    {
        var a = Scheduler.CreateRandom("a").NextUInt64();
        Assert.Equal(a, Scheduler.CreateRandom("a").NextUInt64());
        Assert.NotEqual(a, Scheduler.CreateRandom("b").NextUInt64());
    }

    [Fact]
    public void Time_passes_at_least_as_long_as_a_delay()
    {
        var start = Scheduler.Time.GetTimestamp();
        var passed = TimeSpan.Zero;
        Scheduler.Start("sleeper", WorkClass.Urgent, async _ =>
        {
            await Scheduler.Delay(TimeSpan.FromMilliseconds(3));
            passed = Scheduler.Time.GetElapsedTime(start);
        }).Wait();
        Assert.True(passed >= TimeSpan.FromMilliseconds(3));
    }

    [Fact]
    public void A_delay_of_nothing_is_over_and_a_cancelled_one_cancelled()
    {
        Assert.True(Scheduler.Delay(TimeSpan.Zero).IsCompletedSuccessfully);
        Assert.True(Scheduler.Delay(TimeSpan.FromDays(1), new CancellationToken(true)).IsCanceled);
    }

    [Fact]
    public void Disposing_ends_bodies_wherever_they_wait_and_starts_no_more()
    {
        var signal = Scheduler.CreateSignal("never");
        var tasks = new[]
        {
            Scheduler.Start("delay", WorkClass.Background, _ => Scheduler.Delay(TimeSpan.FromDays(10))),
            Scheduler.Start("signal", WorkClass.Flush, async _ => Assert.False(await signal.WaitUntilAsync(() => false))),
            Scheduler.Start("timed", WorkClass.Flush, async _ =>
                Assert.False(await signal.WaitUntilAsync(() => false, TimeSpan.FromDays(3)))),
            Scheduler.Start("loop", WorkClass.Urgent, async token =>
            {
                while (!token.IsCancellationRequested) await signal.WaitUntilAsync(() => token.IsCancellationRequested);
            }),
        };
        Scheduler.Dispose();
        foreach (var task in tasks)
        {
            Assert.True(task.IsCompleted, task.Name);
            Assert.Null(task.Failure);
        }
        Assert.Equal(ErrorCode.Closed,
            Assert.Throws<AevumException>(() => Scheduler.Start("late", WorkClass.Urgent, _ => Task.CompletedTask)).Code);
        Assert.True(Scheduler.Delay(TimeSpan.FromDays(1)).IsCanceled);
        Scheduler.Dispose();
    }
}
