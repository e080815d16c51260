// MemoryFileSystem: files that live as long as this object. For tests, and for databases that nobody wants to keep.
//
// Nothing is lost here and nothing fails but what the caller did wrong: Sync, Publish and Prepare have nothing to do. Regions count as
// mapped, since stores need no call to reach the "disk". One file holds at most 2 GiB (Array.MaxLength), which is LimitExceeded.
//
// Not here: faults and power cuts (FaultyFileSystem).

namespace Aevum.Core.Files;

public sealed class MemoryFileSystem : NamedFileSystem, IFileSystem
{
    readonly NameTree<MemoryContent> _names = new();

    private protected override INames Names => _names;

    public string BootId => "";

    public IReadableFile OpenRead(string path)
    {
        lock (Gate) return new MemoryReadableFile(path, _names.FindFile(path));
    }

    public IWritableFile Create(string path)
    {
        var content = new MemoryContent();
        lock (Gate) _names.SetFile(path, content);
        return new MemoryWritableFile(path, content);
    }

    public IAppendRegion CreateRegion(string path, long capacity)
    {
        FileErrors.CheckCapacity(path, capacity);
        var content = new MemoryContent(path, capacity);
        lock (Gate) _names.SetFile(path, content);
        return new MemoryRegion(path, content);
    }

    public IAppendRegion OpenRegion(string path)
    {
        lock (Gate) return new MemoryRegion(path, _names.FindFile(path));
    }

    public long FileLength(string path)
    {
        lock (Gate) return _names.FindFile(path).Length;
    }

    public IDisposable Lock(string path, string holder)
    {
        lock (Gate)
        {
            if (_names.TryFindFile(path) is { } present) MemoryLock.RequireFree(path, present);
            var content = MemoryLock.Exclusive(path, holder);
            _names.SetFile(path, content);
            return new MemoryLock(Gate, content);
        }
    }

    public IDisposable LockShared(string path)
    {
        lock (Gate) return MemoryLock.Shared(Gate, path, _names.TryFindFile(path));
    }
}

sealed class MemoryReadableFile(string path, MemoryContent content) : IReadableFile
{
    MemoryContent? _content = content;
    byte[]? _mapped;

    public string Path => path;

    public long Length => Open.Length;

    MemoryContent Open => _content ?? throw FileErrors.Closed(path);

    public int Read(long offset, Span<byte> target)
    {
        FileErrors.CheckOffset(path, offset);
        return Open.Read(offset, target);
    }

    public unsafe bool TryMap(out byte* memory)
    {
        // The reference keeps the array the pointer leads into; it is pinned by birth.
        _mapped ??= Open.Bytes;
        memory = (byte*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_mapped, 0);
        return _mapped.Length > 0;
    }

    public void Dispose()
    {
        _content = null;
        _mapped = null;
    }
}

sealed class MemoryWritableFile(string path, MemoryContent content) : IWritableFile
{
    bool _closed;

    public string Path => path;

    public long Length => content.Length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_closed) FileErrors.ThrowClosed(path);
        content.Write(path, content.Length, bytes);
    }

    public void Sync()
    {
        if (_closed) FileErrors.ThrowClosed(path);
    }

    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        content.Trim(path);
    }
}

sealed class MemoryRegion(string path, MemoryContent content) : IAppendRegion
{
    MemoryContent? _content = content;

    public string Path => path;

    public long Capacity => Open.Length;

    public bool IsMapped => true;

    MemoryContent Open => _content ?? throw FileErrors.Closed(path);

    public Span<byte> GetSpan(long offset, int length)
    {
        var content = Open;
        FileErrors.CheckRange(path, offset, offset + length, content.Length);
        return content.Bytes.AsSpan((int)offset, length);
    }

    public void Publish(long start, long end) => FileErrors.CheckRange(path, start, end, Open.Length);

    public void Sync() => _ = Open;

    public void SyncRange(long start, long end) => FileErrors.CheckRange(path, start, end, Open.Length);

    public void Prepare(long start, long end) => FileErrors.CheckRange(path, start, end, Open.Length);

    public void Dispose() => _content = null;
}
