// LogWorld: what the log's tests share: a place to open logs in, images of a directory to cut and flip, an oracle of streams.

using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;
using Aevum.Testing;

namespace Aevum.Storage.Tests.Log;

/// <summary>A memory file system that can say which boot it is.</summary>
sealed class LogWorld : IDisposable
{
    public const string Directory = "log";

    public static readonly Guid DatabaseId = new("0123456789abcdef0123456789abcdef");

    /// <param name="bootId">Which boot the machine is in.</param>
    /// <param name="memory">What is on disk.</param>
    /// <param name="seed">Of the log's epochs.</param>
    /// <param name="idle">True: background bodies never run, so everything is done by appenders, in the same order each time.</param>
    public LogWorld(string bootId = "boot 1", MemoryFileSystem? memory = null, bool idle = false, ulong seed = 7)
    {
        Memory = memory ?? new MemoryFileSystem();
        Files = new FilesWithBoot(Memory, bootId);
        Scheduler = idle ? new IdleScheduler(seed) : new ThreadScheduler(new ThreadSchedulerOptions { Seed = seed });
    }

    public MemoryFileSystem Memory { get; }

    public FilesWithBoot Files { get; }

    public IScheduler Scheduler { get; }

    public static LogOptions Options => new() { DatabaseId = DatabaseId, Timeline = 1, FirstSegmentBytes = 64 << 10, SegmentBytes = 256 << 10 };

    public CommitLog Open(LogOptions? options = null) => CommitLog.Open(Files, Scheduler, Directory, options ?? Options);

    /// <summary>The directory as the death of the process would leave it: every stored byte is there, nothing was closed.</summary>
    public LogImage Image()
    {
        // Names stand still meanwhile, as they do at one moment; the log's background body may go on.
        lock (Files.NamesGate) return LogImage.Of(Memory, Directory);
    }

    public static LogWorld Restore(LogImage image, string bootId = "boot 1", bool idle = false) => new(bootId, image.ToFiles(), idle);

    public void Dispose() => Scheduler.Dispose();
}

/// <summary>The files of a directory, by name.</summary>
sealed class LogImage
{
    public SortedDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    public IEnumerable<string> Segments => Files.Keys.Where(name => name.EndsWith(".log", StringComparison.Ordinal));

    public static LogImage Of(IFileSystem files, string directory)
    {
        var image = new LogImage();
        if (!files.DirectoryExists(directory)) return image;
        foreach (var name in files.ListFiles(directory))
        {
            using var file = files.OpenRead(FilePaths.Combine(directory, name));
            var bytes = new byte[file.Length];
            file.Read(0, bytes);
            image.Files[name] = bytes;
        }
        return image;
    }

    public LogImage Clone()
    {
        var clone = new LogImage();
        foreach (var (name, bytes) in Files) clone.Files[name] = (byte[])bytes.Clone();
        return clone;
    }

    public MemoryFileSystem ToFiles()
    {
        var memory = new MemoryFileSystem();
        memory.CreateDirectory(LogWorld.Directory);
        foreach (var (name, bytes) in Files)
        {
            using var file = memory.Create(FilePaths.Combine(LogWorld.Directory, name));
            file.Append(bytes);
        }
        return memory;
    }
}

/// <summary>Passes everything on, except what a test wants to be otherwise.</summary>
class FilesWithBoot(IFileSystem inner, string bootId = "boot 1") : ForwardingFiles(inner)
{
    public object NamesGate { get; } = new();

    public override string BootId => bootId;

    public override IAppendRegion CreateRegion(string path, long capacity)
    {
        lock (NamesGate) return base.CreateRegion(path, capacity);
    }

    public override void Rename(string source, string target)
    {
        lock (NamesGate) base.Rename(source, target);
    }

    public override void Delete(string path)
    {
        lock (NamesGate) base.Delete(path);
    }
}

/// <summary>Streams as plain lists: what a log must agree with.</summary>
sealed class StreamOracle
{
    readonly SortedDictionary<ulong, byte[]> _records = [];

    public ulong First { get; private set; } = 1;

    public ulong Last { get; private set; }

    public int Count => _records.Count;

    public void Append(byte[] payload) => _records[++Last] = payload;

    public void Truncate(ulong position)
    {
        foreach (var p in _records.Keys.Where(p => p >= position).ToArray()) _records.Remove(p);
        Last = position - 1;
    }

    public void Release(ulong upTo)
    {
        if (upTo < First) return;
        First = upTo + 1;
        Last = Math.Max(Last, upTo);
        foreach (var p in _records.Keys.Where(p => p <= upTo).ToArray()) _records.Remove(p);
    }

    public StreamOracle Clone()
    {
        var clone = new StreamOracle { First = First, Last = Last };
        foreach (var (p, bytes) in _records) clone._records[p] = bytes;
        return clone;
    }

    public byte[] this[ulong position] => _records[position];

    /// <summary>Holds the stream against the oracle, from the stream's first position on.</summary>
    public void Check(LogStream stream, bool firstMayLag = false)
    {
        Assert.Equal(Last, stream.LastPosition);
        // Releases are written down lazily: after a crash the stream may still hold more than the oracle.
        if (firstMayLag) Assert.True(stream.FirstPosition <= First);
        else Assert.Equal(First, stream.FirstPosition);
        var expected = First;
        stream.Replay(First, (position, payload) =>
        {
            if (position != expected || !payload.SequenceEqual(_records[position])) Assert.Fail($"stream {stream.Id}: wrong data at position {position}");
            expected++;
        });
        Assert.Equal(Last + 1, expected);
    }
}

/// <summary>A scheduler that takes bodies and never gets round to running them: a machine whose background threads are starved.</summary>
sealed class IdleScheduler(ulong seed) : IScheduler
{
    public TimeProvider Time => TimeProvider.System;

    public SeededRandom CreateRandom(string name) => new(seed);

    public BackgroundTask Start(string name, WorkClass workClass, Func<CancellationToken, Task> body) => new Never(name);

    public SchedulerYield Yield() => default;

    public Task Delay(TimeSpan time, CancellationToken cancellation = default) => throw new NotSupportedException();

    public Signal CreateSignal(string name) => new Silent();

    public void Dispose() { }

    sealed class Silent : Signal
    {
        public override void Raise() { }

        public override bool WaitUntil(Func<bool> condition, TimeSpan? timeout = null) =>
            condition() ? true : throw new InvalidOperationException("nobody is there who could make it true");

        public override Task<bool> WaitUntilAsync(Func<bool> condition, TimeSpan? timeout = null) => throw new NotSupportedException();
    }

    sealed class Never(string name) : BackgroundTask
    {
        public override string Name => name;

        public override bool IsCompleted => true;

        public override Exception? Failure => null;

        public override void Cancel() { }

        public override void Wait() { }

        public override Task WaitAsync() => Task.CompletedTask;
    }
}
