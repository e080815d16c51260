// The handles of a FaultyFileSystem. Each operation takes the disk's gate, draws its fate, and does as much of its work as the fate allows.
// A handle whose process has died answers Closed to everything, and closing it changes nothing any more.

using System.Runtime.InteropServices;

namespace Aevum.Core.Files;

/// <summary>What the three kinds share: one reference to the content while open and alive.</summary>
abstract class FaultyHandle(FaultyDisk disk, FaultyFileSystem process, string path, FaultyContent content) : IDisposable
{
    bool _closed;

    public string Path => path;

    protected FaultyDisk Disk => disk;

    protected FaultyFileSystem Process => process;

    protected FaultyContent Content => content;

    /// <summary>After a failed sync the handle only closes.</summary>
    protected bool SyncFailed { get; private set; }

    protected void RequireOpen()
    {
        if (_closed || disk.Living != process) FileErrors.ThrowClosed(path);
    }

    protected void RequireWritable()
    {
        RequireOpen();
        if (SyncFailed) throw FileErrors.SyncFailedBefore(path);
    }

    public void Sync() => Sync(0, long.MaxValue);

    protected void Sync(long start, long end)
    {
        lock (disk.Gate)
        {
            RequireWritable();
            var fate = disk.BeginChange(process, FileOperation.Sync, path, out var code);
            if (fate == Fate.Fail)
            {
                content.FailSync(disk.Random);
                SyncFailed = true;
                throw FaultyDisk.Failed(path, FileOperation.Sync, code);
            }
            // Dying in the middle of a sync: it may have come to its end, or the cut finds the pages still dirty.
            if (fate == Fate.Proceed || disk.Random.OneIn(2)) content.Sync(start, end);
            disk.End(fate, path);
        }
    }

    /// <summary>Writes to the cache as the fate allows: all of it, what space is left for, or a prefix.</summary>
    protected void Write(FileOperation operation, long offset, ReadOnlySpan<byte> bytes)
    {
        var fate = disk.BeginChange(process, operation, path, out var code);
        var allowed = disk.Reserve(content, offset + bytes.Length) - offset;
        var count = Math.Min(allowed, fate == Fate.Proceed ? bytes.Length : disk.Random.Next(bytes.Length + 1));
        if (count > 0)
        {
            disk.Used -= content.Allocated;
            content.Current.Write(path, offset, bytes[..(int)count]);
            disk.Used += content.Allocated;
            content.MarkDirty(offset, offset + count);
        }
        MaybeWriteBack();
        disk.End(fate, path);
        if (fate == Fate.Fail) throw FaultyDisk.Failed(path, operation, code);
        if (count < bytes.Length) throw FileErrors.DiskFull(path, $"{count} of {bytes.Length} bytes were written at {offset}");
    }

    protected void MaybeWriteBack()
    {
        if (disk.Plan.WriteBackProbability > 0 && disk.Random.NextDouble() < disk.Plan.WriteBackProbability) content.WriteBack(disk.Random);
    }

    public void Dispose()
    {
        lock (disk.Gate)
        {
            if (_closed) return;
            _closed = true;
            if (disk.Living == process) disk.Names.Release(content);
        }
        GC.SuppressFinalize(this);
    }
}

sealed class FaultyReadableFile(FaultyDisk disk, FaultyFileSystem process, string path, FaultyContent content)
    : FaultyHandle(disk, process, path, content), IReadableFile
{
    byte[]? _mapped;    // keeps alive what a pointer was given to

    public long Length
    {
        get
        {
            lock (Disk.Gate)
            {
                RequireOpen();
                return Content.Current.Length;
            }
        }
    }

    public int Read(long offset, Span<byte> target)
    {
        FileErrors.CheckOffset(Path, offset);
        lock (Disk.Gate)
        {
            RequireOpen();
            var fate = Disk.BeginLook(Process, FileOperation.Read, Path, out var code);
            if (fate == Fate.Fail)
            {
                // A part may have been read before the error came.
                Content.Current.Read(offset, target[..Disk.Random.Next(target.Length + 1)]);
                throw FaultyDisk.Failed(Path, FileOperation.Read, code);
            }
            MaybeFlipAtRest(offset, target.Length);
            var count = Content.Current.Read(offset, target);
            MaybeFlipOnRead(target[..count]);
            return count;
        }
    }

    void MaybeFlipAtRest(long offset, int length)
    {
        if (Disk.Plan.FlipAtRestProbability <= 0 || !MayStrike()) return;
        var count = (int)Math.Clamp(Content.Current.Length - offset, 0, length);
        if (count > 0 && Disk.Random.NextDouble() < Disk.Plan.FlipAtRestProbability)
            Content.FlipBit(offset + Disk.Random.Next(count), Disk.Random.Next(8));
    }

    void MaybeFlipOnRead(Span<byte> read)
    {
        if (Disk.Plan.FlipOnReadProbability <= 0 || !MayStrike()) return;
        if (read.Length > 0 && Disk.Random.NextDouble() < Disk.Plan.FlipOnReadProbability)
            read[Disk.Random.Next(read.Length)] ^= (byte)(1 << Disk.Random.Next(8));
    }

    bool MayStrike() => Disk.Plan.Strikes is null || Disk.Plan.Strikes(Path);

    public unsafe bool TryMap(out byte* memory)
    {
        lock (Disk.Gate)
        {
            RequireOpen();
            memory = null;
            if (!Disk.Plan.FilesCanBeMapped || Content.Current.Length == 0) return false;
            _mapped ??= Content.Current.Bytes;
            memory = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_mapped, 0);
            return true;
        }
    }
}

sealed class FaultyWritableFile(FaultyDisk disk, FaultyFileSystem process, string path, FaultyContent content)
    : FaultyHandle(disk, process, path, content), IWritableFile
{
    long _length;

    public long Length => _length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (Disk.Gate)
        {
            RequireWritable();
            Write(FileOperation.Append, _length, bytes);
            _length += bytes.Length;
        }
    }
}

sealed class FaultyRegion : FaultyHandle, IAppendRegion
{
    readonly byte[] _span;      // the cache itself if mapped, else memory of the process

    public FaultyRegion(FaultyDisk disk, FaultyFileSystem process, string path, FaultyContent content, bool mapped)
        : base(disk, process, path, content)
    {
        IsMapped = mapped;
        Capacity = content.Current.Length;
        _span = content.Current.Bytes;
        if (mapped) return;
        _span = new byte[Capacity];
        content.Current.Read(0, _span);
    }

    public long Capacity { get; }

    public bool IsMapped { get; }

    public Span<byte> GetSpan(long offset, int length)
    {
        RequireOpen();
        FileErrors.CheckRange(Path, offset, offset + length, Capacity);
        return _span.AsSpan((int)offset, length);
    }

    public void Publish(long start, long end)
    {
        FileErrors.CheckRange(Path, start, end, Capacity);
        lock (Disk.Gate)
        {
            RequireWritable();
            if (!IsMapped)
            {
                Write(FileOperation.Publish, start, _span.AsSpan((int)start, (int)(end - start)));
                return;
            }
            // No call into the kernel, so nothing can fail; but the end may come before or after it.
            var fate = Disk.BeginChange(Process, FileOperation.Publish, Path, out _);
            Content.MarkDirty(start, end);
            MaybeWriteBack();
            Disk.End(fate, Path);
        }
    }

    public void SyncRange(long start, long end)
    {
        FileErrors.CheckRange(Path, start, end, Capacity);
        Sync(start, end);
    }

    public void Prepare(long start, long end)
    {
        FileErrors.CheckRange(Path, start, end, Capacity);
        lock (Disk.Gate)
        {
            RequireWritable();
            if (Disk.BeginLook(Process, FileOperation.Prepare, Path, out var code) == Fate.Fail)
                throw FaultyDisk.Failed(Path, FileOperation.Prepare, code);
        }
    }
}
