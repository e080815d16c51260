// RecordingFileSystem: writes down, beside a real file system, what of it is durable; so that after a process was killed a test can have
// the directory as a power cut at that moment would have left it at worst.
//
// Why: SIGKILL loses nothing that reached the page cache, so killing a real process tests `sync = os` and not `sync = always`. Here the
// killed process itself kept a journal (RecordingJournal) of each thing that became durable, at the moment it did and before the call
// returned:
//
//   Sync on a file         first the real sync; then what was appended or published since the last one is copied into the journal
//   SyncDirectory          first the real one; then the changes of names it covers go into the journal, as one record
//   everything else        goes to the real file system only
//
// The journal lies outside of the store, in the page cache, so it survives SIGKILL whole but for a record the kill cut short, and that one
// speaks of a sync that had not returned. The parent then calls Rebuild: the image holds everything that was acknowledged as durable,
// perhaps a part of what was being synced, and nothing else. (FaultyFileSystem makes all other images a power cut may leave, in memory.)
//
// What is under the root when recording starts counts as durable: so an image that was rebuilt can be the root of the next process.
// The journal grows with every byte synced. Paths outside of the root are refused; the lock file is not recorded.
// In a mapped region only published stretches are recorded, though the real sync covers every store: the contract promises no more.

using Aevum.Core.Errors;

namespace Aevum.Core.Files;

public sealed class RecordingFileSystem : IFileSystem, IDisposable
{
    const int CopyChunkBytes = 1 << 20;
    const byte FileMeaning = 1;
    const byte DirectoryMeaning = 2;

    readonly IFileSystem _files;
    readonly string _root;
    readonly Lock _gate = new();       // held across a change of names and its recording: both see the same order
    readonly RecordedNames _names = new();
    readonly RecordingJournal _journal;
    uint _contents;

    /// <param name="files">The real file system; for use across the death of a process, a <see cref="DiskFileSystem"/>.</param>
    /// <param name="root">The directory that is recorded, with all below it. It must exist.</param>
    /// <param name="shadow">An empty or missing directory outside of the root, for the journal.</param>
    public RecordingFileSystem(IFileSystem files, string root, string shadow)
    {
        _files = files;
        _root = root;
        if (!files.DirectoryExists(root)) throw FileErrors.NotFound(root);
        if (files.DirectoryExists(shadow) && files.ListFiles(shadow).Count > 0) Throw.Invalid($"{shadow} holds another recording");
        files.CreateDirectory(shadow);
        _journal = new RecordingJournal(files, shadow);
        Import("");
        _journal.Names(_names.TakeMade());
    }

    /// <summary>Writes the image that was durable when the recording process died into an empty or missing directory.</summary>
    public static void Rebuild(IFileSystem files, string shadow, string target)
    {
        if (files.DirectoryExists(target) && files.ListFiles(target).Count + files.ListDirectories(target).Count > 0)
            Throw.Invalid($"{target} is not empty");
        RecordingJournal.Rebuild(files, shadow, target);
    }

    public string BootId => _files.BootId;

    public IReadableFile OpenRead(string path) => _files.OpenRead(path);

    public IWritableFile Create(string path)
    {
        var name = Relative(path);
        lock (_gate)
        {
            var file = _files.Create(path);
            var content = new RecordedContent(++_contents);
            _names.Tree.SetFile(name, content);
            return new RecordedWritableFile(this, file, _files.OpenRead(path), content);
        }
    }

    public IAppendRegion CreateRegion(string path, long capacity)
    {
        var name = Relative(path);
        lock (_gate)
        {
            var region = _files.CreateRegion(path, capacity);
            var content = new RecordedContent(++_contents);
            _names.Tree.SetFile(name, content);
            return new RecordedRegion(this, region, content);
        }
    }

    public IAppendRegion OpenRegion(string path)
    {
        var name = Relative(path);
        lock (_gate)
        {
            var content = _names.Tree.FindFile(name);
            return new RecordedRegion(this, _files.OpenRegion(path), content);
        }
    }

    public bool FileExists(string path) => _files.FileExists(path);

    public bool DirectoryExists(string path) => _files.DirectoryExists(path);

    public long FileLength(string path) => _files.FileLength(path);

    public void Rename(string source, string target)
    {
        var (from, to) = (Relative(source), Relative(target));
        lock (_gate)
        {
            _files.Rename(source, target);
            if (IsKnown(from)) _names.Tree.Rename(from, to);
        }
    }

    public void Delete(string path)
    {
        var name = Relative(path);
        lock (_gate)
        {
            _files.Delete(path);
            _names.Tree.Delete(name);
        }
    }

    public void Link(string source, string target)
    {
        var (from, to) = (Relative(source), Relative(target));
        lock (_gate)
        {
            _files.Link(source, target);
            if (IsKnown(from)) _names.Tree.Link(from, to);
        }
    }

    public void CreateDirectory(string path)
    {
        var name = Relative(path);
        lock (_gate)
        {
            _files.CreateDirectory(path);
            _names.Tree.CreateDirectory(name);
        }
    }

    public void DeleteDirectory(string path)
    {
        var name = Relative(path);
        lock (_gate)
        {
            _files.DeleteDirectory(path);
            _names.Tree.DeleteDirectory(name);
        }
    }

    public IReadOnlyList<string> ListFiles(string directory) => _files.ListFiles(directory);

    public IReadOnlyList<string> ListDirectories(string directory) => _files.ListDirectories(directory);

    public void SyncDirectory(string directory)
    {
        var name = Relative(directory);
        lock (_gate)
        {
            _files.SyncDirectory(directory);
            _names.SyncDirectory(_names.Tree.FindDirectory(name));
            _journal.Names(_names.TakeMade());
        }
    }

    public IDisposable Lock(string path, string holder) => _files.Lock(path, holder);

    public IDisposable LockShared(string path) => _files.LockShared(path);

    public void Dispose() => _journal.Dispose();

    /// <summary>The real sync, then the copy of what it covers. One at a time for each content: a second sync might find nothing to copy
    /// and return while the first is still copying what the second's caller wants to be durable.</summary>
    internal void Sync(RecordedContent content, Action sync, Func<long, byte[], int, int> read, long length)
    {
        lock (content.SyncGate)
        {
            var stretches = content.TakeUnsynced();
            sync();
            var chunk = new byte[CopyChunkBytes];
            foreach (var (start, end) in stretches)
            {
                for (var offset = start; offset < end;)
                {
                    var count = read(offset, chunk, (int)Math.Min(chunk.Length, end - offset));
                    if (count == 0) break;
                    _journal.Data(content.Id, offset, chunk.AsSpan(0, count));
                    offset += count;
                }
            }
            if (content.LengthChanged(length)) _journal.Length(content.Id, length);
        }
    }

    bool IsKnown(string name) => _names.Tree.TryFindFile(name) is not null || _names.Tree.TryFindDirectory(name) is not null;

    /// <summary>The path as the recorded tree knows it: from the root down.</summary>
    string Relative(string path)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal)) Throw.Invalid("a path is empty or holds a zero character");
        var relative = Path.GetRelativePath(_root, path);
        if (Path.IsPathRooted(relative) || FilePaths.Split(relative) is ["..", ..])
            Throw.Invalid($"{path} lies outside of {_root}, which is recorded");
        return relative == "." ? "" : relative;
    }

    void Import(string name)
    {
        var directory = name.Length == 0 ? _root : FilePaths.Combine(_root, name);
        foreach (var child in _files.ListDirectories(directory))
        {
            _names.Tree.CreateDirectory(FilePaths.Combine(name, child));
            Import(FilePaths.Combine(name, child));
        }
        foreach (var child in _files.ListFiles(directory))
        {
            var content = new RecordedContent(++_contents);
            _names.Tree.SetFile(FilePaths.Combine(name, child), content);
            using var file = _files.OpenRead(FilePaths.Combine(directory, child));
            content.Written(0, file.Length);
            Sync(content, static () => { }, (offset, bytes, count) => file.Read(offset, bytes.AsSpan(0, count)), file.Length);
        }
        _names.SyncDirectory(_names.Tree.FindDirectory(name));
    }

    /// <summary>Gives numbers to directories, and collects what became durable as edits for the journal.</summary>
    sealed class RecordedNames : DurableNames<RecordedContent>
    {
        readonly Dictionary<NameDirectory, uint> _ids = new(ReferenceEqualityComparer.Instance);
        readonly List<(uint, string, byte, uint)> _made = [];

        public RecordedNames() => _ids.Add(Tree.Root, 0);

        protected override void Made(NameChange change)
        {
            foreach (var edit in change.Edits)
            {
                _made.Add(edit.After switch
                {
                    RecordedContent file => (IdOf(edit.Directory), edit.Name, FileMeaning, file.Id),
                    NameDirectory directory => (IdOf(edit.Directory), edit.Name, DirectoryMeaning, IdOf(directory)),
                    _ => (IdOf(edit.Directory), edit.Name, (byte)0, 0u),
                });
            }
        }

        public (uint, string, byte, uint)[] TakeMade()
        {
            (uint, string, byte, uint)[] made = [.. _made];
            _made.Clear();
            return made;
        }

        uint IdOf(NameDirectory directory)
        {
            if (!_ids.TryGetValue(directory, out var id)) _ids.Add(directory, id = (uint)_ids.Count);
            return id;
        }
    }
}

sealed class RecordedWritableFile(RecordingFileSystem recording, IWritableFile file, IReadableFile reader, RecordedContent content)
    : IWritableFile
{
    public string Path => file.Path;

    public long Length => file.Length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        var start = file.Length;
        file.Append(bytes);
        content.Written(start, file.Length);
    }

    public void Sync() =>
        recording.Sync(content, file.Sync, (offset, bytes, count) => reader.Read(offset, bytes.AsSpan(0, count)), file.Length);

    public void Dispose()
    {
        file.Dispose();
        reader.Dispose();
    }
}

sealed class RecordedRegion(RecordingFileSystem recording, IAppendRegion region, RecordedContent content) : IAppendRegion
{
    public string Path => region.Path;

    public long Capacity => region.Capacity;

    public bool IsMapped => region.IsMapped;

    public Span<byte> GetSpan(long offset, int length) => region.GetSpan(offset, length);

    public void Publish(long start, long end)
    {
        region.Publish(start, end);
        content.Written(start, end);
    }

    public void Sync() => recording.Sync(content, region.Sync, (offset, bytes, count) =>
    {
        region.GetSpan(offset, count).CopyTo(bytes);
        return count;
    }, region.Capacity);

    // Records more than it must: what is durable beyond the range is allowed to be.
    public void SyncRange(long start, long end)
    {
        FileErrors.CheckRange(Path, start, end, Capacity);
        Sync();
    }

    public void Prepare(long start, long end) => region.Prepare(start, end);

    public void Dispose() => region.Dispose();
}
