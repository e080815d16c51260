// SimulatedWorld: what the engine's run puts between the engine and the simulated scheduler and disk:
//
//   the wall clock    can be moved forward and back, and frozen; the monotonic clock goes on
//   log syncs         take a little virtual time, so that other clients come in between

using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Simulation.Engine;

sealed class MovableTime(TimeProvider inner) : TimeProvider
{
    DateTimeOffset? _frozenAt;
    TimeSpan _offset;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    public bool IsFrozen => _frozenAt is not null;

    public override long GetTimestamp() => inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => _frozenAt ?? inner.GetUtcNow() + _offset;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);

    public void Move(TimeSpan by) => _offset += by;

    public void Freeze() => _frozenAt = GetUtcNow();

    public void Thaw() => _frozenAt = null;
}

sealed class MovableClockScheduler(SimulatedScheduler inner) : IScheduler
{
    public MovableTime Clock { get; } = new(inner.Time);

    public TimeProvider Time => Clock;

    public SeededRandom CreateRandom(string name) => inner.CreateRandom(name);

    public BackgroundTask Start(string name, WorkClass workClass, Func<CancellationToken, Task> body) => inner.Start(name, workClass, body);

    public SchedulerYield Yield() => inner.Yield();

    public Task Delay(TimeSpan time, CancellationToken cancellation = default) => inner.Delay(time, cancellation);

    public Signal CreateSignal(string name) => inner.CreateSignal(name);

    public void Dispose() { }
}

/// <summary>Gives every sync of a log region a duration. Other files stay quick: they are synced under locks, where nobody may wait.</summary>
sealed class SlowLogFiles(FaultyFileSystem inner, Action wait) : IFileSystem
{
    public string BootId => inner.BootId;

    public IReadableFile OpenRead(string path) => inner.OpenRead(path);

    public IWritableFile Create(string path) => inner.Create(path);

    public IAppendRegion CreateRegion(string path, long capacity) => new Region(inner.CreateRegion(path, capacity), wait);

    public IAppendRegion OpenRegion(string path) => new Region(inner.OpenRegion(path), wait);

    public bool FileExists(string path) => inner.FileExists(path);

    public bool DirectoryExists(string path) => inner.DirectoryExists(path);

    public long FileLength(string path) => inner.FileLength(path);

    public void Rename(string source, string target) => inner.Rename(source, target);

    public void Delete(string path) => inner.Delete(path);

    public void Link(string source, string target) => inner.Link(source, target);

    public void CreateDirectory(string path) => inner.CreateDirectory(path);

    public void DeleteDirectory(string path) => inner.DeleteDirectory(path);

    public IReadOnlyList<string> ListFiles(string directory) => inner.ListFiles(directory);

    public IReadOnlyList<string> ListDirectories(string directory) => inner.ListDirectories(directory);

    public void SyncDirectory(string directory) => inner.SyncDirectory(directory);

    public IDisposable Lock(string path, string holder) => inner.Lock(path, holder);

    sealed class Region(IAppendRegion inner, Action wait) : IAppendRegion
    {
        public string Path => inner.Path;

        public long Capacity => inner.Capacity;

        public bool IsMapped => inner.IsMapped;

        public Span<byte> GetSpan(long offset, int length) => inner.GetSpan(offset, length);

        public void Publish(long start, long end) => inner.Publish(start, end);

        public void Sync()
        {
            wait();
            inner.Sync();
        }

        public void SyncRange(long start, long end)
        {
            wait();
            inner.SyncRange(start, end);
        }

        public void Prepare(long start, long end) => inner.Prepare(start, end);

        public void Dispose() => inner.Dispose();
    }
}
