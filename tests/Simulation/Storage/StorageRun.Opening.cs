// StorageRun, opening: what must be in the tree after it was closed, killed or lost its power.
//
//   closed, or the process died    every acknowledged batch
//   the power went                 every batch that was durable: by the sync policy, or because it was flushed
//
// More may be there (a batch whose write was cut off, a page that reached the disk by itself), but always a prefix of what was written, in the
// order of the log: the tree says how long it is, and must then hold exactly that.

using Aevum.Core.Errors;
using Aevum.Core.Files;
using Aevum.Core.Time;
using Aevum.Storage.Trees;

namespace Aevum.Simulation.Storage;

sealed partial class StorageRun
{
    const string Directory = "db";

    StorageEnvironment? _environment;
    Tree? _tree;
    int _required;      // batches that the next open must find
    bool _powerWasCut;  // since the tree was last open
    bool _logFailed;    // the tree's log takes no more; only an open helps

    Tree Tree => _tree ?? throw new InvalidOperationException("the simulated tree is closed");

    void Open()
    {
        for (var attempts = 1; ; attempts++)
        {
            try
            {
                OpenOnce();
                break;
            }
            catch (AevumException e) when (e is not CorruptionException)
            {
                CloseEnvironment();
                if (_files.Successor is { } successor)
                {
                    Note($"died while opening: {e.Code}");
                    TakeOver(successor);
                    continue;
                }
                Require(_fault != Fault.None && IsExpected(e), $"the tree did not open: {e}");
                Count("opens refused");
                Note($"open refused: {e.Code}");
                if (attempts >= 2) Heal();
            }
        }
        
        CheckRecovered();
    }

    void OpenOnce()
    {
        _environment = new StorageEnvironment(new StorageOptions
        {
            Files = _files,
            Scheduler = _scheduler,
            BlockCacheBytes = _configuration.CacheBytes,
            RetainedArenaBytes = 1 << 20,
            OpenTablesMax = _configuration.OpenTablesMax,
            CompactionBytesPerSecond = _configuration.CompactionBytesPerSecond,
        });
        _tree = Tree.Open(_environment, Directory, _configuration.Tree);
        _logFailed = false;
    }

    void CheckRecovered()
    {
        var found = (int)(OwnLog ? Tree.AppliedPosition : Tree.FlushedPosition);
        Note($"open: {found} batches of {_model.Count}, {_required} required");
        Count("opens");
        Require(found >= _required, $"{_required} batches had to survive, {found} were found");
        Require(found <= _model.Count, $"{found} batches were found, {_model.Count} were written");
        if (OwnLog)
        {
            _model.Truncate(found);
            if (_powerWasCut) CarryFloors();
            CheckEverything();
        }
        else
        {
            // The owner of the log sees what the tree kept, and then applies the rest again.
            CheckNow(_model.Prefix(found));
            ApplyFromOwnersLog(found + 1);
            if (_powerWasCut) CarryFloors();
            CheckEverything();
        }
        // What was read back after a power cut was on the disk.
        if (_powerWasCut) _durable = found;
        _uncertain = 0;
        _powerWasCut = false;
        _required = 0;
        _acknowledged.Clear();
    }

    void ApplyFromOwnersLog(int first)
    {
        for (var position = first; position <= _model.Count; position++)
        {
            while (true)
            {
                try
                {
                    Require(Tree.Apply(_model.BatchAt(position), (ulong)position), $"the batch at {position} was taken for one that is there");
                    break;
                }
                catch (AevumException e) when (_files.Successor is null && IsExpected(e))
                {
                    Note($"replay refused: {e.Code}");
                    Heal();
                    _scheduler.RunFor(TimeSpan.FromSeconds(1));
                }
            }
        }
    }

    void Reopen()
    {
        Note("reopen");
        Count("reopens");
        Close();
        if (_files.Successor is { } successor) TakeOver(successor);
        Open();
    }

    /// <summary>An orderly close, or what of it the dead disk allows.</summary>
    void Close()
    {
        LetGoOfAll();
        _required = Math.Max(_required, OwnLog ? _model.Count - _uncertain : (int)Tree.FlushedPosition);
        _tree?.Dispose();
        _tree = null;
        CloseEnvironment();
    }

    void CloseEnvironment()
    {
        _environment?.Dispose();
        _environment = null;
    }

    /// <summary>The process dies now, or has died by the plan; the next one opens what is left.</summary>
    void Recover(string how)
    {
        Note($"dies: {how}");
        NoteDurable();
        var successor = _files.Successor ?? throw new InvalidOperationException("nobody has died");
        // On a dead disk closing can save nothing any more; it gives back memory and ends the bodies.
        Close();
        TakeOver(successor);
        Open();
    }

    void TakeOver(FaultyFileSystem successor)
    {
        var cut = successor.BootId != _files.BootId;
        Count(cut ? "power cuts" : "kills");
        _files = successor;
        _plan.KillAt = _plan.PowerCutAt = null;
        if (!cut) return;
        _powerWasCut = true;
        _required = _durable;
    }

    public void Dispose()
    {
        try
        {
            LetGoOfAll();
            _tree?.Dispose();
            _environment?.Dispose();
            _scheduler.Dispose();
        }
        catch (Exception e) when (e is AevumException or InvalidOperationException)
        {
            // A run that failed may leave anything behind; what it failed of is known already.
        }
    }

    // ---------------------------------------------------------------------------------------- floors

    // A power cut may take floors back that were not yet written down; below what was they must stay.
    void CarryFloors()
    {
        foreach (var keyspace in Policy.Keyspaces)
        {
            var floor = Tree.HistoryFloorOf(KeyOf(keyspace)).Value;
            var highest = Math.Max(keyspace.FloorAtLeast, Math.Min(keyspace.FloorWanted, _timeWritten));
            Require(floor <= highest, $"after a power cut the floor of {keyspace.Id} stands at {floor}, above {highest}");
            keyspace.FloorAtLeast = floor;
        }
    }

    ulong FloorOf(SimulatedKeyspace keyspace)
    {
        var floor = Math.Min(keyspace.FloorWanted, Tree.AppliedTime.Value);
        foreach (var snapshot in _snapshots) floor = Math.Min(floor, snapshot.At.Value);
        return keyspace.FloorAtLeast = Math.Max(keyspace.FloorAtLeast, floor);
    }

    byte[] KeyOf(SimulatedKeyspace keyspace) => Policy.KeyspacePrefixBytes == 0 ? [] : PrefixOf(keyspace.Id);

    static byte[] PrefixOf(ulong id)
    {
        var prefix = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(prefix, id);
        return prefix;
    }

    void CheckFloors()
    {
        Require(Tree.AppliedTime.Value >= _model.GreatestTime, $"the applied time is {Tree.AppliedTime}, of the model {_model.GreatestTime}");
        foreach (var keyspace in Policy.Keyspaces)
        {
            var floor = Tree.HistoryFloorOf(KeyOf(keyspace)).Value;
            Require(floor == FloorOf(keyspace), $"the floor of keyspace {keyspace.Id} stands at {floor}, not at {FloorOf(keyspace)}");
        }
    }
}
