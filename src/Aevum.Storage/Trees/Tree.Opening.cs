// Tree, opening: finds out what the directory holds, clears what no manifest names, replays the log.
//
//   DIR/LOCK  CURRENT  MANIFEST-n  tables/*.table  log/*
//
// A new tree is made whole before CURRENT names its manifest: a crash in between leaves a directory that opens as a new tree again.

using System.Globalization;
using Aevum.Core.Batches;
using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Storage.Log;
using Aevum.Storage.Memtables;
using Aevum.Storage.Versions;

namespace Aevum.Storage.Trees;

/// <summary>What opening found.</summary>
/// <param name="LogRecordsReplayed">Batches read back from the log.</param>
/// <param name="LogBytesCut">Bytes at the log's end that a crash left unfinished.</param>
/// <param name="ManifestBytesCut">The same of the manifest.</param>
/// <param name="FilesRemoved">Files that no manifest named.</param>
public sealed record TreeRecovery(long LogRecordsReplayed, long LogBytesCut, long ManifestBytesCut, int FilesRemoved);

public sealed partial class Tree
{
    // Room for some ten thousand small writes before a second file is made; small pages, so that an idle tree holds few.
    const int FirstLogSegmentBytes = 4 << 20;

    public const string LockName = "LOCK";
    public const string LogFolderName = "log";

    /// <summary>The stream of a tree in its own log.</summary>
    internal const uint OwnStream = 1;

    /// <summary>What opening found.</summary>
    public TreeRecovery Recovery { get; private set; } = new(0, 0, 0, 0);

    /// <summary>Opens the tree in a directory, or makes one.</summary>
    /// <exception cref="CorruptionException">A file is damaged or missing; nothing was changed.</exception>
    /// <exception cref="AevumException">Locked: another process holds the directory.</exception>
    public static Tree Open(StorageEnvironment environment, string directory, TreeOptions? options = null)
    {
        options ??= TreeOptions.Default;
        options.Compaction.Check();
        var files = environment.Files;
        files.CreateDirectoryDurably(directory);
        // An earlier attempt may have made the name and died before it was durable.
        if (!Manifest.Exists(files, directory)) files.SyncDirectory(FilePaths.DirectoryOf(directory));
        files.CreateDirectory(Path.Combine(directory, TableStore.FolderName));
        var held = files.Lock(Path.Combine(directory, LockName), string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId}"));
        try
        {
            return new Tree(environment, directory, options, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    Tree(StorageEnvironment environment, string directory, TreeOptions options, IDisposable held)
    {
        _environment = environment;
        _directory = directory;
        _options = options;
        _lock = held;
        _store = new TableStore(environment, directory, options);
        _signal = environment.Scheduler.CreateSignal("tree");
        _single = new WriteBatch(options.Limits);

        _manifest = OpenManifest(out var manifestCut);
        var state = _manifest.State;
        try
        {
            // Everything is looked at before anything is changed: a damaged manifest may have lost its last edit, and what that named
            // would be taken for orphans.
            CheckTables(state);
            if (options.OwnLog)
            {
                _log = OpenLog(state);
                _stream = _log.OpenStream(OwnStream);
                CheckLog(state);
            }
            _manifest.StartAnew();
            var removed = RemoveOrphans(state);
            environment.RaiseTableIds(state.NextTableId);

            _floors = new Floors(options.Policy, state.Floors);
            // A power cut may have taken batches that a recorded floor knew of. Time does not go back behind it: a snapshot opened now
            // must lie at or above the floor, or nothing could be read at it.
            _floors.RaiseAppliedTime(Math.Max(state.GreatestTime, state.Floors.Values.DefaultIfEmpty().Max()));
            _lastPosition = state.AppliedPosition;
            _version = LiveVersion.Create(state.Version, null, _store);
            _active = new MemtableHandle(NewMemtable()) { LastPosition = state.AppliedPosition };
            _state = new ReadState(_active, _frozen, null, _version);
            lock (_gate)
            {
                if (options.HoldCompactions) _compactionHolds++;
                UpdatePressureLocked();
                // Before the replay: on a level 0 so full that writes wait, it would wait for a compaction that nobody begins.
                StartCompactionLocked();
            }

            long replayed = 0, logCut = 0;
            if (options.OwnLog)
            {
                replayed = Replay(state);
                logCut = _log!.Recovery.CutBytes;
                _log.OldestPinned += OnLogPinned;
                SpaceWanted += _log.DropSpares;
                // Now, so that the first writer does not wait for a file to be made and synced.
                _log.MakeReady();
                // What a process before left unsynced counts for a policy that bounds what a power cut may take, and nobody else will sync it.
                if (_options.Sync.Kind != SyncKind.Os) _log.SyncNow();
            }
            Recovery = new TreeRecovery(replayed, logCut, manifestCut, removed);
        }
        catch
        {
            _closed = true;
            StopMaintenance();
            _log?.Dispose();
            _manifest.Dispose();
            if (_state is not null) ReleaseMemory();
            throw;
        }
    }

    Manifest OpenManifest(out long bytesCut)
    {
        bytesCut = 0;
        if (Manifest.Exists(_environment.Files, _directory)) return Manifest.Open(_environment.Files, _directory, out bytesCut, _options.ManifestBytesMax);

        // Tables without a manifest are a tree whose CURRENT was lost, not a new one.
        foreach (var name in _environment.Files.ListFiles(_store.Directory))
            if (TableStore.TryParse(name, out _))
                Throw.Corruption(Path.Combine(_directory, Manifest.CurrentName), 0, "the name of a manifest: the directory holds tables");
        Span<byte> identity = stackalloc byte[16];
        _environment.Scheduler.CreateRandom("tree identity " + _directory).Fill(identity);
        return Manifest.Create(
            _environment.Files, _directory, new ManifestState { DatabaseId = new Guid(identity), Timeline = 1 }, _options.ManifestBytesMax);
    }

    CommitLog OpenLog(ManifestState state)
    {
        var folder = Path.Combine(_directory, LogFolderName);
        _environment.Files.CreateDirectory(folder);
        _environment.Files.SyncDirectory(_directory);
        return CommitLog.Open(_environment.Files, _environment.Scheduler, folder, new LogOptions
        {
            DatabaseId = state.DatabaseId,
            Timeline = state.Timeline,
            Sync = _options.Sync,
            SegmentBytes = _options.LogSegmentBytes,
            FirstSegmentBytes = Math.Min(_options.LogSegmentBytes, FirstLogSegmentBytes),
            SpareSegments = 1,      // and the next one, which is made when half of the current one is full
            TotalBytesMax = _options.LogBytesMax,
        });
    }

    void CheckTables(ManifestState state)
    {
        foreach (var table in state.Version.AllTables)
        {
            var path = _store.PathOf(table.Id);
            if (!_environment.Files.FileExists(path)) Throw.Corruption(path, 0, "a table that the manifest names; the file is missing");
            var length = _environment.Files.FileLength(path);
            if (length != table.FileBytes) Throw.Corruption(path, length, $"{table.FileBytes} bytes, as the manifest says");
        }
    }

    int RemoveOrphans(ManifestState state)
    {
        var removed = 0;
        var named = state.Version.AllTables.Select(t => t.Id).ToHashSet();
        foreach (var name in _environment.Files.ListFiles(_store.Directory))
        {
            if (TableStore.TryParse(name, out var id) && named.Contains(id)) continue;
            if (TableStore.TryParse(name, out id)) _environment.RaiseTableIds(id + 1);
            _environment.Files.Delete(Path.Combine(_store.Directory, name));
            removed++;
        }
        foreach (var name in _environment.Files.ListFiles(_directory))
        {
            if (!name.StartsWith(Manifest.Prefix, StringComparison.Ordinal) || name == _manifest!.FileName) continue;
            _environment.Files.Delete(Path.Combine(_directory, name));
            removed++;
        }
        return removed;
    }

    // What the manifest says is flushed need not be in the log; what is behind that must be.
    void CheckLog(ManifestState state)
    {
        var first = _stream!.FirstPosition;
        if (first > state.AppliedPosition + 1)
            Throw.Corruption(
                Path.Combine(_directory, LogFolderName), 0,
                $"position {state.AppliedPosition + 1}, the first that is in no table; the log starts at {first}");
    }

    long Replay(ManifestState state)
    {
        if (_stream!.LastPosition < state.AppliedPosition)
        {
            // A power cut took records whose effects are in tables: the log goes on behind them.
            _stream.Release(state.AppliedPosition);
            return 0;
        }
        return _stream.Replay(state.AppliedPosition + 1, (position, payload) =>
        {
            var time = CheckEncoded(payload);
            while (true)
            {
                WaitForRoom(payload.Length);
                lock (_gate)
                {
                    if (!TryMakeRoomLocked()) continue;
                    _lastPosition = position;
                    ApplyLocked(payload, time, position);
                    return;
                }
            }
        });
    }
}
