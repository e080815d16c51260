using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Core.Time;

namespace Aevum.Tests;

/// <summary>Commits that are awaited, on one shard and over several; cancelled ones have a known outcome, or say that they have none.</summary>
public sealed class AsyncCommitTests : IDisposable
{
    readonly SimulatedScheduler _scheduler = new(1);
    readonly FaultyFileSystem _files = new(1, new FaultPlan { RegionsAreMapped = false });
    readonly Database _database;
    readonly Session _session;

    public AsyncCommitTests()
    {
        _database = Database.Open("db", new DatabaseOptions
        {
            Scheduler = _scheduler,
            Files = _files,
            Sync = "always",
            ShardBoundaries = [[0, 0, 0, 1, 0, 0, 0, 0, 0x6d]],
        });
        _session = _database.OpenSession();
    }

    public void Dispose()
    {
        _session.Dispose();
        _database.Dispose();
        _scheduler.Dispose();
    }

    static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    string? Get(string key) => _session.Default.Get(B(key)) is { } value ? Encoding.UTF8.GetString(value) : null;

    void Run(Func<Task> body)
    {
        var task = _scheduler.Start("client", WorkClass.Urgent, _ => body());
        task.Wait();
        if (task.Failure is { } failure) throw failure;
    }

    [Theory]
    [InlineData("b")]
    [InlineData("z")]   // of another shard than a
    public void Batches_and_transactions_are_awaited(string other)
    {
        Run(async () =>
        {
            var batch = _session.NewBatch();
            batch.Put(_session.Default, B("a"), B("1"));
            batch.Put(_session.Default, B(other), B("1"));
            var time = await batch.CommitAsync();
            Assert.Equal(time, _session.Default.GetVersioned(B(other))!.Version);

            var sum = await _session.RunAsync(async transaction =>
            {
                var left = transaction.Increment(_session.Default, B("a"), 5);
                await _scheduler.Yield();
                transaction.Increment(_session.Default, B(other), -5);
                return left;
            });
            Assert.Equal(6, sum);

            using var late = _session.Begin(Isolation.RepeatableRead);
            late.Put(_session.Default, B("a"), B("x"));
            _session.Default.Put(B("a"), B("7"));
            await Refused(ErrorCode.Conflict, async () => await late.CommitAsync());
            var unmet = _session.NewBatch();
            unmet.PutAt(_session.Default, B("a"), B("y"), SystemTime.None);
            unmet.Put(_session.Default, B(other), B("y"));
            await Refused(ErrorCode.Conflict, async () => await unmet.CommitAsync());
        });
        Assert.Equal(("7", "-4"), (Get("a"), Get(other)));
    }

    static async Task Refused(ErrorCode code, Func<Task> commit) => Assert.Equal(code, (await Assert.ThrowsAsync<AevumException>(commit)).Code);

    [Theory]
    [InlineData("b")]
    [InlineData("z")]
    public void A_commit_cancelled_before_it_began_did_nothing_and_later_it_does_not_know(string other)
    {
        Run(async () =>
        {
            using var leaving = new CancellationTokenSource();
            leaving.Cancel();
            var early = _session.NewBatch();
            early.Put(_session.Default, B("a"), B("1"));
            early.Put(_session.Default, B(other), B("1"));
            await Refused(ErrorCode.Cancelled, async () => await early.CommitAsync(leaving.Token));
            await Refused(ErrorCode.Cancelled, async () => await _session.RunAsync(t => new ValueTask<int>(1), cancellation: leaving.Token));
            Assert.Equal((null, null), (Get("a"), Get(other)));

            using var later = new CancellationTokenSource();
            var batch = _session.NewBatch();
            batch.Put(_session.Default, B("a"), B("2"));
            batch.Put(_session.Default, B(other), B("2"));
            var commit = batch.CommitAsync(later.Token).AsTask();
            Assert.False(commit.IsCompleted);
            later.Cancel();
            await Refused(ErrorCode.OutcomeUnknown, () => commit);
        });
        _scheduler.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(("2", "2"), (Get("a"), Get(other)));   // nobody waited for it; it is seen all the same
    }
}
