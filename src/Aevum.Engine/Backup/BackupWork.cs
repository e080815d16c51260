// BackupWork: the moving of bytes: files copied, read, digested, in steps of a mebibyte; after each step progress is told, the pace kept, and a
// wish to stop obeyed.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;

namespace Aevum.Engine.Backup;

/// <summary>Is told how far a backup, a check of one or a restore has come. Called on the thread that runs it.</summary>
public interface IBackupProgress
{
    /// <param name="stage">What is being done.</param>
    /// <param name="total">How much of it there is, in bytes; 0: nobody knows.</param>
    void Begin(string stage, long total);

    void Advance(long bytes);
}

/// <param name="bytesPerSecond">0: as fast as it goes.</param>
/// <param name="mustStop">Asked at each step, beside the token; null: never.</param>
sealed class BackupWork(
    IScheduler scheduler, long bytesPerSecond, IBackupProgress? progress, CancellationToken cancellation, Func<bool>? mustStop = null)
{
    // Nobody waits longer than this for a cancellation to be seen.
    static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(50);

    readonly Signal _pauses = scheduler.CreateSignal("backup pace");
    readonly byte[] _buffer = new byte[ContentDigest.ChunkBytes];
    long _paceStarted = scheduler.Time.GetTimestamp();
    long _paceBytes;

    public void Begin(string stage, long total)
    {
        ThrowIfStopped();
        progress?.Begin(stage, total);
        (_paceStarted, _paceBytes) = (scheduler.Time.GetTimestamp(), 0);
    }

    /// <summary>Some bytes have been moved.</summary>
    public void Step(long bytes)
    {
        ThrowIfStopped();
        progress?.Advance(bytes);
        if (bytesPerSecond <= 0) return;
        _paceBytes += bytes;
        while (true)
        {
            var ahead = TimeSpan.FromSeconds((double)_paceBytes / bytesPerSecond) - scheduler.Time.GetElapsedTime(_paceStarted);
            if (ahead <= TimeSpan.Zero) return;
            _pauses.WaitUntil(static () => false, ahead < PauseMax ? ahead : PauseMax);
            ThrowIfStopped();
        }
    }

    public void ThrowIfStopped()
    {
        if (cancellation.IsCancellationRequested) throw new AevumException(ErrorCode.Cancelled, "cancelled before it was done");
        if (mustStop is not null && mustStop()) Throw.Closed("the database");
    }

    /// <summary>Copies a file under a new name and syncs the copy (not its name).</summary>
    /// <returns>The digest of what was copied.</returns>
    /// <exception cref="AevumException">Corruption: the source is shorter or longer than it must be. What was written is left.</exception>
    public ulong Copy(IFileSystem from, string source, long length, IFileSystem to, string target)
    {
        using var copy = to.Create(target);
        var digest = Walk(from, source, length, copy);
        copy.Sync();
        return digest;
    }

    /// <summary>Reads a file to its end.</summary>
    public ulong Digest(IFileSystem files, string path, long length) => Walk(files, path, length, null);

    ulong Walk(IFileSystem files, string path, long length, IWritableFile? copy)
    {
        using var file = files.OpenRead(path);
        if (file.Length != length) Throw.Corruption(path, Math.Min(length, file.Length), $"{length} bytes, not {file.Length}");
        var digest = default(ContentDigest);
        for (long at = 0; at < length;)
        {
            var chunk = _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, length - at));
            var read = file.Read(at, chunk);
            if (read < chunk.Length) Throw.Corruption(path, at + read, $"{length} bytes");
            digest.Add(chunk);
            copy?.Append(chunk);
            at += read;
            Step(read);
        }
        return digest.Value;
    }

    /// <summary>A hash of a file's end: of a table its footer, properties and index, which differ where the content does.</summary>
    public ulong TailDigest(IFileSystem files, string path, long length)
    {
        using var file = files.OpenRead(path);
        if (file.Length != length) Throw.Corruption(path, Math.Min(length, file.Length), $"{length} bytes, not {file.Length}");
        var tail = _buffer.AsSpan(0, (int)Math.Min(TailBytes, length));
        if (file.Read(length - tail.Length, tail) < tail.Length) Throw.Corruption(path, length - tail.Length, $"{length} bytes");
        return Core.Bytes.XxHash3.Compute(tail);
    }

    const int TailBytes = 16 << 10;
}
