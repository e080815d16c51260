using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Engine.Shards;
using Aevum.Model.Access;
using Aevum.Storage.Trees;
using static Aevum.Engine.Tests.EngineWorld;

namespace Aevum.Engine.Tests.Streams;

/// <summary>Writers and followers on real threads. Nothing here asserts a time: what goes wrong hangs until a wait gives up.</summary>
public sealed class SubscriptionThreadTests : IDisposable
{
    static readonly StreamRange All = StreamRange.Of(Default);
    static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    readonly ThreadScheduler _scheduler = new(new ThreadSchedulerOptions { BackgroundThreads = 6, Seed = 1 });
    readonly StorageEnvironment _storage;
    readonly LocalShards _shards;

    public SubscriptionThreadTests()
    {
        _storage = new StorageEnvironment(new StorageOptions { Files = new MemoryFileSystem(), Scheduler = _scheduler, BlockCacheBytes = 1 << 20 });
        _shards = LocalShards.Open(_storage, "db", new EngineOptions { ShardBoundaries = [Key("m")], MemtableBytes = 256 << 10 });
    }

    public void Dispose()
    {
        _shards.Dispose();
        _storage.Dispose();
        _scheduler.Dispose();
    }

    BackgroundTask Start(string name, Func<Task> body) => _scheduler.Start(name, WorkClass.Background, _ => body());

    void Put(string key, int value)
    {
        var batch = new StepBatch();
        batch.Put(Key(key), BitConverter.GetBytes(value));
        _shards.ShardOf(Key(key)).Commit(batch);
    }

    static void End(params BackgroundTask[] tasks)
    {
        foreach (var task in tasks)
        {
            task.Wait();
            if (task.Failure is { } failure) throw new InvalidOperationException($"{task.Name}: {failure}", failure);
        }
    }

    // Each writer counts upwards under a key of its own; a follower must see every number, or begin with one and see all from there.
    void Follow(ISubscription subscription, Dictionary<string, int> seen, int writers, int last)
    {
        while (seen.Count(e => e.Value == last) < writers)
        {
            Assert.True(subscription.Wait(Long), "nothing came");
            Take(subscription, seen);
        }
    }

    static void Take(ISubscription subscription, Dictionary<string, int> seen)
    {
        while (subscription.TryNext(out var batch))
        {
            foreach (var effect in batch)
            {
                var (key, value) = (Telling.TextOf(effect.Key), BitConverter.ToInt32(effect.Value));
                if (batch.Kind == AppliedKind.Committed) Assert.Equal(seen.GetValueOrDefault(key) + 1, value);
                seen[key] = value;
            }
        }
    }

    [Fact]
    public void Every_follower_sees_every_commit_of_every_writer_once()
    {
        const int last = 3000;
        string[] keys = ["a", "b", "x"];
        var first = _shards.Subscribe(All, StreamStart.Now);
        var writers = keys.Select(key => Start("writer " + key, () =>
        {
            for (var i = 1; i <= last; i++) Put(key, i);
            return Task.CompletedTask;
        })).ToArray();
        var blocking = Start("blocking", () =>
        {
            using (first) Follow(first, [], keys.Length, last);
            return Task.CompletedTask;
        });
        var waiting = Start("waiting", async () =>
        {
            // Comes while commits go on, leaves again and again, and goes on with its token.
            var seen = new Dictionary<string, int>();
            StreamToken? token = null;
            while (seen.Count(e => e.Value == last) < keys.Length)
            {
                using var subscription = _shards.Subscribe(All, token is null ? StreamStart.Snapshot : StreamStart.After(token));
                for (var turn = 0; (turn < 20 || subscription.IsInSnapshot) && seen.Count(e => e.Value == last) < keys.Length; turn++)
                {
                    await subscription.WaitAsync(CancellationToken.None);
                    Take(subscription, seen);
                }
                token = subscription.Token;
            }
        });
        End([.. writers, blocking, waiting]);
    }

    [Fact]
    public void No_wake_up_is_lost()
    {
        const int rounds = 3000;
        using var pings = _shards.Subscribe(StreamRange.Prefix(Key("ping")), StreamStart.Now);
        using var pongs = _shards.Subscribe(StreamRange.Prefix(Key("pong")), StreamStart.Now);
        void Expect(ISubscription subscription, int value)
        {
            while (true)
            {
                if (subscription.TryNext(out var batch))
                {
                    Assert.True(batch.GetEnumerator() is var effects && effects.MoveNext());
                    Assert.Equal(value, BitConverter.ToInt32(effects.Current.Value));
                    return;
                }
                Assert.True(subscription.Wait(Long), $"round {value} was not heard of");
            }
        }

        var echo = Start("echo", () =>
        {
            for (var i = 1; i <= rounds; i++)
            {
                Expect(pings, i);
                Put("pong", i);
            }
            return Task.CompletedTask;
        });
        for (var i = 1; i <= rounds; i++)
        {
            Put("ping", i);
            Expect(pongs, i);
        }
        End(echo);
    }

    [Fact]
    public void Closing_wakes_everybody()
    {
        var enders = new List<BackgroundTask>();
        var ended = 0;
        for (var i = 0; i < 4; i++)
        {
            var subscription = _shards.Subscribe(All, i % 2 == 0 ? StreamStart.Now : StreamStart.Snapshot);
            var blocks = i < 2;
            enders.Add(Start($"follower {i}", async () =>
            {
                var closed = await Assert.ThrowsAsync<AevumException>(async () =>
                {
                    while (true)
                    {
                        while (subscription.TryNext(out AppliedBatch _)) { }
                        if (blocks) subscription.Wait();
                        else await subscription.WaitAsync(CancellationToken.None);
                    }
                });
                Assert.Equal(ErrorCode.Closed, closed.Code);
                Interlocked.Increment(ref ended);
            }));
        }
        for (var i = 1; i < 100; i++) Put("a", i);
        _shards.Dispose();
        End([.. enders]);
        Assert.Equal(4, ended);
    }
}
