// FaultyFileSystem: a disk in memory on which everything goes wrong that goes wrong on disks, from one seed.
//
//   page cache and disk are apart     only Sync moves bytes, only SyncDirectory moves names for sure; the rest is up to the seed
//   errors                            any operation, by chance or by count; an append may write a prefix first, a sync some of its pages
//   no space                          a capacity in bytes; an append fills what is left and then fails; deleting frees
//   wrong bits                        FlipBit, or by chance at a read (once, or for good)
//   death                             PowerCut and KillProcess, at once or at the n-th change (FaultPlan.PowerCutAt, KillAt)
//
// One object is one process's view. PowerCut and KillProcess end it, with all its handles (Closed from then on), and return the view of
// the next process over what is left:
//
//     var files = new FaultyFileSystem(seed: 42);
//     ... a workload, which may end with Closed if the plan cut it off ...
//     files = files.Successor ?? files.PowerCut();
//     ... open again and check ...
//
// The same seed and the same calls in the same order give the same faults and the same bytes.
// Not here: time (nothing is slow), errors of the kernel that no plan asks for.

namespace Aevum.Core.Files;

public sealed class FaultyFileSystem : IFileSystem
{
    readonly FaultyDisk _disk;
    readonly string _bootId;

    public FaultyFileSystem(ulong seed, FaultPlan? plan = null) : this(new FaultyDisk(seed, plan ?? new FaultPlan())) { }

    FaultyFileSystem(FaultyDisk disk)
    {
        _disk = disk;
        _bootId = disk.BootId;
        disk.Living = this;
    }

    public FaultPlan Plan => _disk.Plan;

    /// <summary>Operations so far, in all processes, that change anything: what FaultPlan.PowerCutAt and KillAt count.</summary>
    public long ChangeCount
    {
        get
        {
            lock (_disk.Gate) return _disk.ChangeCount;
        }
    }

    /// <summary>Bytes in use, in whole pages.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_disk.Gate) return _disk.Used;
        }
    }

    /// <summary>The next process's view, if this one has died by the plan; else null.</summary>
    public FaultyFileSystem? Successor
    {
        get
        {
            lock (_disk.Gate)
            {
                if (_disk.Living == this) return null;
                return _disk.Living ?? new FaultyFileSystem(_disk);
            }
        }
    }

    public string BootId => _bootId;

    /// <summary>The machine loses power now and starts again.</summary>
    public FaultyFileSystem PowerCut(PowerCutMode mode = PowerCutMode.Random)
    {
        lock (_disk.Gate)
        {
            RequireAlive();
            _disk.CutPower(mode);
            return new FaultyFileSystem(_disk);
        }
    }

    /// <summary>The process dies (SIGKILL): the page cache stays. Bytes of an unmapped region that were not published are lost.</summary>
    public FaultyFileSystem KillProcess()
    {
        lock (_disk.Gate)
        {
            RequireAlive();
            _disk.KillProcess();
            return new FaultyFileSystem(_disk);
        }
    }

    /// <summary>Flips one bit (0 to 7) of one byte, in the cache and on the disk.</summary>
    public void FlipBit(string path, long offset, int bit = 0)
    {
        lock (_disk.Gate)
        {
            var content = _disk.Names.Tree.FindFile(path);
            FileErrors.CheckRange(path, offset, offset + 1, content.Current.Length);
            content.FlipBit(offset, bit & 7);
        }
    }

    void RequireAlive()
    {
        if (_disk.Living != this) throw FileErrors.Closed("this file system, whose process has died,");
    }

    public IReadableFile OpenRead(string path)
    {
        lock (_disk.Gate)
        {
            Look(FileOperation.OpenRead, path);
            var content = _disk.Names.Tree.FindFile(path);
            content.References++;
            return new FaultyReadableFile(_disk, this, path, content);
        }
    }

    public IWritableFile Create(string path)
    {
        lock (_disk.Gate)
        {
            var fate = _disk.BeginWholeChange(this, FileOperation.Create, path);
            _disk.Names.Tree.Delete(path);
            _disk.RequirePage(path);
            var content = new FaultyContent(new MemoryContent());
            _disk.Names.Tree.SetFile(path, content);
            _disk.End(fate, path);
            content.References++;
            return new FaultyWritableFile(_disk, this, path, content);
        }
    }

    public IAppendRegion CreateRegion(string path, long capacity)
    {
        FileErrors.CheckCapacity(path, capacity);
        lock (_disk.Gate)
        {
            var fate = _disk.BeginWholeChange(this, FileOperation.CreateRegion, path);
            _disk.Names.Tree.Delete(path);
            if (_disk.Free < FaultyContent.RoundUp(capacity)) throw FileErrors.DiskFull(path, $"allocating {capacity} bytes");
            var content = new FaultyContent(new MemoryContent(path, capacity));
            _disk.Names.Tree.SetFile(path, content);
            _disk.Used += content.Allocated;
            _disk.End(fate, path);
            return OpenRegion(path, content);
        }
    }

    public IAppendRegion OpenRegion(string path)
    {
        lock (_disk.Gate)
        {
            Look(FileOperation.OpenRegion, path);
            return OpenRegion(path, _disk.Names.Tree.FindFile(path));
        }
    }

    FaultyRegion OpenRegion(string path, FaultyContent content)
    {
        content.References++;
        if (_disk.Plan.RegionsAreMapped) content.WasMappedForWriting = true;
        return new FaultyRegion(_disk, this, path, content, _disk.Plan.RegionsAreMapped);
    }

    public bool FileExists(string path)
    {
        lock (_disk.Gate)
        {
            RequireAlive();
            return _disk.Names.Tree.TryFindFile(path) is not null;
        }
    }

    public bool DirectoryExists(string path)
    {
        lock (_disk.Gate)
        {
            RequireAlive();
            return _disk.Names.Tree.TryFindDirectory(path) is not null;
        }
    }

    public long FileLength(string path)
    {
        lock (_disk.Gate)
        {
            RequireAlive();
            return _disk.Names.Tree.FindFile(path).Current.Length;
        }
    }

    public void Rename(string source, string target)
    {
        lock (_disk.Gate)
        {
            var fate = _disk.BeginWholeChange(this, FileOperation.Rename, source);
            _disk.Names.Tree.Rename(source, target);
            _disk.End(fate, source);
        }
    }

    public void Delete(string path)
    {
        lock (_disk.Gate)
        {
            var fate = _disk.BeginWholeChange(this, FileOperation.Delete, path);
            _disk.Names.Tree.Delete(path);
            _disk.End(fate, path);
        }
    }

    public void Link(string source, string target)
    {
        lock (_disk.Gate)
        {
            var fate = _disk.BeginWholeChange(this, FileOperation.Link, source);
            _disk.RequirePage(target);
            _disk.Names.Tree.Link(source, target);
            _disk.End(fate, source);
        }
    }

    public void CreateDirectory(string path)
    {
        lock (_disk.Gate)
        {
            var fate = _disk.BeginWholeChange(this, FileOperation.CreateDirectory, path);
            if (_disk.Names.Tree.TryFindDirectory(path) is null) _disk.RequirePage(path);
            _disk.Names.Tree.CreateDirectory(path);
            _disk.End(fate, path);
        }
    }

    public void DeleteDirectory(string path)
    {
        lock (_disk.Gate)
        {
            var fate = _disk.BeginWholeChange(this, FileOperation.DeleteDirectory, path);
            _disk.Names.Tree.DeleteDirectory(path);
            _disk.End(fate, path);
        }
    }

    public IReadOnlyList<string> ListFiles(string directory)
    {
        lock (_disk.Gate)
        {
            Look(FileOperation.List, directory);
            return _disk.Names.Tree.ListFiles(directory);
        }
    }

    public IReadOnlyList<string> ListDirectories(string directory)
    {
        lock (_disk.Gate)
        {
            Look(FileOperation.List, directory);
            return _disk.Names.Tree.ListDirectories(directory);
        }
    }

    public void SyncDirectory(string directory)
    {
        lock (_disk.Gate)
        {
            var fate = _disk.BeginWholeChange(this, FileOperation.SyncDirectory, directory);
            _disk.Names.SyncDirectory(_disk.Names.Tree.FindDirectory(directory));
            _disk.End(fate, directory);
        }
    }

    public IDisposable Lock(string path, string holder)
    {
        lock (_disk.Gate)
        {
            Look(FileOperation.Lock, path);
            var present = _disk.Names.Tree.TryFindFile(path);
            if (present?.LockedBy is { } owner) throw FileErrors.Locked(path, owner);
            if (present?.SharedLocks > 0) throw FileErrors.LockedByReaders(path);
            _disk.Names.Tree.Delete(path);
            _disk.RequirePage(path);
            var content = new FaultyContent(new MemoryContent()) { LockedBy = holder };
            content.Current.Write(path, 0, System.Text.Encoding.UTF8.GetBytes(holder));
            content.MarkDirty(0, content.Current.Length);
            _disk.Names.Tree.SetFile(path, content);
            _disk.Used += content.Allocated;
            return new Release(_disk, this, () => content.LockedBy = null);
        }
    }

    public IDisposable LockShared(string path)
    {
        lock (_disk.Gate)
        {
            Look(FileOperation.Lock, path);
            var content = _disk.Names.Tree.TryFindFile(path);
            if (content?.LockedBy is { } owner) throw FileErrors.Locked(path, owner);
            if (content is not null) content.SharedLocks++;
            return new Release(_disk, this, () =>
            {
                if (content is not null) content.SharedLocks--;
            });
        }
    }

    void Look(FileOperation operation, string path)
    {
        if (_disk.BeginLook(this, operation, path, out var code) == Fate.Fail) throw FaultyDisk.Failed(path, operation, code);
    }

    sealed class Release(FaultyDisk disk, FaultyFileSystem process, Action release) : IDisposable
    {
        bool _released;

        public void Dispose()
        {
            lock (disk.Gate)
            {
                if (!_released && disk.Living == process) release();
                _released = true;
            }
        }
    }
}
