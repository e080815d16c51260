// CollectionIndex, saving and opening: graph and keys as files, so that the next open goes on behind them and builds nothing.
//
//   Save   1. note the token of what was pulled, and wait until all of that is in the graph. Where there is no memory for it, take an earlier token
//          2. keys that have a number by now are written; the indexer goes no further than what was pulled by then, so that the graph names no other
//             The log is synced: no power cut takes a row away that the files know
//          3. the graph is saved while searches go on; its manifest, written last, carries the save's number
//   Open   graph and keys of the same save; then the stream is followed on from the token. Where the log does not reach back so far, the rows are compared
//          with what the index has (Begin): what differs is put, what is gone deleted
//
// Writing some of it again changes nothing: a put or delete whose time is not above what the graph holds is none.
//
// A file that is damaged is told (Damage), the directory is emptied, and the index is built anew; searches look at the rows meanwhile.
//
// When: when asked (VSAVE), at a clean close, and in the background after so many changes that building them again would take long. None of it is needed for
// the rows to be safe.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Scheduling;
using Aevum.Model.Access;
using Aevum.Vectors;

namespace Aevum.Engine.Indexes;

public sealed partial class CollectionIndex
{
    const long ChangesMin = 16_384;      // below it building is quicker than it is worth
    const int ChangesShare = 4;          // of the keys

    readonly Lock _saveGate = new();
    long _savedEnd;                      // entries of the tail that are in what was saved
    bool _isSaving;
    BegunSave? _reachedPlace;            // under _pullGate: all of it is in the graph
    BegunSave? _nextPlace;               // under _pullGate: behind it, and noted as the next
    long _indexEnd = long.MaxValue;      // the indexer goes no further
    volatile string? _damage;

    /// <summary>What was found damaged when the index was opened, so that it was built anew; null: nothing.</summary>
    public string? Damage => _damage;

    // Worth saving, by itself.
    bool IsSaveDue => _directory is not null && _state == IndexState.Following && !Volatile.Read(ref _isSaving)
        && _tail.Taken - Volatile.Read(ref _savedEnd) >= Math.Max(ChangesMin, _keys.Live / ChangesShare);

    void StartSaveIfDue(IScheduler scheduler)
    {
        if (!IsSaveDue) return;
        Volatile.Write(ref _isSaving, true);
        _saving = scheduler.Start($"save index {_keyspace}", WorkClass.Background, async cancellation =>
        {
            try
            {
                await SaveAsync(cancellation);
            }
            catch (AevumException)
            {
                // No space: what was saved before stays, and it is tried again when more has changed.
                Volatile.Write(ref _savedEnd, _tail.Taken);
            }
            finally
            {
                Volatile.Write(ref _isSaving, false);
            }
        });
        if (_disposed) _saving.Cancel();   // Dispose may have looked before there was anything to cancel
    }

    /// <summary>Saves the index, if anything has changed since it was saved last. Searches and writes go on. Where there is no memory to index all that was
    /// written, what is indexed is saved; codes then leave memory for their files.</summary>
    /// <returns>False: there is nothing to be saved at present: the index is being built, or lives in memory alone.</returns>
    /// <exception cref="AevumException">DiskFull, InputOutput: what was saved before stays.</exception>
    public bool Save()
    {
        if (!TryBeginSave(out var begun)) return false;
        _changed.Raise();
        _changed.WaitUntil(() => IsIndexedTo(begun.End));
        return _shards.WithRoom(() => EndSave(begun));
    }

    async Task<bool> SaveAsync(CancellationToken cancellation)
    {
        if (!TryBeginSave(out var begun)) return false;
        await _changed.WaitUntilAsync(() => IsIndexedTo(begun.End) || cancellation.IsCancellationRequested);
        return !cancellation.IsCancellationRequested && _shards.WithRoom(() => EndSave(begun));
    }

    // Where to follow on from behind the first so many entries of the tail.
    readonly record struct BegunSave(long End, StreamToken Token);

    // Under the gate, from time to time: two places, so that there is always one (but the first time) that the graph has reached.
    void NotePlaceLocked()
    {
        if (_state != IndexState.Following || _tail.Taken < (_nextPlace?.End ?? 0) || _tail.End == _nextPlace?.End) return;
        _reachedPlace = _nextPlace;
        _nextPlace = new(_tail.End, _subscription!.Token);
    }

    bool IsIndexedTo(long end) => _tail.Taken >= end || _disposed || _refusal is not null || _state != IndexState.Following;

    bool TryBeginSave(out BegunSave begun)
    {
        begun = default;
        if (_directory is null) return false;
        lock (_pullGate)
        {
            if (_disposed || _state != IndexState.Following || _subscription is not { } subscription) return false;
            begun = new BegunSave(_tail.End, subscription.Token);
            return true;
        }
    }

    bool EndSave(BegunSave begun)
    {
        lock (_saveGate)
        {
            _life.EnterReadLock();
            try
            {
                if (_disposed || _graph is not { } graph) return false;
                if (_tail.Taken < begun.End)
                {
                    if (_refusal is null) return false;
                    lock (_pullGate)
                    {
                        if (_state != IndexState.Following || _reachedPlace is not { } reached) return false;
                        begun = reached;
                    }
                }
                // Another one was quicker, or nothing has changed.
                if (_savedEnd >= begun.End && graph.SavedPosition > 0 && !graph.HasUnsavedCodes) return true;
                long taken;
                int count;
                lock (_pullGate)
                {
                    count = _keys.Count;
                    Volatile.Write(ref _indexEnd, _tail.End);
                    taken = _tail.Taken;
                }
                _shards.SyncLog();
                var save = graph.SavedPosition + 1;
                _files.CreateDirectoryDurably(_directory!);
                KeyFile.Write(_files, _directory!, save, Volatile.Read(ref _completeFrom), begun.Token.ToString(), _keys, count, number =>
                {
                    ref var state = ref _keys.StateOf(number);
                    // In this order: who follows adds an entry first, and notes the version second.
                    var known = (Volatile.Read(ref state.Version), Volatile.Read(ref state.IsLive));
                    // What is not in the graph yet differs from any row, and so is put again when rows have to be compared.
                    return Volatile.Read(ref state.LastEntry) >= taken ? (0, true) : known;
                });
                graph.Save(_files, _directory!, save);
                KeyFile.DeleteOthers(_files, _directory!, save);
                Volatile.Write(ref _savedEnd, begun.End);
                return true;
            }
            finally
            {
                Volatile.Write(ref _indexEnd, long.MaxValue);
                _changed.Raise();
                _life.ExitReadLock();
            }
        }
    }

    // By the index's body, before anything is followed. Returns the token to go on from; null: build.
    StreamToken? TryOpen(IScheduler scheduler)
    {
        if (_directory is null || !VectorIndex.Exists(_files, _directory)) return null;
        VectorIndex? opened = null;
        try
        {
            opened = VectorIndex.Open(_files, _directory, _shape, GraphOptions, _budget, scheduler);
            var (token, completeFrom) = KeyFile.Read(_files, _directory, opened.SavedPosition, _keys);
            var parsed = StreamToken.Parse(token);
            _completeFrom = completeFrom;
            _graph = opened;
            return parsed;
        }
        catch (AevumException failure) when (failure.Code is ErrorCode.Corruption or ErrorCode.UnsupportedFormat or ErrorCode.NotFound
            or ErrorCode.InvalidArgument or ErrorCode.InputOutput)
        {
            opened?.Dispose();
            _damage = failure.Message;
            _keys.Clear();
            DeleteFiles();
            return null;
        }
        catch
        {
            opened?.Dispose();
            _keys.Clear();
            throw;
        }
    }

    void DeleteFiles()
    {
        if (_directory is null) return;
        try
        {
            _files.DeleteTree(_directory);
        }
        catch (AevumException)
        {
            // They are replaced by the next save, or go at the next open.
        }
    }
}
