using Aevum.Core.Errors;
using Aevum.Core.Scheduling;

#pragma warning disable CA2016 // some bodies ignore their tokens on purpose

namespace Aevum.Core.Tests.Scheduling;

public sealed class ThreadSchedulerTests : SchedulerContract
{
    protected override IScheduler Scheduler { get; } = new ThreadScheduler(new ThreadSchedulerOptions { Seed = 7, Name = "test" });

    [Fact]
    public void Each_class_runs_on_its_own_named_thread_and_goes_past_a_blocked_one_below()
    {
        using var release = new ManualResetEventSlim();
        using var busy = new CountdownEvent(2);
        void Block(string thread)
        {
            Assert.StartsWith(thread, Thread.CurrentThread.Name, StringComparison.Ordinal);
            busy.Signal();
            release.Wait();
        }

        // Two bodies that block, as an fsync may: one of Background, one of Flush (which an idle background thread may also take).
        Task BlockAs(string thread) { Block(thread); return Task.CompletedTask; }

        var compaction = Scheduler.Start("compaction", WorkClass.Background, _ => BlockAs("test-background-1"));
        SpinWait.SpinUntil(() => busy.CurrentCount == 1);
        var flush = Scheduler.Start("flush", WorkClass.Flush, _ => { Block("test-flush"); return Task.CompletedTask; });
        busy.Wait();
        string? thread = null;
        Scheduler.Start("segment", WorkClass.Urgent, _ => { thread = Thread.CurrentThread.Name; return Task.CompletedTask; }).Wait();
        Assert.Equal("test-urgent", thread);
        Assert.False(compaction.IsCompleted);
        release.Set();
        compaction.Wait();
        flush.Wait();
        Assert.Null(compaction.Failure);
        Assert.Null(flush.Failure);
    }

    [Theory]
    [InlineData(WorkClass.Background)]
    [InlineData(WorkClass.Index)]
    public void Work_that_can_wait_gives_way_where_processors_are_short(WorkClass workClass)
    {
        if (!OperatingSystem.IsLinux()) return;
        var nice = -100;
        Scheduler.Start("long", workClass, _ =>
        {
            nice = Nice();
            return Task.CompletedTask;
        }).Wait();
        Assert.Equal(Math.Max(Nice(), 5), nice);

        // The 19th field; the second, a name in parentheses, may hold blanks.
        static int Nice()
        {
            var fields = File.ReadAllText("/proc/thread-self/stat");
            return int.Parse(fields[(fields.LastIndexOf(')') + 2)..].Split(' ')[16], System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public void Yield_is_free_until_more_urgent_work_waits()
    {
        var free = false;
        var order = new List<string>();
        using var blocked = new CountdownEvent(2);
        using var release = new ManualResetEventSlim();
        var compaction = Scheduler.Start("compaction", WorkClass.Background, async _ =>
        {
            free = Scheduler.Yield().IsCompleted;
            // Block both threads that could take a flush at once, then queue one: only this body's yield can let it run. One after the
            // other, or the flush thread might take the urgent body.
            Task Block() { blocked.Signal(); release.Wait(); return Task.CompletedTask; }
            var onFlushThread = Scheduler.Start("other", WorkClass.Flush, _ => Block());
            SpinWait.SpinUntil(() => blocked.CurrentCount == 1);
            var urgent = Scheduler.Start("urgent", WorkClass.Urgent, _ => Block());
            blocked.Wait();
            var flush = Scheduler.Start("flush", WorkClass.Flush, _ => { order.Add("flush"); return Task.CompletedTask; });
            var later = Scheduler.Start("later", WorkClass.Background, _ => { order.Add("later"); return Task.CompletedTask; });
            await Scheduler.Yield();
            order.Add("compaction");
            release.Set();
            await Task.WhenAll(urgent.WaitAsync(), onFlushThread.WaitAsync(), flush.WaitAsync(), later.WaitAsync());
        });
        compaction.Wait();
        Assert.Null(compaction.Failure);
        Assert.True(free);
        Assert.Equal(["flush", "later", "compaction"], order);
    }

    [Fact]
    public void Waiters_on_many_threads_miss_no_raise()
    {
        // Each side waits for the other's number: a lost wake-up would hang here.
        var signal = Scheduler.CreateSignal("ball");
        var ball = 0;
        var players = Enumerable.Range(0, 2).Select(side => new Thread(() =>
        {
            for (var i = side; i < 2_000; i += 2)
            {
                Assert.True(signal.WaitUntil(() => Volatile.Read(ref ball) == i));
                Volatile.Write(ref ball, i + 1);
                signal.Raise();
            }
        })).ToArray();
        foreach (var player in players) player.Start();
        Scheduler.Start("spectator", WorkClass.Flush, async _ =>
        {
            for (var i = 0; i <= 2_000; i += 100) await signal.WaitUntilAsync(() => Volatile.Read(ref ball) >= i);
        }).Wait();
        foreach (var player in players) player.Join();
        Assert.Equal(2_000, ball);
    }

    [Fact]
    public void A_thousand_timeouts_that_never_happen_are_swept()
    {
        var timers = new ThreadTimers(TimeProvider.System, "test-timers");
        for (var i = 0; i < 10_000; i++)
        {
            var delay = new WakePromise();
            Assert.True(timers.Add(TimeSpan.FromDays(1), delay));
            delay.Complete(true);
        }
        Assert.True(timers.Count <= 128, $"{timers.Count} promises are kept though nobody awaits them");
        timers.Close();
        timers.Join();
    }

    [Fact]
    public void A_body_cannot_dispose_its_own_scheduler()
    {
        var body = Scheduler.Start("ending", WorkClass.Background, _ => { Scheduler.Dispose(); return Task.CompletedTask; });
        body.Wait();
        Assert.Equal(ErrorCode.InvalidArgument, Assert.IsType<AevumException>(body.Failure).Code);
    }

    [Fact]
    public void Disposing_from_one_thread_frees_a_caller_that_waits_on_another()
    {
        var signal = Scheduler.CreateSignal("never");
        using var waiting = new ManualResetEventSlim();
        bool? result = null;
        var caller = new Thread(() => result = signal.WaitUntil(() => { waiting.Set(); return false; }));
        caller.Start();
        waiting.Wait();
        Scheduler.Dispose();
        caller.Join();
        Assert.False(result);
    }
}
