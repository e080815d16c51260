using System.Text;
using Aevum.Core.Errors;
using Aevum.Core.Scheduling;
using Aevum.Engine.Sequencing.Locks;

namespace Aevum.Engine.Tests.Sequencing.Locks;

/// <summary>A lock table on simulated time, and requests of it as things to look at.</summary>
sealed class LockWorld : IDisposable
{
    public LockWorld(LockTableOptions? options = null, ulong seed = 1)
    {
        World = new SimulatedScheduler(seed);
        Table = new LockTable(World, options);
    }

    public SimulatedScheduler World { get; }

    public LockTable Table { get; }

    public void Dispose()
    {
        Table.Dispose();
        World.Dispose();
    }

    /// <summary>An owner as old as its id is small.</summary>
    public LockOwner Owner(ulong id) => Table.CreateOwner(id, id);

    /// <summary>Takes a lock that must be free.</summary>
    public void Take(LockOwner owner, string key, LockMode mode) => Assert.True(Table.TryAcquire(owner, Encoding.ASCII.GetBytes(key), mode));

    /// <summary>Asks, runs the world until nothing moves, and returns how the request stands.</summary>
    public Asked Ask(LockOwner owner, string key, LockMode mode, TimeSpan? timeout = null, bool blocking = false,
        CancellationToken cancellation = default)
    {
        var asked = new Asked();
        World.Start($"{owner} asks {key}", WorkClass.Background, async _ =>
        {
            try
            {
                var bytes = Encoding.ASCII.GetBytes(key);
                var limit = timeout ?? Timeout.InfiniteTimeSpan;
                if (blocking) Table.Acquire(owner, bytes, mode, limit, cancellation);
                else await Table.AcquireAsync(owner, bytes, mode, limit, cancellation);
                asked.IsGranted = true;
            }
            catch (AevumException failure)
            {
                asked.Failure = failure;
            }
        });
        World.RunUntilIdle();
        return asked;
    }

    public void ReleaseAll(LockOwner owner)
    {
        Table.ReleaseAll(owner);
        World.RunUntilIdle();
    }

    public void ReleaseSince(LockOwner owner, LockMark mark)
    {
        Table.ReleaseSince(owner, mark);
        World.RunUntilIdle();
    }

    /// <summary>As <see cref="LockModel"/> shows itself: a line for each key, holders before the bar, the queue behind it.</summary>
    public string Show() => LockModel.Show(Table.Describe());

    public sealed class Asked
    {
        public bool IsGranted { get; set; }

        public AevumException? Failure { get; set; }

        public bool IsWaiting => !IsGranted && Failure is null;

        public ErrorCode? Code => Failure?.Code;
    }
}
